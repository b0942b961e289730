/**
 * Listeners: typed by name, contained, and of no cost when there are none.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { FlyTokens, MissReason } from "../../src/index.ts"
import { fromLayer, type TokenEvent } from "../../src/promise.ts"
import * as PromiseClient from "../support/PromiseClient.ts"
import * as World from "../support/World.ts"

/** Events come a step later than what they tell. */
const delivered = TestClock.adjust(0)

describe("createFlyTokens: on", () => {
  it.effect("a listener from before the first call misses nothing, and hears its own name only", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { client } = yield* PromiseClient.make(world)
      const all: Array<TokenEvent["_tag"]> = []
      const refreshed: Array<string> = []
      client.on("*", (event) => all.push(event._tag))
      client.on("Refreshed", (event) => refreshed.push(event.replaced))
      const first = yield* Effect.promise(() => client.get("my-app"))
      yield* Effect.promise(() => client.refresh("my-app", { rejected: first.token }))
      yield* delivered
      assert.deepStrictEqual(all, ["Acquired", "Rejected", "Refreshed"])
      assert.deepStrictEqual(refreshed, [first.token.fingerprint])
    }))

  it.effect("one from later on hears what follows at once", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { client } = yield* PromiseClient.make(world)
      yield* Effect.promise(() => client.get("my-app"))
      const heard: Array<string> = []
      client.on("*", (event) => heard.push(event._tag))
      yield* Effect.promise(() => client.invalidate("my-app"))
      yield* delivered
      assert.deepStrictEqual(heard, ["Invalidated"])
    }))

  it.effect("what on returns takes one listener away, once; the same function can be there twice", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { client } = yield* PromiseClient.make(world)
      let heard = 0
      const listener = () => heard++
      const off = client.on("ManualSet", listener)
      client.on("ManualSet", listener)
      yield* Effect.promise(() => client.setManual("my-app", "fo1_a"))
      yield* delivered
      assert.strictEqual(heard, 2)
      off()
      off()
      yield* Effect.promise(() => client.setManual("my-app", "fo1_b"))
      yield* delivered
      assert.strictEqual(heard, 3)
    }))

  it.effect("a listener may take itself away and add others while it is called", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { client } = yield* PromiseClient.make(world)
      const heard: Array<string> = []
      const off = client.on("ManualSet", () => {
        heard.push("first")
        off()
        client.on("ManualSet", () => heard.push("second"))
      })
      for (let n = 0; n < 2; n++) {
        yield* Effect.promise(() => client.setManual("my-app", `fo1_${n}`))
        yield* delivered
      }
      assert.deepStrictEqual(heard, ["first", "second"])
    }))

  it.effect("one that another one took away is not called any more, for the same event too", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { client } = yield* PromiseClient.make(world)
      const heard: Array<string> = []
      const later: Array<() => void> = []
      client.on("ManualSet", () => later.forEach((off) => off()))
      later.push(client.on("ManualSet", () => heard.push("taken away")))
      yield* Effect.promise(() => client.setManual("my-app", "fo1_a"))
      yield* delivered
      assert.deepStrictEqual(heard, [])
    }))

  it.effect("one that throws, rejects or answers a broken promise makes a log line and disturbs nobody", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { client, lines } = yield* PromiseClient.make(world)
      const heard: Array<string> = []
      client.on("Acquired", () => {
        throw new Error("on purpose, with fo1_secret")
      })
      client.on("Acquired", async () => {
        throw new TypeError("later")
      })
      client.on("*", () => ({
        // oxlint-disable-next-line unicorn/no-thenable
        then: () => {
          throw new RangeError("no promise")
        }
      }))
      client.on("Acquired", () => {
        throw Object.create(null)
      })
      client.on("Acquired", ({ app }) => heard.push(app))
      yield* Effect.promise(() => client.get("a"))
      yield* Effect.promise(() => client.get("b"))
      yield* delivered
      assert.deepStrictEqual(heard, ["a", "b"])
      assert.deepStrictEqual([...new Set(lines)].sort(), [
        "fly-tokens: a listener of Acquired failed: Error: on purpose, with fo1_<redacted>",
        "fly-tokens: a listener of Acquired failed: RangeError: no promise",
        "fly-tokens: a listener of Acquired failed: TypeError: later",
        "fly-tokens: a listener of Acquired failed: object"
      ])
    }))

  it.effect("a failing refresh is told with the next try, and logged in one line that the option log takes", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { client, lines } = yield* PromiseClient.make(world)
      const failed: Array<number | null> = []
      client.on("RefreshFailed", ({ error, nextTryAt }) => {
        assert.strictEqual(error._tag, "NoTokenAvailable")
        failed.push(nextTryAt)
      })
      yield* Effect.promise(() => client.get("my-app"))
      world.mint = () => Effect.fail(new MissReason.HttpFailed({ status: 500 }))
      yield* TestClock.adjust("23 hours")
      yield* delivered
      assert.lengthOf(failed, 1)
      assert.isAbove(failed[0]!, 23 * World.hour)
      assert.lengthOf(lines, 1)
      assert.match(lines[0]!, /^fly-tokens: refreshing the token of my-app failed .*; next try at 1970-01-01T23:00/)
      assert.notInclude(lines[0]!, "\n")
    }))

  it.effect("a log function that throws or rejects loses its line and nothing else", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      let tries = 0
      const { client } = yield* PromiseClient.make(world, {}, {
        log: (line) => {
          tries++
          if (tries % 2 === 0) throw new Error("log is full")
          return Promise.reject(new Error(line))
        }
      })
      yield* Effect.promise(() => client.get("my-app"))
      world.mint = () => Effect.fail(new MissReason.HttpFailed({ status: 500 }))
      yield* TestClock.adjust("23 hours")
      yield* TestClock.adjust("10 minutes")
      assert.isAbove(tries, 1)
      assert.strictEqual((yield* Effect.promise(() => client.get("my-app"))).source, "cli")
    }))

  it.effect("without a listener nobody subscribes, and with the last one gone nobody does any more", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const layer = yield* PromiseClient.layerOn(world)
      let subscribers = 0
      const counting = Layer.effect(
        FlyTokens,
        Effect.map(FlyTokens, (tokens) =>
          FlyTokens.of({
            ...tokens,
            events: Stream.unwrap(
              Effect.as(
                Effect.acquireRelease(Effect.sync(() => subscribers++), () => Effect.sync(() => subscribers--)),
                Stream.concat(tokens.events, Stream.never)
              )
            )
          }))
      )
      const client = fromLayer(Layer.provide(counting, layer))
      yield* Effect.promise(() => client.get("my-app"))
      assert.strictEqual(subscribers, 0)
      const off = [client.on("Acquired", () => {}), client.on("*", () => {})]
      yield* delivered
      assert.strictEqual(subscribers, 1)
      off[0]!()
      yield* delivered
      assert.strictEqual(subscribers, 1)
      off[1]!()
      yield* delivered
      assert.strictEqual(subscribers, 0)
      client.on("*", () => {})
      yield* delivered
      assert.strictEqual(subscribers, 1)
      yield* Effect.promise(client.close)
      assert.strictEqual(subscribers, 0)
    }))
})
