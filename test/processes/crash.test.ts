/**
 * Writers that are killed, and many writers at once, on real files.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Environment, Storage, type StorageKey } from "../../src/index.ts"
import { StorageFileSystem } from "../../src/node.ts"
import { numberOf } from "../support/sealed.ts"
import { killRounds as rounds, storedApps as apps } from "../support/sizes.ts"
import * as Worker from "./Worker.ts"

const storageAt = (directory: string) =>
  StorageFileSystem.layer({ directory }).pipe(
    Layer.provide(Environment.layerRecord({})),
    Layer.provide(NodeServices.layer)
  )

const temporary = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "fly-tokens-crash-"))),
  (directory) => Effect.promise(() => rm(directory, { recursive: true, force: true }))
)

/** Each manual token that a writer said is stored: app → number. */
const acknowledged = (lines: ReadonlyArray<string>): ReadonlyArray<readonly [string, number]> =>
  lines.map((line) => line.split(" ")).map(([app, n]) => [app!, Number(n)] as const)

interface Found {
  records: number
  torn: number
  lost: number
}

/** Reads every record, and looks for every manual token that was acknowledged, or a later one. */
const inspect = Effect.fnUntraced(function*(acked: ReadonlyMap<string, number>) {
  const storage = yield* Storage
  const found: Found = { records: 0, torn: 0, lost: 0 }
  const manual = new Map<string, number>()
  for (const key of ["cached", "manual", "org"] satisfies ReadonlyArray<StorageKey>) {
    for (const name of yield* storage.list(key)) {
      const stored = yield* Effect.option(storage.get(name, key))
      const record = Option.isSome(stored) ? Option.getOrUndefined(stored.value) : undefined
      const n = record === undefined ? undefined : numberOf(Redacted.value(record.token), name, key)
      found.records++
      if (n === undefined) found.torn++
      else if (key === "manual") manual.set(name, n)
    }
  }
  for (const [name, n] of acked) {
    if (!((manual.get(name) ?? -1) >= n)) found.lost++
  }
  return found
})

describe("a store in files", () => {
  it.live(
    `${rounds} rounds of a writer that is killed at a random moment: nothing torn, no manual token lost`,
    () =>
      Effect.gen(function*() {
        const directory = yield* temporary
        const acked = new Map<string, number>()
        const left = new Set<string>()
        const total: Found & { rounds: number; acknowledged: number } = {
          rounds: 0,
          acknowledged: 0,
          records: 0,
          torn: 0,
          lost: 0
        }
        // Starting one takes longest: the next ones get ready while one is killed.
        const writer = () => Worker.start("storeWriter", [directory, "0", "2"])
        const ready = Array.from({ length: 3 }, writer)
        // And until one was killed in the middle of a write, not between two.
        for (let round = 0; round < rounds || left.size === 0; round++) {
          const worker = yield* Effect.promise(() => ready.shift() ?? writer())
          if (round + 3 < rounds) ready.push(writer())
          worker.go()
          // On a busy machine it may take a while until it writes at all.
          yield* Effect.promise(() => worker.line(/^app-/))
          // Real processes and files have no clock to be moved: it is killed at a random moment of 40 ms.
          yield* Effect.sleep(Math.random() * 40)
          worker.kill("SIGKILL")
          assert.strictEqual(yield* Effect.promise(() => worker.ended), "SIGKILL")
          for (const [app, n] of acknowledged(worker.lines)) {
            acked.set(app, Math.max(n, acked.get(app) ?? 0))
            total.acknowledged++
          }
          const found = yield* Effect.provide(inspect(acked), storageAt(directory))
          total.rounds++
          total.records += found.records
          total.torn += found.torn
          total.lost += found.lost
          for (const file of yield* Effect.promise(() => readdir(directory, { recursive: true }))) {
            if (file.endsWith(".tmp")) left.add(file)
          }
        }
        console.log(
          `killed ${total.rounds} times: ${total.acknowledged} manual tokens acknowledged, ${total.records} records read, `
            + `${total.torn} torn, ${total.lost} manual tokens lost, ${left.size} temp files left behind`
        )
        assert.deepStrictEqual([total.torn, total.lost], [0, 0])
        assert.isAbove(total.acknowledged, 0)
      }),
    60_000 + rounds * 3_000
  )

  it.live(
    `8 processes that write ${apps} apps, each with two writers: nothing torn, no manual token lost`,
    () =>
      Effect.gen(function*() {
        const directory = yield* temporary
        const each = Math.ceil(apps / 4)
        const workers = yield* Effect.promise(() =>
          Promise.all(
            Array.from(
              { length: 8 },
              (_, n) => Worker.start("storeWriter", [directory, String(each * (n % 4)), String(each)])
            )
          )
        )
        for (const worker of workers) {
          worker.go()
        }
        // Until each of them has stored a manual token of each of its apps, however long that takes: by then all apps had
        // two writers at once.
        const stored = ({ lines }: Worker.Worker) => new Set(acknowledged(lines).map(([app]) => app)).size
        while (!workers.every((worker) => stored(worker) === each)) yield* Effect.sleep("100 millis")
        for (const worker of workers) worker.kill("SIGKILL")
        yield* Effect.promise(() => Promise.all(workers.map(({ ended }) => ended)))
        // Two writers of one app overtake each other: of each writer's tokens the last one may be replaced by an older one
        // of the other, so that only the presence of a whole one is certain.
        const acked = new Map(workers.flatMap(({ lines }) => acknowledged(lines)).map(([app]) => [app, 0]))
        const found = yield* Effect.provide(inspect(acked), storageAt(directory))
        const count = workers.reduce((sum, { lines }) => sum + lines.length, 0)
        console.log(
          `8 processes: ${count} manual tokens acknowledged for ${acked.size} apps, ${found.records} records read, `
            + `${found.torn} torn, ${found.lost} manual tokens lost`
        )
        assert.deepStrictEqual([found.torn, found.lost], [0, 0])
        assert.strictEqual(acked.size, 4 * each)
      }),
    300_000
  )
})
