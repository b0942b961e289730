/**
 * Many tokens that are looked after by one fiber.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import { FlyToken, FlyTokens, MissReason } from "../../src/index.ts"
import * as World from "../support/World.ts"

const minute = 60_000

const apps = Array.from({ length: 200 }, (_, n) => `app-${n}`)

describe("many apps", () => {
  it.effect("whose refreshes are due at once leave the others their turns", () =>
    World.scenario({ org: (app) => app, softExpiryJitter: 0 }, function*({ tokens, world }) {
      yield* Effect.forEach(apps, (app) => tokens.get(app), { concurrency: "unbounded", discard: true })
      const perTurn = new Map<number, number>()
      let turn = 0
      let next: NodeJS.Immediate
      // Turns of the event loop, beside Effect's own.
      const count = () => {
        turn++
        next = setImmediate(count)
      }
      const mint = world.mint
      world.mint = (org, options) => {
        perTurn.set(turn, (perTurn.get(turn) ?? 0) + 1)
        return mint(org, options)
      }
      count()
      // The clock waits so long for what it woke; on a busy machine that takes longer.
      const allMinted = Effect.gen(function*() {
        while (world.mints.length < 2 * apps.length) {
          yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
        }
      })
      yield* Effect.andThen(TestClock.adjust("1410 minutes"), allMinted).pipe(
        Effect.ensuring(Effect.sync(() => clearImmediate(next)))
      )
      assert.strictEqual(world.mints.length, 2 * apps.length)
      assert.isAtMost(Math.max(...perTurn.values()), 64)
      assert.isAtLeast(perTurn.size, apps.length / 64)
    }))

  it.effect("are refreshed and forgotten each at its own time, whatever the order they came in", () =>
    World.scenario(
      { org: (app) => app, softExpiryJitter: 0, failureCooldown: "2 hours" },
      function*({ tokens, world }) {
        const lives = apps.slice(0, 40).map((app, n) => [app, 30 + ((n * 17) % 40)] as const)
        for (const [app, minutes] of lives) {
          world.mintLife = minutes * minute
          yield* tokens.get(app)
        }
        // A life below 90 minutes is refreshed 15 minutes before its end; the source is down from now on.
        world.mint = () => Effect.fail(new MissReason.HttpFailed({ status: 500 }))
        for (let minute = 1; minute <= 75; minute++) {
          yield* TestClock.adjust("1 minute")
          for (const [app, minutes] of lives) {
            const status = yield* tokens.status(app)
            const label = `${app}, which lives ${minutes} minutes, after ${minute}`
            assert.strictEqual(Option.isSome(tokens.peek(app)), minute < minutes, label)
            assert.strictEqual(status.lastFailure !== null, minute >= minutes - 15 && minute < minutes + 75, label)
          }
        }
      }
    ))

  it.effect("are all looked at when the clock was set back: a life that was counted does not grow", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const clock = yield* World.settableClock
      yield* TestClock.setTime(10 * World.day)
      world.config = Effect.succeed(FlyToken.make("fo1_user"))
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        yield* Effect.forEach(apps, (app) => tokens.get(app), { discard: true })
        yield* clock.shift(-5 * World.day)
        yield* TestClock.adjust("1 minute")
        for (const app of apps) {
          const { expiresAt } = yield* tokens.status(app)
          assert.isAtMost(expiresAt ?? Number.POSITIVE_INFINITY, 6 * World.day + minute)
        }
      }).pipe(Effect.provide(Layer.provideMerge(world.layer({ org: (app) => app }), clock.layer)))
    }))

  it.effect("whose tokens came to their end leave nothing behind", () =>
    World.scenario({ org: (app) => app }, function*({ tokens, world }) {
      world.mintLife = World.hour
      yield* Effect.forEach(apps, (app) => tokens.get(app), { discard: true })
      assert.lengthOf(yield* tokens.statuses, apps.length)
      world.mint = () => Effect.fail(new MissReason.HttpFailed({ status: 500 }))
      yield* TestClock.adjust("1 hour")
      // The cool-down of a failure is how long a resolver stays that holds nothing.
      yield* TestClock.adjust("1 minute")
      assert.lengthOf(yield* tokens.statuses, 0)
    }))

  it.effect("one that is due before the sleeper would wake up is not late", () =>
    World.scenario({ org: (app) => app, softExpiryJitter: 0 }, function*({ tokens, world }) {
      yield* tokens.get("long-app")
      yield* TestClock.adjust("10 seconds")
      world.mintLife = 20_000
      yield* tokens.get("short-app")
      world.mintLife = World.day
      yield* TestClock.adjust("9 seconds")
      assert.lengthOf(world.mints, 2)
      yield* TestClock.adjust("1 second")
      assert.lengthOf(world.mints, 3)
    }))

  it.effect("one that is due soon after the clock jumped ahead is not late", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const clock = yield* World.settableClock
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        yield* tokens.get("app-a")
        yield* clock.shift(World.hour)
        world.mintLife = 40_000
        yield* tokens.get("app-b")
        yield* TestClock.adjust("25 seconds")
        assert.lengthOf(world.mints.filter(({ org }) => org === "app-b"), 2)
      }).pipe(Effect.provide(Layer.provideMerge(world.layer({ org: (app) => app, softExpiryJitter: 0 }), clock.layer)))
    }))

  it.effect("whose shared token another app reported leave nothing behind", () =>
    World.scenario({ softExpiryJitter: 0 }, function*({ tokens, world }) {
      const { token } = yield* tokens.get("app-1")
      yield* tokens.get("app-2")
      world.mint = () => Effect.fail(new MissReason.HttpFailed({ status: 500 }))
      yield* Effect.exit(tokens.refresh("app-1", { rejected: token }))
      yield* TestClock.adjust("5 minutes")
      assert.deepStrictEqual((yield* tokens.statuses).map(({ app }) => app), [])
    }))
})
