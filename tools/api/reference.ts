/**
 * The reference of the public API in Markdown, from the doc comments. With `--write` it writes `docs/api`, else it fails
 * where that differs. Both fail on a broken link, on an export that is not documented, and on a type without a name.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { Application, PackageJsonReader, TSConfigReader, TypeDocReader } from "typedoc"

const root = fileURLToPath(new URL("../..", import.meta.url))
const folder = join(root, "docs", "api")
const write = process.argv.includes("--write")
const out = write ? folder : mkdtempSync(join(tmpdir(), "fly-tokens-api-"))

const filesOf = (directory: string): ReadonlyMap<string, string> =>
  new Map(
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => [relative(directory, file), readFileSync(file, "utf8")])
  )

try {
  const options = fileURLToPath(new URL("typedoc.json", import.meta.url))
  const app = await Application.bootstrapWithPlugins({ options, out, logLevel: "Warn" }, [
    new TypeDocReader(),
    new PackageJsonReader(),
    new TSConfigReader()
  ])
  const project = await app.convert()
  if (project !== undefined) {
    app.validate(project)
    if (!app.logger.hasErrors()) await app.generateOutputs(project)
  }
  if (project === undefined || app.logger.hasErrors() || app.logger.hasWarnings()) {
    process.exitCode = 1
  } else if (!write) {
    const [before, after] = [filesOf(folder), filesOf(out)]
    const different = [...new Set([...before.keys(), ...after.keys()])].filter((file) =>
      before.get(file) !== after.get(file)
    )
    for (const file of different) console.error(`docs/api/${file} is not what the doc comments say`)
    if (different.length > 0) {
      console.error("run `npm run docs:api`, and look at the diff")
      process.exitCode = 1
    } else {
      console.log(`docs/api has ${after.size} pages, as the doc comments say`)
    }
  }
} finally {
  if (!write) rmSync(out, { recursive: true, force: true })
}
