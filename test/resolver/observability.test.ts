import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import { FlyToken, FlyTokens, MissReason, StorageError, type TokenEvent } from "../../src/index.ts"
import * as World from "../support/World.ts"

const apart = { softExpiryJitter: 0, org: (app: string) => app } as const
const down = () => Effect.fail(new MissReason.HttpFailed({ status: 500 }))

/** Collects events from now on. */
const collect = Effect.gen(function*() {
  const seen: Array<TokenEvent> = []
  const tokens = yield* FlyTokens
  const fiber = yield* Effect.forkChild(
    Stream.runForEach(tokens.events, (event) => Effect.sync(() => void seen.push(event))),
    { startImmediately: true }
  )
  yield* Effect.yieldNow
  return { seen, fiber }
})

describe("status", () => {
  it.effect("asked for under another clock drops no token", () =>
    World.scenario({}, function*({ tokens }) {
      yield* tokens.get("my-app")
      const own = yield* Clock.Clock
      const ahead: Clock.Clock = Object.assign(Object.create(own) as Clock.Clock, {
        currentTimeMillisUnsafe: () => own.currentTimeMillisUnsafe() + 2 * World.day,
        currentTimeMillis: Effect.map(own.currentTimeMillis, (n) => n + 2 * World.day)
      })
      yield* Effect.provideService(tokens.status("my-app"), Clock.Clock, ahead)
      assert.isTrue(Option.isSome(tokens.peek("my-app")))
    }))
})

