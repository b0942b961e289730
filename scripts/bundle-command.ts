/**
 * Puts the command into few files, with what it needs of its dependencies: `dist/bin`. Reading some 400 modules one by
 * one takes longer than all that a `get` does. The library is not bundled: its users share one copy of Effect with it.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { rolldown } from "rolldown"

const root = fileURLToPath(new URL("..", import.meta.url))
const folder = join(root, "dist", "bin")

rmSync(folder, { recursive: true, force: true })
const bundle = await rolldown({ input: join(root, "dist", "command", "main.js"), platform: "node" })
const { output } = await bundle.write({
  dir: folder,
  format: "esm",
  entryFileNames: "fly-tokens.js",
  // Names stay, so that a stack tells something.
  minify: { mangle: false, compress: true, codegen: true }
})
await bundle.close()

/** The folders of the packages that parts were taken from. */
const packages = new Set(
  output.flatMap((chunk) => chunk.type === "chunk" ? chunk.moduleIds : []).flatMap((id) => {
    const match = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(id)
    return match === null ? [] : [match[0]]
  })
)

const licenseOf = (directory: string): string => {
  const { license, name, version } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"))
  const file = readdirSync(directory).find((each) => /^licen[cs]e/i.test(each))
  const text = file === undefined ? "" : `\n\n${readFileSync(join(directory, file), "utf8").trim()}`
  return `${name} ${version} (${license})${text}\n`
}

writeFileSync(
  join(folder, "LICENSES.txt"),
  `The command has parts of these packages in it.\n\n${
    [...packages].sort().map(licenseOf).join(`\n${"-".repeat(72)}\n\n`)
  }`
)
if (!existsSync(join(folder, "fly-tokens.js"))) throw new Error("the command was not bundled")
