import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import { FlyToken, FlyTokens, StorageError } from "../../src/index.ts"
import * as World from "../support/World.ts"

const stored = (world: World.World, app: string) =>
  Effect.map(world.store.get(app, "cached"), Option.map((record) => FlyToken.make(record.token).value))

const logged = () => {
  const lines: Array<string> = []
  return { lines, layer: Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))]) }
}

describe("rule 10: persisting never delays or fails a get", () => {
  it.effect("what the CLI minted is stored, with when it was acquired; config and environment tokens are not", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      yield* TestClock.setTime(5_000)
      const minted = yield* FlyTokens.use((tokens) => tokens.get("minted")).pipe(Effect.provide(world.layer()))
      const record = Option.getOrThrow(yield* world.store.get("minted", "cached"))
      assert.deepStrictEqual(
        [FlyToken.make(record.token).value, record.expiresAt, record.source, record.savedAt],
        [minted.token.value, minted.expiresAt, "cli", 5_000]
      )
      world.config = Effect.succeed(World.tokenOf({ now: 0, life: World.hour }))
      yield* FlyTokens.use((tokens) => tokens.get("configured")).pipe(Effect.provide(world.layer()))
      assert.isTrue(Option.isNone(yield* stored(world, "configured")))
    }))

  it.effect("option persist adds sources, and takes them away", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      yield* FlyTokens.use((tokens) => tokens.get("minted")).pipe(Effect.provide(world.layer({ persist: [] })))
      assert.isTrue(Option.isNone(yield* stored(world, "minted")))
      world.config = Effect.succeed(World.tokenOf({ now: 0, life: World.hour }))
      yield* FlyTokens.use((tokens) => tokens.get("configured")).pipe(
        Effect.provide(world.layer({ persist: ["cli", "config"] }))
      )
      assert.isTrue(Option.isSome(yield* stored(world, "configured")))
    }))

  const failures = [
    ["fails", Effect.fail(new StorageError({ operation: "put", kind: "Unavailable", why: "broken on purpose" }))],
    ["dies", Effect.die(new Error("with a secret fo1_abc"))],
    ["hangs", Effect.never],
    ["hangs and ignores interruption", Effect.uninterruptible(Effect.never)]
  ] as const
  for (const [name, failure] of failures) {
    it.effect(`a store that ${name}: the get answers at once, one log line says why, no secret in it`, () =>
      Effect.gen(function*() {
        const world = yield* World.make
        const log = logged()
        world.storeGate = (operation, _, key) => operation === "put" && key === "cached" ? failure : Effect.void
        yield* Effect.gen(function*() {
          const tokens = yield* FlyTokens
          const resolved = yield* tokens.get("my-app")
          yield* TestClock.adjust("5 seconds")
          assert.strictEqual((yield* tokens.get("my-app")).token, resolved.token)
          assert.strictEqual(log.lines.length, 1)
          assert.include(log.lines[0], "my-app")
          assert.notInclude(log.lines[0], "fo1_abc")
          assert.notInclude(log.lines[0], "fm2_")
          yield* Effect.forkDetach(Effect.andThen(Effect.yieldNow, TestClock.adjust("10 seconds")))
        }).pipe(Effect.provide(Layer.provideMerge(world.layer(), log.layer)))
      }))
  }

  it.effect("writes for one app keep their order, also past one that hangs until it is interrupted", () =>
    World.scenario({}, function*({ tokens, world }) {
      let puts = 0
      world.storeGate = (operation, _, key) =>
        // The first write is slow: without a line it would land on the second.
        operation === "put" && key === "cached" && puts++ === 0 ? Effect.sleep("3 seconds") : Effect.void
      yield* tokens.get("my-app")
      const newest = yield* tokens.refresh("my-app")
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* stored(world, "my-app"), Option.some(newest.token.value))
    }))

  it.effect("an invalidate after a write that is still under way wins", () =>
    World.scenario({}, function*({ tokens, world }) {
      let puts = 0
      world.storeGate = (operation, _, key) =>
        operation === "put" && key === "cached" && puts++ === 0 ? Effect.sleep("3 seconds") : Effect.void
      yield* tokens.get("my-app")
      const invalidating = yield* Effect.forkChild(tokens.invalidate("my-app"), { startImmediately: true })
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(invalidating)
      assert.isTrue(Option.isNone(yield* stored(world, "my-app")))
    }))

  it.effect("closing the layer waits for pending writes, at most 5 s", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      for (const [takes, kept] of [["4 seconds", true], ["6 seconds", false]] as const) {
        const app = kept ? "quick-store" : "slow-store"
        world.storeGate = (operation) => operation === "put" ? Effect.uninterruptible(Effect.sleep(takes)) : Effect.void
        const closing = yield* Effect.forkChild(
          FlyTokens.use((tokens) => tokens.get(app)).pipe(Effect.provide(world.layer({ org: app }))),
          { startImmediately: true }
        )
        yield* TestClock.adjust("3999 millis")
        assert.isUndefined(closing.pollUnsafe())
        yield* TestClock.adjust("1001 millis")
        const exit = closing.pollUnsafe()
        assert.isTrue(exit !== undefined && Exit.isSuccess(exit))
        assert.strictEqual(Option.isSome(yield* stored(world, app)), kept)
        yield* TestClock.adjust("10 seconds")
      }
    }))

  it.effect("closing the layer ends a run and its sources", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.mint = () => Effect.never
      yield* Effect.gen(function*() {
        yield* Effect.forkChild(Effect.exit((yield* FlyTokens).get("my-app")), { startImmediately: true })
        assert.strictEqual(world.running, 1)
      }).pipe(Effect.provide(world.layer()))
      assert.strictEqual(world.running, 0)
    }))
})
