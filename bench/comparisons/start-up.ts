/**
 * How long it takes to start: whole processes, beside one that imports Effect and does nothing.
 */
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Comparison from "../harness/Comparison.ts"
import { ours as name } from "../harness/Result.ts"
import * as Rounds from "../harness/Rounds.ts"
import * as Sandbox from "../subjects/sandbox.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const main = join(root, "dist", "bin", "fly-tokens.js")

await Sandbox.use(async ({ environment }) => {
  /** Answers what it printed; throws if it fails. */
  const run = (args: ReadonlyArray<string>): string => {
    const { status, stderr, stdout } = spawnSync(process.execPath, args, {
      cwd: root,
      env: environment as NodeJS.ProcessEnv,
      encoding: "utf8"
    })
    if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}: ${stderr}`)
    return stdout
  }
  // The first call mints and stores it.
  const first = run([main, "get", "my-app"])
  const second = run([main, "get", "my-app"])
  if (first !== second || !first.startsWith("FlyV1 ")) throw new Error("the token is not in the store")

  const job = (group: string, name: string, args: ReadonlyArray<string>): Rounds.Job => ({
    group,
    name,
    unit: "ms",
    run: async () => {
      const began = performance.now()
      run(args)
      return performance.now() - began
    }
  })
  const importing = (module: string) => ["--input-type=module", "-e", `await import("${module}")`]
  const bare = "import of effect/Effect"
  const entries = ["", "/promise", "/http", "/node", "/testing"]

  const tasks = await Rounds.run([
    job("the command", "node -e 0", ["-e", "0"]),
    job("the command", bare, importing("effect/Effect")),
    job("the command", `${name}: get, from the store`, [main, "get", "my-app"]),
    job("the command", `${name}: list`, [main, "list"]),
    job("the command", `${name}: --version`, [main, "--version"]),
    job("imports", bare, importing("effect/Effect")),
    job("imports", "import of effect/Schema", importing("effect/Schema")),
    ...entries.map((entry) => job("imports", `${name}${entry}`, importing(`effect-fly-tokens${entry}`)))
  ], { ...Comparison.rounds, rounds: Comparison.quick ? 1 : 15 })

  Comparison.report({
    comparison: "start-up",
    title: "Start-up",
    about: `
Whole processes, from their start to their end. The token is in the store, as files; the command is the built one. The entries
of the library import Effect's Schema, because its errors are made with it.
    `,
    bases: [bare],
    seed: Comparison.seed,
    tasks,
    counts: [{ group: "the command", name: `${name}: get, from the store`, figures: { mints: 1 } }]
  })
})