describe("events", () => {
  it.effect("a token that is read again, its time to live begun anew, is no news", () =>
    World.scenario({}, function*({ tokens, world }) {
      world.config = Effect.succeed(FlyToken.make("fo1_user"))
      const { seen } = yield* collect
      yield* tokens.get("my-app")
      yield* TestClock.adjust("3 days")
      assert.isAtLeast(world.configReads, 3)
      assert.deepStrictEqual(seen.map(({ _tag }) => _tag), ["Acquired"])
    }))

  it.effect("tell what happened, in order, without a token", () =>
    World.scenario(apart, function*({ tokens, world }) {
      const { seen } = yield* collect
      const first = yield* tokens.get("app-1")
      const second = yield* tokens.refresh("app-1", { rejected: first.token })
      yield* tokens.setManual("app-1", FlyToken.make("fo1_manual"))
      yield* tokens.removeManual("app-1")
      yield* tokens.invalidate("app-1")
      const third = yield* tokens.get("app-1")
      yield* TestClock.adjust("23 hours")
      const fourth = yield* tokens.get("app-1")
      world.mint = down
      yield* Effect.flip(tokens.refresh("app-1"))
      yield* TestClock.adjust("1 second")
      const shown = seen.map((event) => [
        event._tag,
        "fingerprint" in event ? event.fingerprint : undefined,
        "replaced" in event ? event.replaced : undefined
      ])
      assert.deepStrictEqual(shown, [
        ["Acquired", first.token.fingerprint, undefined],
        ["Rejected", first.token.fingerprint, undefined],
        ["Refreshed", second.token.fingerprint, first.token.fingerprint],
        ["ManualSet", FlyToken.make("fo1_manual").fingerprint, undefined],
        ["ManualRemoved", undefined, undefined],
        ["Invalidated", undefined, undefined],
        ["Acquired", third.token.fingerprint, undefined],
        ["Refreshed", fourth.token.fingerprint, third.token.fingerprint],
        ["RefreshFailed", undefined, undefined]
      ])
      assert.notMatch(JSON.stringify(seen), /fm2_|fo1_/)
      const failed = seen.at(-1)
      assert.isTrue(failed?._tag === "RefreshFailed" && failed.expiresAt === fourth.expiresAt)
    }))

  it.effect("a failed refresh ahead tells the next try; a failing store and an eviction are told too", () =>
    World.scenario({ ...apart, idleTimeToLive: "1 hour" }, function*({ tokens, world }) {
      const { seen } = yield* collect
      world.storeGate = (operation) =>
        operation === "put"
          ? Effect.fail(new StorageError({ operation, kind: "Unavailable", why: "broken on purpose" }))
          : Effect.void
      yield* tokens.get("app-1")
      yield* TestClock.adjust("1 second")
      const failures = seen.flatMap((event) => event._tag === "PersistFailed" ? [[event.name, event.reason._tag]] : [])
      assert.deepStrictEqual(failures, [["app-1", "StorageFailed"], ["app-1", "StorageFailed"]])
      world.mint = down
      for (let n = 0; n < 23 * 2; n++) {
        yield* TestClock.adjust("30 minutes")
        yield* tokens.get("app-1")
      }
      const failed = seen.find((event) => event._tag === "RefreshFailed")
      assert.isTrue(failed?._tag === "RefreshFailed" && failed.nextTryAt === failed.at + 30_000)
      assert.isFalse(seen.some(({ _tag }) => _tag === "Evicted"))
      yield* tokens.get("app-2").pipe(Effect.ignore)
      world.config = Effect.succeed(World.tokenOf({ now: 23 * World.hour, life: 10 * World.day }))
      yield* tokens.get("app-3")
      yield* TestClock.adjust("2 hours")
      assert.deepStrictEqual(
        seen.flatMap((event) => event._tag === "Evicted" ? [event.app] : []).includes("app-3" as never),
        true
      )
    }))

  it.effect("a subscriber that is slow, or none at all, costs nothing and blocks nobody", () =>
    World.scenario(apart, function*({ tokens }) {
      const stuck = yield* Effect.forkChild(Stream.runForEach(tokens.events, () => Effect.never), {
        startImmediately: true
      })
      yield* Effect.yieldNow
      for (let n = 0; n < 1_000; n++) yield* tokens.setManual("app-1", FlyToken.make(`fo1_${n}`))
      // One that comes later sees what happens from then on.
      const { seen } = yield* collect
      yield* tokens.setManual("app-1", FlyToken.make("fo1_last"))
      yield* TestClock.adjust("1 second")
      assert.lengthOf(seen, 1)
      assert.isUndefined(stuck.pollUnsafe())
      yield* Fiber.interrupt(stuck)
    }))

  it.effect("end with the layer", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const events = yield* FlyTokens.use((tokens) =>
        Effect.forkDetach(Stream.runDrain(tokens.events), { startImmediately: true })
      ).pipe(Effect.tap(() => Effect.yieldNow), Effect.provide(world.layer(apart)))
      yield* Fiber.await(events)
    }))
})

