import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { FlyTokens, MissReason } from "../../src/index.ts"
import * as World from "../support/World.ts"

const kept = <A, E>(
  use: (
    world: Effect.Success<typeof World.make>,
    tokens: FlyTokens["Service"],
    scope: Scope.Closeable
  ) => Effect.Effect<A, E>,
  options: Parameters<World.World["layer"]>[0] = {}
) =>
  Effect.gen(function*() {
    const world = yield* World.make
    yield* Effect.gen(function*() {
      const tokens = yield* FlyTokens
      const scope = yield* Scope.make()
      yield* use(world, tokens, scope)
      yield* Scope.close(scope, Exit.void)
    }).pipe(Effect.provide(world.layer({ softExpiryJitter: 0, ...options })))
  })

describe("an app that is kept", () => {
  it.effect("has a token although nobody asks for it, and keeps it", () =>
    kept((world, tokens, scope) =>
      Effect.gen(function*() {
        yield* Scope.provide(tokens.keep("my-app"), scope)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(tokens.peek("my-app")._tag, "Some")
        yield* TestClock.adjust("3 days")
        assert.strictEqual(tokens.peek("my-app")._tag, "Some")
        assert.lengthOf(world.mints, 4)
      }), { idleTimeToLive: "1 hour" }))

  it.effect("is tried for again and again, by the back-off, and says when", () =>
    kept((world, tokens, scope) =>
      Effect.gen(function*() {
        const { mint } = world
        world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
        yield* Scope.provide(tokens.keep("my-app"), scope)
        yield* TestClock.adjust("10 seconds")
        assert.lengthOf(world.mints, 1)
        const { backOffUntil, lastFailure, refreshAt } = yield* tokens.status("my-app")
        assert.deepStrictEqual([backOffUntil, refreshAt], [30_000, 30_000])
        assert.strictEqual(lastFailure?.attempts.at(3)?.reason._tag, "NotLoggedIn")
        // 30 s, a minute, two, four, eight, and then each ten minutes.
        yield* TestClock.adjust("15 minutes")
        assert.deepStrictEqual(world.mints.map(({ at }) => at / 1_000), [0, 30, 90, 210, 450])
        world.mint = mint
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(tokens.peek("my-app")._tag, "Some")
        assert.isNull((yield* tokens.status("my-app")).lastFailure)
      })
    ))

  it.effect("is left alone when nobody keeps it any more", () =>
    kept((world, tokens, scope) =>
      Effect.gen(function*() {
        world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
        const other = yield* Scope.make()
        yield* Scope.provide(tokens.keep("my-app"), scope)
        yield* Scope.provide(tokens.keep("my-app"), other)
        yield* Scope.close(other, Exit.void)
        yield* TestClock.adjust("35 seconds")
        assert.lengthOf(world.mints, 2)
        yield* Scope.close(scope, Exit.void)
        yield* TestClock.adjust("1 hour")
        assert.lengthOf(world.mints, 2)
        assert.lengthOf(yield* tokens.statuses, 0)
      })
    ))

  it.effect("by no app name is refused", () =>
    kept((_, tokens, scope) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Scope.provide(tokens.keep("No App"), scope))
        assert.strictEqual(error._tag, "InvalidAppName")
      })
    ))

  it.effect("ends with the layer", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const scope = yield* Scope.make()
      world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
      yield* FlyTokens.use((tokens) => Scope.provide(tokens.keep("my-app"), scope)).pipe(Effect.provide(world.layer()))
      const mints = world.mints.length
      yield* TestClock.adjust("1 day")
      assert.lengthOf(world.mints, mints)
      yield* Scope.close(scope, Exit.void)
    }))
})
