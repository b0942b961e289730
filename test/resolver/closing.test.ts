/**
 * Closing the layer in every state leaves nothing behind.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
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