describe("status", () => {
  it.effect("tells how an app stands, in each state, and no secret", () =>
    World.scenario(apart, function*({ tokens, world }) {
      const nothing = {
        source: null,
        fingerprint: null,
        expiresAt: null,
        refreshAt: null,
        inFlight: false,
        backOffUntil: null,
        lastFailure: null
      }
      assert.deepStrictEqual(yield* tokens.status("app-1"), { app: "app-1" as never, ...nothing })
      assert.deepStrictEqual(yield* tokens.statuses, [])
      assert.strictEqual((yield* Effect.flip(tokens.status("../x")))._tag, "InvalidAppName")

      const works = world.mint
      world.mintTakes = 1_000
      const getting = yield* Effect.forkChild(tokens.get("app-1"), { startImmediately: true })
      assert.isTrue((yield* tokens.status("app-1")).inFlight)
      yield* TestClock.adjust("1 second")
      const resolved = yield* Fiber.join(getting)
      assert.deepStrictEqual(yield* tokens.status("app-1"), {
        ...nothing,
        app: resolved.app,
        source: "cli",
        fingerprint: resolved.token.fingerprint,
        expiresAt: resolved.expiresAt,
        refreshAt: (resolved.expiresAt ?? 0) - World.hour
      })

      world.mint = down
      const error = yield* Effect.flip(tokens.get("app-2"))
      const second = yield* tokens.status("app-2")
      assert.deepStrictEqual([second.backOffUntil, second.lastFailure], [6_000, error])
      assert.deepStrictEqual((yield* tokens.statuses).map(({ app }) => app), ["app-1", "app-2"])

      yield* TestClock.setTime((resolved.expiresAt ?? 0) - World.hour + 1_000)
      const failing = yield* tokens.status("app-1")
      assert.strictEqual(failing.backOffUntil, (resolved.expiresAt ?? 0) - World.hour + 30_000)
      assert.strictEqual(failing.refreshAt, failing.backOffUntil)
      assert.strictEqual(failing.lastFailure?._tag, "NoTokenAvailable")
      assert.notMatch(JSON.stringify(failing), /fm2_/)

      // A success ends the failure, whether there was a token meanwhile or not.
      world.mint = works
      world.mintTakes = 0
      yield* TestClock.setTime(failing.backOffUntil ?? 0)
      for (const app of ["app-1", "app-2"]) {
        yield* tokens.get(app)
        const { backOffUntil, lastFailure } = yield* tokens.status(app)
        assert.deepStrictEqual([backOffUntil, lastFailure], [null, null])
      }
    }))
})

describe("metrics and spans", () => {
  it.effect("count what sources answered, the command's time, hits and live resolvers; no app names", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const registry = Layer.succeed(Metric.MetricRegistry)(new Map())
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        world.mintTakes = 700
        const getting = yield* Effect.forkChild(tokens.get("app-1"))
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(getting)
        for (let n = 0; n < 10; n++) yield* tokens.get("app-1")
        world.mint = down
        yield* Effect.flip(tokens.get("app-2"))
        const snapshot = yield* Metric.snapshot
        const state = (id: string, labels: Record<string, string> = {}) =>
          snapshot.find((each) =>
            each.id === id && Object.entries(labels).every(([name, value]) => each.attributes?.[name] === value)
          )?.state as Record<string, unknown> | undefined
        assert.strictEqual(state("fly_tokens_cache_hits")?.["count"], 10)
        assert.strictEqual(state("fly_tokens_live_resolvers")?.["value"], 2)
        assert.strictEqual(state("fly_tokens_source_attempts", { source: "cli", outcome: "Found" })?.["count"], 1)
        assert.strictEqual(state("fly_tokens_source_attempts", { source: "cli", outcome: "HttpFailed" })?.["count"], 1)
        assert.strictEqual(state("fly_tokens_source_attempts", { source: "env", outcome: "NotFound" })?.["count"], 2)
        const durations = state("fly_tokens_cli_duration_milliseconds")
        assert.deepStrictEqual([durations?.["count"], durations?.["max"]], [2, 700])
        assert.notInclude(JSON.stringify(snapshot), "app-1")
      }).pipe(Effect.provide(Layer.provideMerge(world.layer(apart), registry)))
    }))

  it.effect("spans are on the slow path only", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const spans: Array<Tracer.Span> = []
      const tracer = Layer.succeed(Tracer.Tracer)(Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      }))
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        yield* tokens.get("app-1")
        const slow = spans.map((span) => [span.name, Object.fromEntries(span.attributes)])
        assert.deepStrictEqual(slow, [
          ["FlyTokens.get", { app: "app-1", acquirer: "resolver" }],
          ["FlyTokens.resolve", {
            app: "app-1",
            purpose: "get",
            source: "cli",
            attempts: ["env: NotFound", "storage: NotFound", "config: NotFound"]
          }]
        ])
        for (let n = 0; n < 10; n++) yield* tokens.get("app-1")
        assert.lengthOf(spans, 2)
      }).pipe(Effect.provide(Layer.provideMerge(world.layer(apart), tracer)))
    }))
})
