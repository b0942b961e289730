/**
 * Closing the layer in every state leaves nothing behind.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { FlyToken, FlyTokens, MissReason } from "../../src/index.ts"
import * as World from "../support/World.ts"

const down = () => Effect.fail(new MissReason.HttpFailed({ status: 500 }))

const states: ReadonlyArray<
  readonly [string, (world: World.World & { mintTakes: number }) => Effect.Effect<void, unknown, FlyTokens>]
> = [
  ["idle, never used", () => Effect.void],
  ["idle, with a token", () => Effect.asVoid(FlyTokens.use((tokens) => tokens.get("app-1")))],
  ["resolving", (world) => {
    world.mint = () => Effect.never
    return Effect.asVoid(
      Effect.forkDetach(Effect.flatMap(FlyTokens, (tokens) => tokens.get("app-1")), { startImmediately: true })
    )
  }],
  ["resolving, the caller gone", (world) => {
    world.mint = () => Effect.never
    return Effect.gen(function*() {
      const fiber = yield* Effect.forkChild((yield* FlyTokens).get("app-1"), { startImmediately: true })
      yield* Fiber.interrupt(fiber)
    })
  }],
  ["waiting for a place at the command", (world) => {
    world.mint = () => Effect.never
    return FlyTokens.use((tokens) =>
      Effect.forEach(
        ["a", "b", "c", "d", "e", "f"],
        (app) => Effect.forkDetach(tokens.get(app), { startImmediately: true }),
        { discard: true }
      )
    )
  }],
  ["refreshing ahead", (world) =>
    Effect.gen(function*() {
      yield* (yield* FlyTokens).get("app-1")
      world.mint = () => Effect.never
      yield* TestClock.adjust("23 hours")
      assert.strictEqual(world.running, 1)
    })],
  ["refreshing for a caller", (world) =>
    Effect.gen(function*() {
      yield* (yield* FlyTokens).get("app-1")
      world.mint = () => Effect.never
      yield* Effect.forkDetach((yield* FlyTokens).refresh("app-1"), { startImmediately: true })
      assert.strictEqual(world.running, 1)
    })],
  ["backing off", (world) =>
    Effect.gen(function*() {
      yield* (yield* FlyTokens).get("app-1")
      world.mint = down
      yield* TestClock.adjust("23 hours")
      yield* TestClock.adjust("1 second")
      assert.isNotNull((yield* (yield* FlyTokens).status("app-1")).backOffUntil)
    })],
  ["in the pause after a failure", (world) =>
    Effect.gen(function*() {
      world.mint = down
      yield* Effect.flip((yield* FlyTokens).get("app-1"))
    })],
  ["living on a manual token", (world) =>
    Effect.gen(function*() {
      world.mint = down
      yield* (yield* FlyTokens).setManual("app-1", FlyToken.make("fo1_x"))
      yield* (yield* FlyTokens).get("app-1")
    })],
  ["persisting, with a store that takes its time", (world) => {
    world.storeGate = (operation) => operation === "put" ? Effect.sleep("3 seconds") : Effect.void
    return Effect.asVoid(FlyTokens.use((tokens) => tokens.get("app-1")))
  }],
  ["persisting, with a store that hangs", (world) => {
    world.storeGate = (operation) => operation === "put" ? Effect.never : Effect.void
    return Effect.asVoid(FlyTokens.use((tokens) => tokens.get("app-1")))
  }]
]

describe("closing the layer", () => {
  it.effect.each(states)(
    "%s: no fiber, no call and no pending write is left, and nothing goes on",
    ([name, enter]) =>
      Effect.gen(function*() {
        const world = yield* World.make
        const alive = Effect.map(Metric.snapshot, (all) => {
          const state = all.find(({ id }) => id === "child_fibers_active")?.state as
            | { readonly value: number }
            | undefined
          return Number(state?.value ?? 0)
        })
        const before = yield* alive
        const scope = yield* Scope.make()
        const context = yield* Layer.buildWithScope(world.layer({ softExpiryJitter: 0 }), scope)
        yield* Effect.provideContext(enter(world), context)
        const closing = yield* Effect.forkDetach(Scope.close(scope, Exit.void), { startImmediately: true })
        // Closing may take 5 s, and not a moment longer.
        yield* TestClock.adjust("5 seconds")
        assert.isDefined(closing.pollUnsafe(), `${name}: it is not closed after 5 s`)
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(world.running, 0)
        const counts = [world.mints.length, world.configReads, world.lookups.length]
        yield* TestClock.adjust("2 days")
        assert.deepStrictEqual([world.mints.length, world.configReads, world.lookups.length], counts)
        assert.isAtMost(yield* alive, before)
      }).pipe(
        Effect.provideService(Metric.FiberRuntimeMetrics, Metric.FiberRuntimeMetricsImpl),
        Effect.provideService(Metric.MetricRegistry, new Map())
      )
  )

  it.effect("ends a run that waits for a source: no other source is asked, and who waits is interrupted", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.config = Effect.never
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(world.layer(), scope)
      const get = Effect.provideContext(FlyTokens.use((tokens) => tokens.get("app-1")), context)
      const waiting = [
        yield* Effect.forkDetach(get, { startImmediately: true }),
        yield* Effect.forkDetach(get, { startImmediately: true })
      ]
      assert.strictEqual(world.configReads, 1)
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("1 minute")
      for (const fiber of waiting) {
        const exit = yield* Fiber.await(fiber)
        assert.isTrue(Exit.hasInterrupts(exit))
      }
      assert.lengthOf(world.mints, 0)
      assert.lengthOf(world.lookups, 0)
    }))
})

/** A program that uses the layer and then ends, and what ends it. */
const ends: ReadonlyArray<
  readonly [
    string,
    (
      use: Effect.Effect<void, unknown, FlyTokens>,
      provided: Layer.Layer<FlyTokens, unknown>
    ) => Effect.Effect<void, unknown>
  ]
