/**
 * Calls of the promise entry, and its fast path.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { FlyToken, FlyTokens, MissReason } from "../../src/index.ts"
import { fromLayer, NoTokenAvailable, ResolvedToken } from "../../src/promise.ts"
import * as PromiseClient from "../support/PromiseClient.ts"
import * as World from "../support/World.ts"

const down = () => Effect.fail(new MissReason.HttpFailed({ status: 500 }))

describe("createFlyTokens: calls", () => {
  it.effect("a thousand calls at once are one run, and all get its token", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { client } = yield* PromiseClient.make(world)
      const all = yield* Effect.promise(() => Promise.all(Array.from({ length: 1_000 }, () => client.get("my-app"))))
      assert.strictEqual(new Set(all.map(({ token }) => token.value)).size, 1)
      assert.strictEqual(world.mints.length, 1)
      assert.instanceOf(all[0], ResolvedToken)
    }))

  it.effect("nothing is built before the first call, and peek and on build nothing", () =>
    Effect.gen(function*() {
      let built = 0
      const world = yield* World.make
      const layer = yield* PromiseClient.layerOn(world)
      const client = fromLayer(Layer.unwrap(Effect.sync(() => {
        built++
        return layer
      })))
      client.on("*", () => {})
      assert.isUndefined(client.peek("my-app"))
      assert.strictEqual(built, 0)
      yield* Effect.promise(() => Promise.all([client.get("my-app"), client.status("my-app"), client.get("other")]))
      assert.strictEqual(built, 1)
      assert.isDefined(client.peek("my-app"))
      yield* Effect.promise(client.close)
    }))

  it.effect("a construction that failed rejects its calls, and the next one tries again", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const layer = yield* PromiseClient.layerOn(world)
      const unreachable = new Error("no connection")
      let tries = 0
      let released = 0
      const resource = Layer.effectDiscard(
        Effect.acquireRelease(Effect.sync(() => ++tries), () => Effect.sync(() => released++))
      )
      const flaky = Layer.unwrap(
        // Not at once: the other call comes in meanwhile.
        Effect.flatMap(Effect.yieldNow, () => tries === 1 ? Effect.fail(unreachable) : Effect.succeed(layer))
      )
      const client = fromLayer(Layer.provideMerge(flaky, resource))
      const first = [
        PromiseClient.rejection(() => client.get("my-app")),
        PromiseClient.rejection(() => client.get("b"))
      ]
      assert.deepStrictEqual(yield* Effect.all(first, { concurrency: "unbounded" }), [unreachable, unreachable])
      assert.strictEqual((yield* Effect.promise(() => client.get("my-app"))).source, "cli")
      assert.strictEqual(tries, 2)
      assert.strictEqual(released, 1)
      yield* Effect.promise(client.close)
      assert.strictEqual(released, 2)
    }))

  it.effect("refresh, invalidate, setManual, removeManual, peek, status and statuses do what the service does", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { client } = yield* PromiseClient.make(world)
      const first = yield* Effect.promise(() => client.get("my-app"))
      const second = yield* Effect.promise(() => client.refresh("my-app", { rejected: first.token }))
      assert.notStrictEqual(second.token.value, first.token.value)
      // The text that was sent names the token as well, with its scheme.
      const third = yield* Effect.promise(() =>
        client.refresh("my-app", { rejected: second.authorization("machines") })
      )
      assert.notStrictEqual(third.token.value, second.token.value)
      assert.strictEqual(world.mints.length, 3)
      // Not the current one any more: nothing to do.
      assert.strictEqual(yield* Effect.promise(() => client.refresh("my-app", { rejected: first.token })), third)
      assert.strictEqual(client.peek("my-app"), third)
      const status = yield* Effect.promise(() => client.status("my-app"))
      assert.strictEqual(status.fingerprint, third.token.fingerprint)
      assert.deepStrictEqual(yield* Effect.promise(() => client.statuses()), [status])
      assert.strictEqual(
        yield* Effect.promise(() => client.invalidate("my-app", { rejected: first.token.value })),
        third
      )
      assert.isUndefined(yield* Effect.promise(() => client.invalidate("my-app")))
      assert.isUndefined(client.peek("my-app"))
      world.mint = down
      yield* Effect.promise(() => client.setManual("my-app", "fo1_byhand"))
      assert.strictEqual((yield* Effect.promise(() => client.get("my-app"))).source, "manual")
      yield* Effect.promise(() => client.setManual("my-app", FlyToken.make("fo1_other")))
      assert.strictEqual((yield* Effect.promise(() => client.get("my-app"))).token.value, "fo1_other")
      yield* Effect.promise(() => client.removeManual("my-app"))
      const error = yield* PromiseClient.rejection(() => client.get("my-app"))
      assert.instanceOf(error, NoTokenAvailable)
    }))

  it.effect("methods need no this", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { client: { get, peek } } = yield* PromiseClient.make(world)
      assert.strictEqual(peek("my-app"), undefined)
      assert.strictEqual(yield* Effect.promise(() => get("my-app")), peek("my-app"))
    }))
})

describe("createFlyTokens: the fast path", () => {
  it.effect("a hit starts no fiber, a miss does", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const registry = new Map()
      const layer = yield* PromiseClient.layerOn(world)
      const client = fromLayer(Layer.provide(layer, [
        Layer.succeed(Metric.FiberRuntimeMetrics)(Metric.FiberRuntimeMetricsImpl),
        Layer.succeed(Metric.MetricRegistry)(registry)
      ]))
      const started = (run: () => Promise<unknown>) =>
        Effect.gen(function*() {
          const count = Effect.map(Metric.snapshot, (all) => {
            const state = all.find(({ id }) => id === "child_fibers_started")?.state
            return state !== undefined && "count" in state ? Number(state.count) : 0
          })
          const before = yield* count
          yield* Effect.promise(run)
          return (yield* count) - before
        }).pipe(Effect.provideService(Metric.MetricRegistry, registry))
      yield* Effect.promise(() => client.get("my-app"))
      yield* TestClock.adjust(1)
      assert.isAbove(yield* started(() => client.get("other-app")), 0)
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* started(() => client.get("my-app")), 0)
      assert.isAbove(yield* started(() => client.status("my-app")), 0)
      yield* Effect.promise(client.close)
    }))

  it.effect("goes by the layer's clock: not a moment past the expiry", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { client } = yield* PromiseClient.make(world, { softExpiryLead: 0 })
      const first = yield* Effect.promise(() => client.get("my-app"))
      yield* TestClock.adjust(World.day - 1)
      assert.strictEqual(yield* Effect.promise(() => client.get("my-app")), first)
      yield* TestClock.adjust(1)
      assert.isUndefined(client.peek("my-app"))
      assert.notStrictEqual(yield* Effect.promise(() => client.get("my-app")), first)
      assert.strictEqual(world.mints.length, 2)
    }))

  it.effect("in the last minute a get joins the refresh that is under way, instead of taking the old token", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { client } = yield* PromiseClient.make(world, { softExpiryLead: "30 seconds", cliTimeout: "1 hour" })
      const first = yield* Effect.promise(() => client.get("my-app"))
      world.mintTakes = 10_000
      yield* TestClock.adjust(World.day - 25_000)
      assert.strictEqual(world.running, 1)
      const joining = PromiseClient.watched(client.get("my-app"))
      yield* TestClock.adjust(1_000)
      assert.strictEqual(joining.end, "pending")
      yield* TestClock.adjust(10_000)
      yield* Effect.promise(() => client.get("my-app"))
      assert.strictEqual(joining.end, "resolved")
      assert.notStrictEqual(joining.value, first)
    }))

  it.effect("keeps an app from being idle; an idle one is brought back by the slow path", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { client } = yield* PromiseClient.make(world, { idleTimeToLive: "10 minutes" })
      const evicted: Array<string> = []
      client.on("Evicted", ({ app }) => evicted.push(app))
      yield* Effect.promise(() => client.get("my-app"))
      for (let n = 0; n < 6; n++) {
        yield* TestClock.adjust("5 minutes")
        yield* Effect.promise(() => client.get("my-app"))
      }
      assert.deepStrictEqual(evicted, [])
      yield* TestClock.adjust("11 minutes")
      assert.deepStrictEqual(evicted, ["my-app"])
      yield* Effect.promise(() => client.get("my-app"))
      // Its refresh is back: with the resolver gone nothing would mint.
      yield* TestClock.adjust("5 minutes")
      assert.isNotNull((yield* Effect.promise(() => client.status("my-app"))).refreshAt)
      assert.strictEqual(world.mints.length, 1)
    }))

  it.effect("its hits are counted with the others", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const registry = new Map()
      const hits = yield* Effect.gen(function*() {
        const layer = yield* PromiseClient.layerOn(world)
        const counting = fromLayer(Layer.provide(layer, Layer.succeed(Metric.MetricRegistry)(registry)))
        for (let n = 0; n < 4; n++) yield* Effect.promise(() => counting.get("my-app"))
        const all = yield* Metric.snapshot
        yield* Effect.promise(counting.close)
        return all.find(({ id }) => id === "fly_tokens_cache_hits")?.state
      }).pipe(Effect.provideService(Metric.MetricRegistry, registry))
      assert.deepInclude(hits, { count: 3 })
    }))

  it.effect("a service that is not the resolver layer's is asked each time", () =>
    Effect.gen(function*() {
      const token = new ResolvedToken({
        app: "my-app" as ResolvedToken["app"],
        token: FlyToken.make("fo1_x"),
        source: "env",
        expiresAt: null
      })
      let calls = 0
      const client = fromLayer(
        Layer.succeed(FlyTokens)(FlyTokens.of({
          get: () => Effect.sync(() => (calls++, token)),
          refresh: () => Effect.die("not used"),
          invalidate: () => Effect.succeedNone,
          setManual: () => Effect.void,
          removeManual: () => Effect.void,
          keep: () => Effect.void,
          peek: () => Option.some(token),
          status: () => Effect.die("not used"),
          statuses: Effect.succeed([]),
          events: Stream.empty
        }))
      )
      assert.strictEqual(yield* Effect.promise(() => client.get("my-app")), token)
      assert.strictEqual(yield* Effect.promise(() => client.get("my-app")), token)
      assert.strictEqual(calls, 2)
      assert.strictEqual(client.peek("my-app"), token)
      yield* Effect.promise(client.close)
    }))
})
