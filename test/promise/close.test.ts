/**
 * Closing settles everything and leaves nothing behind.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { type FlyTokensClient, FlyTokensClosed, fromLayer } from "../../src/promise.ts"
import * as PromiseClient from "../support/PromiseClient.ts"
import * as World from "../support/World.ts"

const calls = (client: FlyTokensClient) => [
  () => client.get("my-app"),
  () => client.refresh("my-app"),
  () => client.invalidate("my-app"),
  () => client.setManual("my-app", "fo1_x"),
  () => client.removeManual("my-app"),
  () => client.status("my-app"),
  () => client.statuses()
]

describe("createFlyTokens: close", () => {
  it.effect("every call after it rejects with FlyTokensClosed, of a cached app too; peek has nothing", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { client } = yield* PromiseClient.make(world)
      yield* Effect.promise(() => client.get("my-app"))
      const closing = client.close()
      for (const call of calls(client)) assert.instanceOf(yield* PromiseClient.rejection(call), FlyTokensClosed)
      yield* Effect.promise(() => closing)
      for (const call of calls(client)) {
        const error = yield* PromiseClient.rejection(call)
        assert.instanceOf(error, FlyTokensClosed)
        assert.strictEqual(error._tag, "FlyTokensClosed")
      }
      assert.isUndefined(client.peek("my-app"))
      assert.isFunction(client.on("*", () => {}))
    }))

  it.effect("calls that wait reject at once, and the run is ended", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.mint = () => Effect.never
      const { client } = yield* PromiseClient.make(world)
      const waiting = [client.get("a"), client.get("a"), client.refresh("b")].map(PromiseClient.watched)
      yield* TestClock.adjust(1)
      assert.isAbove(world.running, 0)
      yield* Effect.promise(client.close)
      for (const { end, error } of waiting) {
        assert.strictEqual(end, "rejected")
        assert.instanceOf(error, FlyTokensClosed)
      }
      assert.strictEqual(world.running, 0)
    }))

  it.effect("a write that was asked for is waited for and tells how it ended", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.storeGate = (operation) => operation === "put" ? Effect.sleep(2_000) : Effect.void
      const { client } = yield* PromiseClient.make(world)
      const writing = PromiseClient.watched(client.setManual("my-app", "fo1_x"))
      yield* TestClock.adjust(1_000)
      const closing = PromiseClient.watched(client.close())
      yield* TestClock.adjust(500)
      assert.strictEqual(closing.end, "pending")
      assert.strictEqual(writing.end, "pending")
      yield* TestClock.adjust(500)
      yield* Effect.promise(client.close)
      assert.strictEqual(writing.end, "resolved")
      assert.isTrue((yield* world.store.get("my-app", "manual"))._tag === "Some")
    }))

  it.effect("a store that hangs holds it up for 5 seconds and no longer", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.storeGate = (operation) => operation === "put" ? Effect.never : Effect.void
      const { client } = yield* PromiseClient.make(world, { storageTimeout: "1 hour" })
      const writing = PromiseClient.watched(client.setManual("my-app", "fo1_x"))
      yield* TestClock.adjust(1)
      const closing = PromiseClient.watched(client.close())
      yield* TestClock.adjust(4_999)
      assert.strictEqual(closing.end, "pending")
      yield* TestClock.adjust(1)
      yield* Effect.promise(client.close)
      assert.instanceOf(writing.error, FlyTokensClosed)
    }))

  it.effect("while the layer is being built: its calls reject, and what was acquired is released", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const layer = yield* PromiseClient.layerOn(world)
      const acquired: Array<string> = []
      const client = fromLayer(Layer.unwrap(
        Effect.acquireRelease(
          Effect.sync(() => acquired.push("acquired")),
          () => Effect.sync(() => acquired.push("released"))
        ).pipe(
          Effect.andThen(Effect.onInterrupt(Effect.never, () => Effect.sync(() => acquired.push("interrupted")))),
          Effect.as(layer)
        )
      ))
      const waiting = [client.get("a"), client.setManual("a", "fo1_x")].map((each: Promise<unknown>) =>
        PromiseClient.watched(each)
      )
      yield* Effect.promise(client.close)
      for (const { error } of waiting) assert.instanceOf(error, FlyTokensClosed)
      assert.deepStrictEqual(acquired, ["acquired", "interrupted", "released"])
    }))

  it.effect("never used, twice, at once, and by await using", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const layer = yield* PromiseClient.layerOn(world)
      yield* Effect.promise(() => fromLayer(layer).close())
      const client = fromLayer(layer)
      yield* Effect.promise(() => client.get("my-app"))
      yield* Effect.promise(() => Promise.all([client.close(), client.close()]))
      yield* Effect.promise(client.close)
      let kept: FlyTokensClient | undefined
      yield* Effect.promise(async () => {
        await using client = kept = fromLayer(layer)
        await client.get("my-app")
      })
      assert.instanceOf(yield* PromiseClient.rejection(() => kept!.get("my-app")), FlyTokensClosed)
    }))

  it.effect("clients over one layer are two: closing one leaves the other", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const layer = yield* PromiseClient.layerOn(world)
      const one = fromLayer(layer)
      const other = fromLayer(layer)
      yield* Effect.promise(() => one.get("my-app"))
      yield* Effect.promise(() => other.get("my-app"))
      yield* Effect.promise(one.close)
      assert.strictEqual((yield* Effect.promise(() => other.refresh("my-app"))).source, "cli")
      yield* Effect.promise(other.close)
    }))

  it.effect("a layer that fails to be released makes a log line, and close resolves", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const layer = yield* PromiseClient.layerOn(world)
      const lines: Array<string> = []
      const breaking = Layer.effectDiscard(Effect.addFinalizer(() => Effect.die(new Error("stuck at fo1_secret"))))
      const client = fromLayer(Layer.merge(layer, breaking), { log: (line) => lines.push(line) })
      yield* Effect.promise(() => client.get("my-app"))
      yield* Effect.promise(client.close)
      assert.deepStrictEqual(lines, ["fly-tokens: closing failed: Error: stuck at fo1_<redacted>"])
    }))

  it.effect("nothing goes on after it", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { client } = yield* PromiseClient.make(world)
      yield* Effect.promise(() => client.get("my-app"))
      yield* Effect.promise(client.close)
      yield* TestClock.adjust("2 days")
      assert.strictEqual(world.mints.length, 1)
    }))
})
