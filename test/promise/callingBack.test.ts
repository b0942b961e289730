/**
 * Listeners that call back at once: events reach them while the step that they tell of is still being taken.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import * as PromiseClient from "../support/PromiseClient.ts"
import * as World from "../support/World.ts"

const turns = Effect.forEach(Array.from({ length: 20 }), () => Effect.yieldNow, { discard: true })

describe("a listener that calls back at once", () => {
  it.effect("invalidates: the token does not come back from the store", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { client } = yield* PromiseClient.make(world)
      yield* Effect.promise(() => client.status("my-app"))
      const done: Array<Promise<unknown>> = []
      const off = client.on("Acquired", ({ app }) => {
        off()
        done.push(client.invalidate(app))
      })
      yield* turns
      const first = yield* Effect.promise(() => client.get("my-app"))
      yield* turns
      yield* Effect.promise(() => Promise.all(done))
      yield* turns
      assert.lengthOf(done, 1)
      assert.isUndefined(client.peek("my-app"))
      const stored = yield* world.store.get("my-app", "cached")
      const again = yield* Effect.promise(() => client.get("my-app"))
      assert.strictEqual(Option.isNone(stored), true, "stored copy came back")
      assert.notStrictEqual(again.token.value, first.token.value)
    }))

  it.effect("refreshes: a get joins that run", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { client } = yield* PromiseClient.make(world)
      yield* Effect.promise(() => client.status("my-app"))
      const done: Array<Promise<unknown>> = []
      const off = client.on("Acquired", ({ app }) => {
        off()
        world.mintTakes = 1_000
        done.push(client.refresh(app))
      })
      yield* turns
      yield* Effect.promise(() => client.get("my-app"))
      yield* turns
      assert.lengthOf(done, 1)
      const inFlight = (yield* Effect.promise(() => client.status("my-app"))).inFlight
      assert.strictEqual(world.running, 1)
      let runs = 0
      world.afterGet = (_, key) =>
        Effect.sync(() => {
          if (key === "cached") runs++
        })
      yield* TestClock.adjust("500 millis")
      const later = client.get("my-app")
      yield* TestClock.adjust("5 seconds")
      yield* Effect.promise(() => Promise.all([...done, later]))
      assert.strictEqual(runs, 0, "a second run of the chain")
      assert.isTrue(inFlight, "in flight")
    }))

  it.effect("refreshes: that goes on to its end, also without a cool-down", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { client } = yield* PromiseClient.make(world, { failureCooldown: 0 })
      yield* Effect.promise(() => client.status("my-app"))
      const done: Array<Promise<unknown>> = []
      const off = client.on("Acquired", ({ app }) => {
        off()
        world.mintTakes = 10_000
        done.push(client.refresh(app))
      })
      yield* turns
      yield* Effect.promise(() => client.get("my-app"))
      yield* turns
      world.mintTakes = 0
      yield* TestClock.adjust("20 seconds")
      const out = yield* Effect.promise(() => Promise.allSettled(done))
      assert.deepStrictEqual(out.map((o) => o.status === "rejected" ? String(o.reason) : o.status), ["fulfilled"])
    }))
})
