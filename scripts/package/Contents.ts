/**
 * What is in the package: sources for all maps, and a closed door for everything that is not an entry.
 */
import { readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { filesBelow, run } from "./Run.ts"

/** Each map leads to sources that are shipped, and each file of code has one; the bundled command keeps names instead. */
export const checkMaps = (folder: string): void => {
  const files = new Set(filesBelow(folder))
  const code = [...files].filter((name) => /^dist\/(?!bin\/).*(?:\.js|\.d\.ts)$/.test(name))
  if (code.length === 0) throw new Error("there is no code in dist")
  for (const name of code) {
    if (!files.has(`${name}.map`)) throw new Error(`${name} has no map`)
    const { sources, sourceRoot = "" } = JSON.parse(readFileSync(join(folder, `${name}.map`), "utf8"))
    for (const source of sources) {
      const shipped = relative(folder, join(folder, dirname(name), sourceRoot, source))
      if (!files.has(shipped)) throw new Error(`${name}.map leads to ${shipped}, which is not shipped`)
    }
  }
  console.log(`${code.length} files of code, each with a map to a source that is shipped`)
}

/** Files that stand in the package and are no entries. */
const inner = ["dist/index.js", "dist/resolver/Chain.js", "src/index.ts", "layers/FastPath", "internal/Chain"]

/** Only what `exports` names can be imported. */
export const checkClosed = (name: string, project: string): void => {
  const script = `
    for (const inner of ${JSON.stringify(inner)}) {
      const code = await import("${name}/" + inner).then(() => "imported", (error) => error.code)
      if (code !== "ERR_PACKAGE_PATH_NOT_EXPORTED") throw new Error(inner + ": " + code)
    }`
  run("node", ["--input-type=module", "-e", script], project)
}
