/**
 * Packs the package and looks at the tarball as its users will: publint, are-the-types-wrong, an installation into an
 * empty project, every entry imported by plain node, the types read without `skipLibCheck`, the command run.
 */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const bin = join(root, "node_modules", ".bin")
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
const project = mkdtempSync(join(tmpdir(), "fly-tokens-package-"))

const run = (command: string, args: ReadonlyArray<string>, cwd: string) => {
  console.log(`$ ${[command.replace(`${bin}/`, ""), ...args].join(" ")}`)
  return execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] })
}

try {
  const [packed] = JSON.parse(
    run("npm", ["pack", "--json", "--pack-destination", project], root).replace(/^[^[{]*/, "")
  )
  const tarball = join(project, packed.filename)
  console.log(`${packed.files.length} files, ${Math.round(packed.unpackedSize / 1024)} kB unpacked`)
  run(join(bin, "publint"), ["run", tarball, "--strict"], root)
  run(join(bin, "attw"), [tarball, "--profile", "esm-only"], root)

  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }))
  run("npm", [
    "install",
    "--no-audit",
    "--no-fund",
    tarball,
    `effect@${manifest.devDependencies.effect}`,
    `typescript@${manifest.devDependencies.typescript}`,
    `@types/node@${manifest.devDependencies["@types/node"]}`
  ], project)

  const entries = Object.keys(manifest.exports).filter((name) => name !== "./package.json")
    .map((name) => `${manifest.name}${name.slice(1)}`)
  for (const entry of entries) {
    const names = run("node", [
      "--input-type=module",
      "-e",
      `console.log(Object.keys(await import("${entry}")).join(" "))`
    ], project)
    if (names.trim() === "") throw new Error(`${entry} exports nothing`)
    console.log(`${entry}: ${names.trim()}`)
  }
  writeFileSync(join(project, "user.ts"), entries.map((entry, n) => `export * as e${n} from "${entry}"`).join("\n"))
  run(join(project, "node_modules", ".bin", "tsc"), [
    "--noEmit",
    "--strict",
    "--skipLibCheck",
    "false",
    "--module",
    "nodenext",
    "--target",
    "es2023",
    "--types",
    "node",
    "user.ts"
  ], project)

  const version = run(join(project, "node_modules", ".bin", "fly-tokens"), ["--version"], project).trim()
  if (version !== manifest.version) throw new Error(`the command says ${version}, not ${manifest.version}`)
  console.log(`fly-tokens --version: ${version}`)
} finally {
  rmSync(project, { recursive: true, force: true })
}
