/**
 * The report of the public surface: one file per entry, so that a change of it shows in a diff. With `--write` it writes
 * them, else it fails where they differ.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join, relative } from "node:path"
import { root } from "./Entries.ts"
import { type Export, surface, unnameable } from "./Surface.ts"

const folder = join(root, "tools", "api", "report")

const render = ({ declarations, path, same }: Export): string =>
  same === undefined ? `// ${path}\n${declarations.join("\n")}\n` : `// ${path}: the same as ${same}\n`

const reports = new Map([...surface].map(([entry, exports]) => [
  `${entry}.api.md`,
  `# ${entry === "index" ? "effect-fly-tokens" : `effect-fly-tokens/${entry}`}\n\n` +
  `Written by \`npm run api:update\`; do not edit.\n\n\`\`\`ts\n${exports.map(render).join("\n")}\`\`\`\n`
]))

for (const { by, name } of unnameable) console.error(`${by} mentions ${name}, which no entry exports`)
if (unnameable.length > 0) process.exitCode = 1

mkdirSync(folder, { recursive: true })
const present = readdirSync(folder)
if (process.argv.includes("--write")) {
  for (const file of present) if (!reports.has(file)) rmSync(join(folder, file))
  for (const [file, text] of reports) writeFileSync(join(folder, file), text)
} else {
  const textOf = (file: string): string => present.includes(file) ? readFileSync(join(folder, file), "utf8") : ""
  /** The first line that differs; the whole is for `git diff` after the update. */
  for (const file of new Set([...present, ...reports.keys()])) {
    const [before, after] = [textOf(file).split("\n"), (reports.get(file) ?? "").split("\n")]
    const at = Array.from({ length: Math.max(before.length, after.length) }).findIndex((_, n) => before[n] !== after[n])
    if (at === -1) continue
    console.error(
      `${relative(root, join(folder, file))}:${at + 1} differs\n  - ${before[at] ?? ""}\n  + ${after[at] ?? ""}`
    )
    process.exitCode = 1
  }
  if (process.exitCode === 1) {
    console.error("the public surface changed: run `npm run api:update`, and look at the diff")
  } else {
    const count = [...surface.values()].reduce((sum, exports) => sum + exports.length, 0)
    console.log(`${count} exports of ${surface.size} entries are as reported`)
  }
}
