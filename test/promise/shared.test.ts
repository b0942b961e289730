/**
 * Calls that share a promise: what they share, and what they do not.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { MissReason } from "../../src/index.ts"
import { fromLayer } from "../../src/promise.ts"
import * as PromiseClient from "../support/PromiseClient.ts"
import * as World from "../support/World.ts"

const turns = Effect.forEach(Array.from({ length: 20 }), () => Effect.yieldNow, { discard: true })

describe("calls that wait for one run", () => {
  it.effect("share a promise; those of another app, and those with a signal, have their own", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { client } = yield* PromiseClient.make(world)
      yield* Effect.promise(() => client.status("my-app"))
      world.mintTakes = 1_000
      const first = client.get("my-app")
      assert.strictEqual(client.get("my-app"), first)
      assert.notStrictEqual(client.get("other-app"), first)
      const abort = new AbortController()
      const own = PromiseClient.watched(client.get("my-app", { signal: abort.signal }))
      assert.strictEqual(client.get("my-app"), first)
      abort.abort(new Error("enough"))
      yield* turns
      assert.strictEqual(own.end, "rejected")
      yield* TestClock.adjust("2 seconds")
      const resolved = yield* Effect.promise(() => first)
      assert.strictEqual(yield* Effect.promise(() => client.get("my-app")), resolved)
      assert.strictEqual(world.mints.length, 1)
    }))

  it.effect("reject together; the next one has a promise and a run of its own", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { client } = yield* PromiseClient.make(world, { failureCooldown: 0 })
      yield* Effect.promise(() => client.status("my-app"))
      const works = world.mint
      world.mint = () => Effect.andThen(Effect.sleep("1 second"), Effect.fail(new MissReason.NotLoggedIn()))
      const first = client.get("my-app")
      const all = [first, client.get("my-app"), client.get("my-app")].map(PromiseClient.watched)
      yield* TestClock.adjust("2 seconds")
      yield* turns
      assert.deepStrictEqual(all.map(({ end }) => end), ["rejected", "rejected", "rejected"])
      world.mint = works
      const next = client.get("my-app")
      assert.notStrictEqual(next, first)
      assert.strictEqual((yield* Effect.promise(() => next)).source, "cli")
    }))

  it.effect("do not share with those who came before a refresh", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { client } = yield* PromiseClient.make(world)
      yield* Effect.promise(() => client.status("my-app"))
      world.mintTakes = 1_000
      const before = client.get("my-app")
      const refreshed = client.refresh("my-app")
      const after = client.get("my-app")
      assert.notStrictEqual(after, before)
      yield* TestClock.adjust("5 seconds")
      const [token, newer] = yield* Effect.promise(() => Promise.all([after, refreshed]))
      assert.strictEqual(token.token.value, newer.token.value)
      yield* Effect.promise(() => before)
    }))

  it.effect("share while the layer is being built, and not across what changes the token", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const layer = yield* PromiseClient.layerOn(world)
      const client = yield* Effect.acquireRelease(
        Effect.sync(() => fromLayer(Layer.unwrap(Effect.as(Effect.sleep("10 millis"), layer)))),
        (client) => Effect.promise(client.close)
      )
      const first = client.get("my-app")
      assert.strictEqual(client.get("my-app"), first)
      assert.notStrictEqual(client.get("other-app"), first)
      const changes = [
        () => client.refresh("my-app"),
        () => client.invalidate("my-app"),
        () => client.setManual("my-app", "fo1_by-hand"),
        () => client.removeManual("my-app")
      ]
      let before = first
      const done: Array<Promise<unknown>> = []
      for (const change of changes) {
        done.push(change())
        const after = client.get("my-app")
        assert.notStrictEqual(after, before)
        before = after
      }
      yield* Effect.promise(() => Promise.all([...done, first, before]))
    }).pipe(TestClock.withLive))

  it.effect("are all rejected by close", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { client } = yield* PromiseClient.make(world)
      yield* Effect.promise(() => client.status("my-app"))
      world.mint = () => Effect.never
      const all = Array.from({ length: 5 }, () => client.get("my-app")).map(PromiseClient.watched)
      yield* Effect.promise(client.close)
      assert.isTrue(all.every(({ end, error }) => end === "rejected" && error instanceof Error))
      assert.strictEqual(
        (yield* PromiseClient.rejection(() => client.get("my-app")) as Effect.Effect<Error>).name,
        "FlyTokensClosed"
      )
    }))
})
