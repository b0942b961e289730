/**
 * Reads what `npm run coverage` left, and fails if too little of src was run by the tests: in all of it, or in a file that
 * docs/coverage.md gives no reason for.
 */
import { existsSync, readFileSync } from "node:fs"
import { relative } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))

/** Percent of all lines and of all branches. */
const least = 95

/** What a file may leave without being listed. */
const free = { lines: 2, branches: 3 }

interface Count {
  readonly total: number
  readonly covered: number
  readonly pct: number
}

interface Counts {
  readonly lines: Count
  readonly branches: Count
}

const report: Record<string, Counts> = JSON.parse(readFileSync(`${root}coverage/coverage-summary.json`, "utf8"))
const { total, ...files } = report as Record<string, Counts> & { readonly total: Counts }

const listed = new Map(
  [
    ...readFileSync(`${root}docs/coverage.md`, "utf8").matchAll(
      /^\| `(src\/[^`]+)` *\| *(\d+) *\| *(\d+) *\| *(\S.*)\|$/gm
    )
  ]
    .map(([, file = "", lines, branches]) => [file, { lines: Number(lines), branches: Number(branches) }])
)

const problems: Array<string> = []
for (const kind of ["lines", "branches"] as const) {
  const { covered, pct, total: all } = total[kind]
  console.log(`${kind}: ${pct} % (${covered} of ${all})`)
  if (pct < least) problems.push(`${kind}: ${pct} % of src is less than ${least} %`)
}
for (const file of listed.keys()) {
  if (!existsSync(root + file)) problems.push(`${file} is listed and is gone`)
}
for (const [path, counts] of Object.entries(files)) {
  const file = relative(root, path)
  for (const kind of ["lines", "branches"] as const) {
    const missed = counts[kind].total - counts[kind].covered
    const allowed = Math.max(free[kind], listed.get(file)?.[kind] ?? 0)
    if (missed > allowed) problems.push(`${file}: ${missed} ${kind} are not covered, ${allowed} may be`)
  }
}
for (const problem of problems) console.error(problem)
if (problems.length > 0) {
  console.error("Test it, or say in docs/coverage.md why not.")
  process.exitCode = 1
}
