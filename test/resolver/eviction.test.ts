import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { MissReason } from "../../src/index.ts"
import { manyApps } from "../support/sizes.ts"
import * as World from "../support/World.ts"

const apps = Math.min(20 * manyApps, 5_000)

setFlagsFromString("--expose-gc")
const collectGarbage: () => void = runInNewContext("gc")
const heapAfterCollection = () => {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

describe("rule 8: the cache outlives resolvers", () => {
  it.effect("idle eviction loses no token, of no app", () =>
    World.scenario({ idleTimeToLive: "1 hour", org: (app) => app }, function*({ tokens, world }) {
      const first = yield* tokens.get("app-1")
      yield* tokens.get("app-2")
      yield* TestClock.adjust("2 hours")
      assert.isTrue(Option.isSome(tokens.peek("app-1")))
      assert.isTrue(Option.isSome(tokens.peek("app-2")))
      assert.strictEqual((yield* tokens.get("app-1")).token, first.token)
      assert.strictEqual(world.mints.length, 2)
      // For each app as a source, and for who it is that mints.
      assert.strictEqual(world.configReads, 4)
    }))

  it.effect("after eviction everything still works: refresh, and a run when the token ends", () =>
    World.scenario({ idleTimeToLive: "10 minutes" }, function*({ tokens, world }) {
      world.mintLife = 3 * World.hour
      const first = yield* tokens.get("my-app")
      yield* TestClock.adjust("1 hour")
      assert.notStrictEqual((yield* tokens.refresh("my-app")).token, first.token)
      yield* TestClock.adjust("3 hours")
      assert.isTrue(Option.isNone(tokens.peek("my-app")))
      assert.strictEqual((yield* tokens.get("my-app")).source, "cli")
      assert.strictEqual(world.mints.length, 3)
    }))

  it.effect("an invalidate of an evicted app drops its token, in memory and in the store", () =>
    World.scenario({ idleTimeToLive: "10 minutes" }, function*({ tokens, world }) {
      const first = yield* tokens.get("my-app")
      yield* TestClock.adjust("1 hour")
      assert.isTrue(Option.isSome(tokens.peek("my-app")))
      assert.isNull((yield* tokens.status("my-app")).refreshAt)
      yield* tokens.invalidate("my-app")
      assert.isTrue(Option.isNone(tokens.peek("my-app")))
      assert.isTrue(Option.isNone(yield* world.store.get("my-app", "cached")))
      assert.notStrictEqual((yield* tokens.get("my-app")).token.value, first.token.value)
    }))

  it.effect(
    "names without a token leave nothing behind once their failure is forgotten",
    () =>
      World.scenario({ org: "o" }, function*({ tokens, world }) {
        world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
        const herd = (from: number) =>
          Effect.forEach(
            Array.from({ length: apps }, (_, n) => `unknown-${from + n}`),
            (app) => Effect.exit(tokens.get(app)),
            { concurrency: 100, discard: true }
          ).pipe(Effect.andThen(TestClock.adjust("1 minute")))
        yield* herd(0)
        const before = heapAfterCollection()
        yield* herd(100_000)
        // A resolver that stayed would be some 4 kB.
        assert.isBelow(heapAfterCollection() - before, apps * 800)
      })
  )
})
