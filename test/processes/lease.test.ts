/**
 * Many processes, one mint: on files, on Redis, on PostgreSQL.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { createHash } from "node:crypto"
import { Storage } from "../../src/index.ts"
import * as Sandbox from "../support/Sandbox.ts"
import { postgres, redis, unique } from "../support/Services.ts"
import * as sharedStores from "../support/sharedStores.ts"
import { processes as count } from "../support/sizes.ts"
import * as Worker from "./Worker.ts"

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 16)

const start = (sandbox: Sandbox.Sandbox, app: string, store: sharedStores.SharedStore) =>
  Effect.acquireRelease(
    Effect.promise(() => Worker.start("tokenGetter", [app, JSON.stringify(store)], sandbox.environment)),
    (worker) => Effect.sync(() => worker.kill("SIGKILL"))
  )

const answerOf = (worker: Worker.Worker): Effect.Effect<{ readonly hash: string; readonly source: string }> =>
  Effect.promise(() => worker.line(/^\{/).then((line) => JSON.parse(line)))

/** The first mint that has begun, looked for until it is there. */
const firstMint = (sandbox: Sandbox.Sandbox) =>
  Effect.gen(function*() {
    for (;;) {
      const [mint] = yield* Effect.promise(sandbox.mints)
      if (mint !== undefined) return mint
      // Another process begins it, whose clock is not to be moved.
      yield* Effect.sleep("10 millis")
    }
  })

/** The fingerprints of what is stored for the organization and for the app. */
const stored = (sandbox: Sandbox.Sandbox, store: sharedStores.SharedStore, app: string) =>
  Effect.gen(function*() {
    const storage = yield* Storage
    const records = [yield* storage.get("acme", "org"), yield* storage.get(app, "cached")]
    return records.map((record) => Option.isSome(record) ? hashOf(Redacted.value(record.value.token)) : undefined)
  }).pipe(Effect.provide(sharedStores.storage(store, sandbox.environment)))

const kinds = [
  { kind: "files", url: "", skip: false, why: "" },
  { kind: "redis", ...redis },
  { kind: "postgres", ...postgres }
] as const

for (const { kind, skip, url, why } of kinds) {
  describe(`processes that share a store in ${kind}${why}`, () => {
    // On a busy machine a process may stand still for a while, and lose a lease of a short life.
    const storeOf = (leaseTtl: number): sharedStores.SharedStore => ({ kind, url, name: unique("test"), leaseTtl })

    it.live.skipIf(skip)(`${count} at once, cold: one mint, equal tokens`, () =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        const store = storeOf(30_000)
        yield* Effect.promise(() => sandbox.settings({ delay: 300 }))
        const workers = yield* Effect.all(
          Array.from({ length: count }, (_, n) => start(sandbox, `app-${n % 2}`, store)),
          { concurrency: "unbounded" }
        )
        for (const worker of workers) worker.go()
        const answers = yield* Effect.forEach(workers, answerOf, { concurrency: "unbounded" })
        const mints = yield* Effect.promise(sandbox.mints)
        assert.strictEqual(mints.length, 1)
        assert.strictEqual(new Set(answers.map(({ hash }) => hash)).size, 1)
      }), 60_000)

    it.live.skipIf(skip)(
      `${count} at once, the one that mints is killed: at most two mints, equal tokens`,
      () =>
        Effect.gen(function*() {
          const sandbox = yield* Sandbox.make
          const store = storeOf(5_000)
          yield* Effect.promise(() => sandbox.settings({ delay: 1_000 }))
          const workers = yield* Effect.all(
            Array.from({ length: count }, (_, n) => start(sandbox, `app-${n % 2}`, store)),
            { concurrency: "unbounded" }
          )
          for (const worker of workers) worker.go()
          const { ppid } = yield* firstMint(sandbox)
          const owner = workers.find(({ child }) => child.pid === ppid)
          assert.isDefined(owner)
          owner!.kill("SIGKILL")
          assert.strictEqual(yield* Effect.promise(() => owner!.ended), "SIGKILL")
          const others = workers.filter((worker) => worker !== owner)
          const answers = yield* Effect.forEach(others, answerOf, { concurrency: "unbounded" })
          const mints = yield* Effect.promise(sandbox.mints)
          assert.isAtMost(mints.length, 2)
          assert.strictEqual(answers.length, count - 1)
          assert.strictEqual(new Set(answers.map(({ hash }) => hash)).size, 1)
        }),
      60_000
    )

    it.live.skipIf(skip)(
      "one that was suspended while it minted, and wakes, does not replace the newer token",
      () =>
        Effect.gen(function*() {
          const sandbox = yield* Sandbox.make
          const store = storeOf(3_000)
          yield* Effect.promise(() => sandbox.settings({ delay: 1_000 }))
          const sleeper = yield* start(sandbox, "my-app", store)
          const other = yield* start(sandbox, "my-app", store)
          sleeper.go()
          yield* firstMint(sandbox)
          sleeper.kill("SIGSTOP")
          other.go()
          const newer = yield* answerOf(other)
          assert.deepStrictEqual(yield* Effect.promise(() => other.ended), 0)
          assert.deepStrictEqual(yield* stored(sandbox, store, "my-app"), [newer.hash, newer.hash])
          sleeper.kill("SIGCONT")
          const older = yield* answerOf(sleeper)
          assert.deepStrictEqual(yield* Effect.promise(() => sleeper.ended), 0)
          assert.notStrictEqual(older.hash, newer.hash)
          assert.strictEqual((yield* Effect.promise(sandbox.mints)).length, 2)
          assert.deepStrictEqual(yield* stored(sandbox, store, "my-app"), [newer.hash, newer.hash])
        }),
      60_000
    )
  })
}
