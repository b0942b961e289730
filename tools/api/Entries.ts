/**
 * The entries of the package, and the files that they name.
 */
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("../..", import.meta.url))

const manifest: { readonly exports: Readonly<Record<string, string | { readonly types: string }>> } = JSON.parse(
  readFileSync(join(root, "package.json"), "utf8")
)

/** In the order of package.json, each with its source and with the declarations that are built of it. */
export const entries = Object.values(manifest.exports).flatMap((target) => {
  if (typeof target === "string") return []
  const name = target.types.replace(/^\.\/dist\//, "").replace(/\.d\.ts$/, "")
  return [{ name, source: join(root, "src", `${name}.ts`), declarations: join(root, target.types) }]
})

/** The entries' sources, and what they export names from. */
export const namedFiles: ReadonlySet<string> = new Set(
  entries.flatMap(({ source }) => [
    source,
    ...[...readFileSync(source, "utf8").matchAll(/ from "(\.[^"]+)"$/gm)].map(([, file = ""]) =>
      join(dirname(source), file)
    )
  ])
)