> = [
  ["its normal end", (use, layer) => Effect.provide(use, layer)],
  ["a failure", (use, layer) => Effect.provide(Effect.andThen(use, Effect.fail("broken")), layer)],
  ["a defect", (use, layer) => Effect.provide(Effect.andThen(use, Effect.die("broken")), layer)],
  ["Fiber.interrupt", (use, layer) =>
    Effect.gen(function*() {
      const used = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkDetach(
        Effect.provide(Effect.andThen(use, Effect.andThen(Deferred.succeed(used, undefined), Effect.never)), layer)
      )
      yield* Deferred.await(used)
      yield* Fiber.interrupt(fiber)
    })],
  [
    "a time-out around it",
    (use, layer) =>
      Effect.asVoid(Effect.timeoutOption(Effect.provide(Effect.andThen(use, Effect.never), layer), "100 millis"))
  ],
  ["two interruptions", (use, layer) =>
    Effect.gen(function*() {
      const used = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkDetach(
        Effect.provide(Effect.andThen(use, Effect.andThen(Deferred.succeed(used, undefined), Effect.never)), layer)
      )
      yield* Deferred.await(used)
      fiber.interruptUnsafe()
      yield* Effect.sleep("1 second")
      yield* Fiber.interrupt(fiber)
    })]
]

/** Runs a program to its end on the test's clock, and tells in which second that came. */
const timed = (program: Effect.Effect<void, unknown>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkDetach(program, { startImmediately: true })
    yield* TestClock.adjust("200 millis")
    for (let seconds = 0; seconds < 20; seconds++) {
      if (fiber.pollUnsafe() !== undefined) return seconds
      yield* TestClock.adjust("1 second")
    }
    return Number.POSITIVE_INFINITY
  })

describe.each(ends)("closing by %s", (_, end) => {
  const stored = (world: World.World, app: string) => Effect.map(world.store.get(app, "cached"), Option.isSome)

  const begin = (apps: ReadonlyArray<string>) =>
    FlyTokens.use((tokens) => Effect.forEach(apps, (app) => tokens.get(app), { discard: true }))

  it.effect("waits for the writes", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.storeGate = (operation) => operation === "put" ? Effect.sleep("3 seconds") : Effect.void
      const took = yield* timed(end(begin(["a", "b"]), world.layer()))
      assert.deepStrictEqual([yield* stored(world, "a"), yield* stored(world, "b")], [true, true])
      assert.isAtLeast(took, 3)
    }))

  it.effect("waits for a call that takes its time to end", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.mint = () => Effect.onInterrupt(Effect.never, () => Effect.sleep("3 seconds"))
      const calls = FlyTokens.use((tokens) => Effect.forkDetach(tokens.get("a"), { startImmediately: true }))
      const took = yield* timed(end(Effect.asVoid(calls), world.layer()))
      assert.strictEqual(world.running, 0)
      assert.isAtLeast(took, 3)
    }))

  it.effect("gives up after 5 s, and then nothing begins: not what stood behind a write that hangs", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      let accesses = 0
      world.storeGate = (operation, name) =>
        Effect.suspend(() => {
          accesses++
          return operation === "put" && name === "a" ? Effect.uninterruptible(Effect.sleep("8 seconds")) : Effect.void
        })
      const use = FlyTokens.use((tokens) =>
        Effect.gen(function*() {
          yield* tokens.get("a")
          const behind = [
            tokens.setManual("a", FlyToken.make("fo1_x")),
            tokens.removeManual("a"),
            tokens.invalidate("a")
          ]
          yield* Effect.forEach(behind, (call) => Effect.forkDetach(call, { startImmediately: true }))
        })
      )
      const took = yield* timed(end(use, world.layer({ storageTimeout: "1 hour" })))
      assert.isAtLeast(took, 5)
      assert.isAtMost(took, 6)
      const begun = accesses
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(accesses, begun)
    }))
})
