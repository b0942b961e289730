/**
 * The line of writes of one record, where the store has a newer one.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import * as Background from "../../src/concurrency/Background.ts"
import { type FlyToken, Storage, StorageMemory } from "../../src/index.ts"
import * as WriteBehind from "../../src/records/WriteBehind.ts"
import * as World from "../support/World.ts"

const make = Effect.gen(function*() {
  const inner = yield* Effect.provide(Storage, StorageMemory.layer)
  const open = yield* Latch.make(true)
  const storage = Storage.of({ ...inner, put: (...args) => Effect.andThen(open.await, inner.put(...args)) })
  const writes = WriteBehind.make(yield* Background.make, storage, 5_000)
  const record = (token: FlyToken, fence: number) => ({
    token: token.redacted,
    expiresAt: null,
    source: "cli" as const,
    savedAt: 0,
    fence
  })
  const [one, two, three] = [1, 2, 3].map((n) => World.tokenOf({ now: 0, life: n * World.hour }))
  return { inner, open, writes, record, one: one!, two: two!, three: three! }
})

const key = { kind: "cached", name: "my-app" } as const

describe("a put that the store refuses", () => {
  it.effect("answers false, and what it overtook is dropped all the same", () =>
    Effect.gen(function*() {
      const { inner, one, open, record, two, three, writes } = yield* make
      yield* inner.put("my-app", "cached", record(one, 10))
      yield* open.close
      // Under way, so that the next ones wait behind it.
      const first = yield* Effect.forkChild(writes.put(key, record(two, 5)))
      yield* Effect.yieldNow
      const drop = yield* Effect.forkChild(writes.drop(key, one.identity))
      yield* Effect.yieldNow
      const last = yield* Effect.forkChild(writes.put(key, record(three, 6)))
      yield* Effect.yieldNow
      yield* open.open
      yield* TestClock.adjust("1 second")
      assert.isFalse(yield* Fiber.join(first))
      assert.isFalse(yield* Fiber.join(last))
      assert.strictEqual(yield* Fiber.join(drop), one.identity)
      assert.isTrue(Option.isNone(yield* inner.get("my-app", "cached")))
    }))

  it.effect("leaves a newer record of another process alone, whatever was to be cleared", () =>
    Effect.gen(function*() {
      const { inner, one, open, record, two, three, writes } = yield* make
      yield* inner.put("my-app", "cached", record(one, 10))
      yield* open.close
      yield* Effect.forkChild(writes.put(key, record(two, 5)))
      yield* Effect.yieldNow
      const clear = yield* Effect.forkChild(writes.drop(key))
      yield* Effect.yieldNow
      const last = yield* Effect.forkChild(writes.put(key, record(three, 6)))
      yield* Effect.yieldNow
      yield* open.open
      yield* TestClock.adjust("1 second")
      assert.isFalse(yield* Fiber.join(last))
      assert.isUndefined(yield* Fiber.join(clear))
      assert.isTrue(Option.isSome(yield* inner.get("my-app", "cached")))
    }))

  it.effect("one that is written replaces what it overtook", () =>
    Effect.gen(function*() {
      const { inner, one, open, record, two, three, writes } = yield* make
      yield* inner.put("my-app", "cached", record(one, 1))
      yield* open.close
      yield* Effect.forkChild(writes.put(key, record(two, 5)))
      yield* Effect.yieldNow
      const drop = yield* Effect.forkChild(writes.drop(key, two.identity))
      yield* Effect.yieldNow
      const last = yield* Effect.forkChild(writes.put(key, record(three, 6)))
      yield* Effect.yieldNow
      yield* open.open
      yield* TestClock.adjust("1 second")
      assert.isTrue(yield* Fiber.join(last))
      assert.isUndefined(yield* Fiber.join(drop))
      assert.strictEqual(Option.getOrThrow(yield* inner.get("my-app", "cached")).fence, 6)
    }))
})
