/**
 * Builds the library, runs comparisons, each in a process of its own, and writes down what came out.
 *
 * `npm run bench -- [--quick] [--runs N] [--seed N] [COMPARISON or FOLDER…]`
 */
import { execFileSync, spawn } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Arguments from "./harness/Arguments.ts"
import * as Report from "./harness/Report.ts"
import * as Result from "./harness/Result.ts"
import * as Surroundings from "./harness/Surroundings.ts"
import * as Target from "./harness/Target.ts"
import { targets } from "./targets.ts"

const root = fileURLToPath(new URL("..", import.meta.url))
const bench = join(root, "bench")
const asked = Arguments.parse(process.argv.slice(2), Date.now() % 1_000_000)

const say = (text: string) => console.error(text)
const command = (name: string, args: ReadonlyArray<string>, cwd: string) => {
  say(`$ ${[name, ...args].join(" ")}`)
  // Of what it prints nothing is for stdout.
  execFileSync(name, args, { cwd, stdio: ["ignore", 2, 2] })
}

const isStale = (): boolean => {
  const installed = join(bench, "node_modules", ".package-lock.json")
  return !existsSync(installed) || statSync(installed).mtimeMs < statSync(join(bench, "package-lock.json")).mtimeMs
}

const run = async (comparison: string): Promise<Result.Result> => {
  const args = ["--expose-gc", join(bench, "comparisons", `${comparison}.ts`), "--seed", String(asked.seed)]
  const began = performance.now()
  const child = spawn(process.execPath, asked.quick ? [...args, "--quick"] : args, {
    stdio: ["ignore", "pipe", "inherit"]
  })
  let stdout = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => stdout += text)
  const ended = await new Promise<number | string>((resolve, reject) => {
    child.once("error", reject)
    child.once("close", (code, signal) => resolve(code ?? signal ?? "unknown"))
  })
  if (ended !== 0) throw new Error(`${comparison} ended with ${ended}`)
  const result = Result.parse(stdout)
  const faults = Result.faults(result)
  if (faults.length > 0) throw new Error(`${comparison} is not complete:\n${faults.join("\n")}`)
  say(`${comparison}: ${((performance.now() - began) / 1000).toFixed(1)} s`)
  return result
}

/** In the order of the targets, those without one at the end. */
const placeOf = (name: string): number => {
  const place = targets.findIndex(({ comparison }) => comparison === name)
  return place === -1 ? targets.length : place
}
const comparisons = readdirSync(join(bench, "comparisons"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => name.slice(0, -".ts".length).replaceAll("\\", "/"))
  .toSorted((a, b) => placeOf(a) - placeOf(b) || a.localeCompare(b))
const chosen = Arguments.chosen(comparisons, asked.names)

command("npm", ["run", "--silent", "build"], root)
if (isStale()) command("npm", ["ci"], bench)
if (existsSync(join(bench, "node_modules", "effect"))) {
  throw new Error("a peer brings an effect of its own: there are two")
}
if (asked.quick) {
  command(join(root, "node_modules", ".bin", "tsc"), ["-p", bench], root)
  command(join(root, "node_modules", ".bin", "effect-tsgo"), [
    "diagnostics",
    "--project",
    join(bench, "tsconfig.json"),
    "--strict"
  ], root)
}

say(`seed ${asked.seed}`)
const runs: Array<ReadonlyArray<Result.Result>> = []
const failures: Array<string> = []
for (let n = 0; n < asked.runs; n++) {
  const results: Array<Result.Result> = []
  for (const comparison of chosen) {
    try {
      results.push(await run(comparison))
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error))
      say(`!! ${failures.at(-1)}`)
    }
  }
  runs.push(results)
}

const verdicts = Target.verdicts(targets, runs)
failures.push(...Target.complaints(verdicts))
const merged = chosen.flatMap((comparison) => {
  const [first, ...rest] = runs.flatMap((results) => results.filter((result) => result.comparison === comparison))
  return first === undefined ? [] : [Result.merge([first, ...rest])]
})

// Only a run of everything says how things stand.
const isWhole = !asked.quick && asked.names.length === 0 && failures.length === 0
const folder = isWhole ? bench : mkdtempSync(join(tmpdir(), "fly-tokens-bench-"))
rmSync(join(folder, "plots"), { recursive: true, force: true })
mkdirSync(join(folder, "plots"))
for (const result of merged) {
  for (const plot of result.plots ?? []) writeFileSync(join(folder, "plots", plot.file), Report.plot(result, plot))
}
const page = Report.page({
  surroundings: Surroundings.look(root, bench),
  results: merged,
  verdicts,
  runs: asked.runs,
  notes: readFileSync(join(bench, "NOTES.md"), "utf8"),
  plots: "plots"
})
writeFileSync(join(folder, "RESULTS.md"), page)
if (!asked.quick) console.log(page)
say(`written to ${join(folder, "RESULTS.md")}`)
for (const failure of failures) say(`!! ${failure}`)
if (failures.length > 0) process.exitCode = 1
