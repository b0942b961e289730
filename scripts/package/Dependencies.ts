/**
 * What a user's machine gets with the package: nothing that runs a script when it is installed, and for each dependency a
 * reason in docs/dependencies.md.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "./Run.ts"

interface Installed {
  readonly version: string
  readonly hasInstallScript?: boolean
  readonly license?: string
}

/** Reads what npm wrote about an installation, of the package and what comes with it only. */
export const checkInstalled = (project: string): void => {
  const lock = JSON.parse(readFileSync(join(project, "node_modules", ".package-lock.json"), "utf8"))
  const packages = Object.entries<Installed>(lock.packages)
  if (packages.length === 0) throw new Error("nothing is installed")
  const named = packages.map(([path, { version }]) => `${path.replace(/^.*node_modules\//, "")}@${version}`)
  console.log(`${packages.length} packages: ${named.join(" ")}`)
  const scripts = packages.filter(([, { hasInstallScript }]) => hasInstallScript === true)
  if (scripts.length > 0) throw new Error(`runs a script when installed: ${scripts.map(([path]) => path).join(", ")}`)
}

/** The rows of docs/dependencies.md are the dependencies of package.json, each with a reason. */
export const checkReasons = (): void => {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
  const page = readFileSync(join(root, "docs", "dependencies.md"), "utf8")
  const rows = [...page.matchAll(/^\| `([^`]+)` *\|(.*)\|$/gm)].map(([, name = "", reason = ""]) => ({ name, reason }))
  const wanted = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)]
  const missing = wanted.filter((name) => !rows.some((row) => row.name === name && row.reason.trim().length > 20))
  const gone = rows.filter(({ name }) => !wanted.includes(name)).map(({ name }) => name)
  if (missing.length > 0) throw new Error(`docs/dependencies.md has no reason for ${missing.join(", ")}`)
  if (gone.length > 0) throw new Error(`docs/dependencies.md tells of ${gone.join(", ")}, which package.json does not`)
}
