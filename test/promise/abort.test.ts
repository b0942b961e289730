/**
 * A signal ends the wait, not the work.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { getEventListeners } from "node:events"
import { MissReason } from "../../src/index.ts"
import * as PromiseClient from "../support/PromiseClient.ts"
import * as World from "../support/World.ts"

describe("createFlyTokens: AbortSignal", () => {
  it.effect("an aborted wait rejects with the signal's reason; the run goes on and answers the others", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.mintTakes = 1_000
      const { client } = yield* PromiseClient.make(world)
      const controller = new AbortController()
      const first = PromiseClient.watched(client.get("my-app", { signal: controller.signal }))
      const second = PromiseClient.watched(client.get("my-app"))
      yield* TestClock.adjust(500)
      assert.strictEqual(world.running, 1)
      const reason = new Error("no time left")
      controller.abort(reason)
      yield* TestClock.adjust(0)
      assert.strictEqual(first.end, "rejected")
      assert.strictEqual(first.error, reason)
      assert.strictEqual(second.end, "pending")
      assert.strictEqual(world.running, 1)
      yield* TestClock.adjust(500)
      yield* Effect.promise(() => client.get("my-app"))
      assert.strictEqual(second.end, "resolved")
      assert.strictEqual(world.mints.length, 1)
    }))

  it.effect("a run whose only caller went away goes on too, and is there for the next one", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.mintTakes = 1_000
      const { client } = yield* PromiseClient.make(world)
      const controller = new AbortController()
      const alone = PromiseClient.watched(client.get("my-app", { signal: controller.signal }))
      yield* TestClock.adjust(500)
      controller.abort()
      yield* TestClock.adjust(500)
      assert.strictEqual(alone.end, "rejected")
      assert.strictEqual((alone.error as Error).name, "AbortError")
      assert.strictEqual(client.peek("my-app")?.source, "cli")
    }))

  it.effect("an aborted write is done nevertheless", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
      world.storeGate = (operation) => operation === "put" ? Effect.sleep(1_000) : Effect.void
      const { client } = yield* PromiseClient.make(world)
      const controller = new AbortController()
      const setting = PromiseClient.watched(client.setManual("my-app", "fo1_x", { signal: controller.signal }))
      yield* TestClock.adjust(500)
      controller.abort()
      yield* TestClock.adjust(500)
      assert.strictEqual(setting.end, "rejected")
      assert.strictEqual((yield* Effect.promise(() => client.get("my-app"))).source, "manual")
    }))

  it.effect("a signal that is aborted already rejects every call and starts nothing, with a cached token too", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { client } = yield* PromiseClient.make(world)
      const signal = AbortSignal.abort("gone")
      const calls = [
        () => client.get("my-app", { signal }),
        () => client.refresh("my-app", { signal }),
        () => client.invalidate("my-app", { signal }),
        () => client.setManual("my-app", "fo1_x", { signal }),
        () => client.removeManual("my-app", { signal }),
        () => client.status("my-app", { signal }),
        () => client.statuses({ signal })
      ]
      for (const call of calls) assert.strictEqual(yield* PromiseClient.rejection(call), "gone")
      assert.strictEqual(world.configReads, 0)
      const token = yield* Effect.promise(() => client.get("my-app"))
      assert.strictEqual(yield* PromiseClient.rejection(() => client.get("my-app", { signal })), "gone")
      assert.strictEqual(client.peek("my-app"), token)
    }))

  it.effect("a long-lived signal keeps no listener, however its calls end", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { client } = yield* PromiseClient.make(world)
      const { signal } = new AbortController()
      yield* Effect.promise(() => Promise.all([client.get("a", { signal }), client.get("b", { signal })]))
      yield* Effect.promise(() => client.get("a", { signal }))
      yield* PromiseClient.rejection(() => client.get("No Name", { signal }))
      assert.lengthOf(getEventListeners(signal, "abort"), 0)
      world.mint = () => Effect.never
      const pending = PromiseClient.watched(client.refresh("a", { signal }))
      yield* TestClock.adjust(1)
      assert.lengthOf(getEventListeners(signal, "abort"), 1)
      yield* Effect.promise(client.close)
      assert.lengthOf(getEventListeners(signal, "abort"), 0)
      assert.strictEqual(pending.end, "rejected")
    }))
})
