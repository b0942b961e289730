/**
 * Very many files in the store.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Environment, Storage } from "../../../dist/index.js"
import { StorageFileSystem } from "../../../dist/node.js"
import { TestToken } from "../../../dist/testing.js"
import * as Comparison from "../../harness/Comparison.ts"
import { ours as name } from "../../harness/Result.ts"
import * as Rounds from "../../harness/Rounds.ts"
import { milliseconds } from "../../harness/Timing.ts"

const sizes = Comparison.quick ? [10, 100] : [100, 10_000]
const folder = mkdtempSync(join(tmpdir(), "fly-tokens-bench-"))
process.once("exit", () => rmSync(folder, { recursive: true, force: true }))

const open = async (files: number) => {
  const runtime = ManagedRuntime.make(
    StorageFileSystem.layer({ directory: join(folder, String(files)) }).pipe(
      Layer.provide(Layer.merge(NodeServices.layer, Environment.layerRecord({})))
    )
  )
  const storage = await runtime.runPromise(Storage.use(Effect.succeed))
  return { runtime, storage }
}

const nameOf = (n: number) => `app-${n}`
const jobs: Array<Rounds.Job> = []
let listed = 0

for (const files of sizes) {
  const { runtime, storage } = await open(files)
  const token = await Effect.runPromise(TestToken.make())
  await runtime.runPromise(
    Effect.forEach(
      Array.from({ length: files }, (_, n) => nameOf(n)),
      (app) =>
        storage.put(app, "cached", {
          token: Redacted.make(token.value),
          expiresAt: token.expiresAt,
          source: "cli",
          savedAt: Date.now()
        }),
      { concurrency: 16, discard: true }
    )
  )
  let turn = 0
  const group = `${files.toLocaleString("en-US")} files`
  const add = (name: string, run: () => Promise<unknown>) =>
    void jobs.push({ group, name, unit: "ms", run: () => milliseconds(run) })
  add("open", async () => (await open(files)).runtime.dispose())
  // A hundred, one after another: one is over before the clock has moved much.
  add("100 gets", () =>
    runtime.runPromise(Effect.gen(function*() {
      for (let n = 0; n < 100; n++) {
        if (Option.isNone(yield* storage.get(nameOf(turn = (turn + 7) % files), "cached"))) throw new Error("not there")
      }
    })))
  add("list", async () => {
    listed = (await runtime.runPromise(storage.list("cached"))).length
    if (listed !== files) throw new Error(`${listed} of ${files} are listed`)
  })
}

Comparison.report({
  comparison: "scale/store",
  title: "Scale: many files in the store",
  about:
    "One file per app, in a temp folder. Opening checks the directory; a get opens and reads one file; a list names all.",
  seed: Comparison.seed,
  tasks: await Rounds.run(jobs, Comparison.rounds),
  counts: [{ group: "files", name, figures: { files: Math.max(...sizes) } }]
})
