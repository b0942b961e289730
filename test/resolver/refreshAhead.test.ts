import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import { FlyToken, FlyTokens, MissReason } from "../../src/index.ts"
import * as World from "../support/World.ts"

const minute = 60_000
const exact = { softExpiryJitter: 0 } as const
/** Each app its own organization, so that each has its own mints. */
const apart = { ...exact, org: (app: string) => app } as const

const down = () => Effect.fail(new MissReason.HttpFailed({ status: 500 }))

const mintsOf = (world: World.World, org: string) => world.mints.filter((mint) => mint.org === org).map(({ at }) => at)

describe("rule 4: soft expiry", () => {
  it.effect("refreshes at exactly expiresAt − lead, with no caller; readers meanwhile get the old token at once", () =>
    World.scenario(apart, function*({ tokens, world }) {
      const first = yield* tokens.get("app-1")
      yield* TestClock.adjust("1 hour")
      yield* tokens.get("app-2")
      world.mintTakes = 10_000
      yield* TestClock.setTime(23 * World.hour - 1)
      assert.deepStrictEqual(mintsOf(world, "app-1"), [0])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(mintsOf(world, "app-1"), [0, 23 * World.hour])
      // While it runs: in the same tick, without a second run.
      const reader = yield* Effect.forkChild(tokens.get("app-1"), { startImmediately: true })
      const exit = reader.pollUnsafe()
      assert.isTrue(exit !== undefined && Exit.isSuccess(exit) && exit.value.token === first.token)
      yield* TestClock.adjust("10 seconds")
      assert.notStrictEqual((yield* tokens.get("app-1")).token, first.token)
      assert.deepStrictEqual(mintsOf(world, "app-2"), [World.hour])
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(mintsOf(world, "app-2"), [World.hour, 24 * World.hour])
    }))

  it.effect("each refresh arms the next, over 30 days, for two apps", () =>
    World.scenario(apart, function*({ tokens, world }) {
      yield* tokens.get("app-1")
      yield* tokens.get("app-2")
      for (let n = 0; n < 30; n++) {
        yield* TestClock.adjust("1 day")
        assert.isTrue(Option.isSome(tokens.peek("app-1")))
        assert.isTrue(Option.isSome(tokens.peek("app-2")))
      }
      const expected = Array.from({ length: Math.floor(30 * 24 / 23) + 1 }, (_, n) => n * 23 * World.hour)
      assert.deepStrictEqual(mintsOf(world, "app-1"), expected)
      assert.deepStrictEqual(mintsOf(world, "app-2"), expected)
    }))

  it.effect("is armed once, by whoever joined the run or came after it", () =>
    World.scenario(apart, function*({ tokens, world }) {
      world.mintTakes = 1_000
      const getting = yield* Effect.forkChild(
        Effect.all([tokens.get("app-1"), tokens.get("app-1"), tokens.get("app-1")], { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(getting)
      yield* tokens.get("app-1")
      assert.deepStrictEqual(mintsOf(world, "app-1"), [0])
      yield* TestClock.adjust("24 hours")
      assert.deepStrictEqual(mintsOf(world, "app-1"), [0, 23 * World.hour + 1_000])
    }))

  it.effect("apps of one organization share the new mint", () =>
    World.scenario({}, function*({ tokens, world }) {
      for (let n = 0; n < 50; n++) yield* tokens.get(`app-${n}`)
      yield* TestClock.adjust("24 hours")
      assert.strictEqual(world.mints.length, 2)
      const all = yield* Effect.forEach(Array.from({ length: 50 }, (_, n) => `app-${n}`), tokens.get)
      assert.strictEqual(new Set(all.map(({ token }) => token.value)).size, 1)
    }))

  it.effect("takes a newer token that another process stored, without a mint; the stored copy of its own is a miss", () =>
    World.scenario(apart, function*({ tokens, world }) {
      yield* tokens.get("app-1")
      yield* tokens.get("app-2")
      yield* TestClock.adjust("10 hours")
      const newer = World.tokenOf({ now: 10 * World.hour, life: World.day })
      yield* world.store.put("app-1", "cached", {
        token: newer.redacted,
        expiresAt: null,
        source: "cli",
        savedAt: 10 * World.hour
      })
      yield* TestClock.adjust("13 hours")
      assert.strictEqual((yield* tokens.get("app-1")).token.value, newer.value)
      assert.lengthOf(mintsOf(world, "app-1"), 1)
      assert.lengthOf(mintsOf(world, "app-2"), 2)
    }))

  it.effect("that fails keeps the token to its last millisecond, tries again with a back-off, says so once each", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const lines: Array<string> = []
      const log = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const first = yield* tokens.get("app-1")
        const other = yield* tokens.get("app-2")
        world.mint = down
        yield* TestClock.setTime(World.day - 1)
        assert.strictEqual((yield* tokens.get("app-1")).token, first.token)
        assert.strictEqual((yield* tokens.get("app-2")).token, other.token)
        const tries = mintsOf(world, "app-1").slice(1).map((at) => at - 23 * World.hour)
        // 30 s, doubling to 10 min; then half-way to the expiry, again and again.
        assert.deepStrictEqual(
          tries.slice(0, 8),
          [0, 0.5, 1.5, 3.5, 7.5, 15.5, 25.5, 35.5].map((minutes) => minutes * minute)
        )
        assert.isBelow(tries.length, 30)
        yield* TestClock.adjust(1)
        const error = yield* Effect.flip(tokens.get("app-1"))
        assert.strictEqual(error._tag, "NoTokenAvailable")
        // Those of the last 10 s are one line, with a count.
        yield* TestClock.adjust("10 seconds")
        const own = lines.filter((line) => line.includes("refreshing the token of"))
        const told = own.reduce((count, line) => count + 1 + Number(/and (\d+) more like it/.exec(line)?.[1] ?? 0), 0)
        // Both apps' tries, but not that of the last get.
        assert.strictEqual(told, tries.length + mintsOf(world, "app-2").length - 1)
        assert.include(own[0], `next try at ${new Date(23 * World.hour + 30_000).toISOString()}`)
        assert.include(own[0], "HTTP status 500")
        assert.include(own.at(-1), "no further try")
      }).pipe(Effect.provide(Layer.provideMerge(world.layer(apart), log)))
    }))

  it.effect("past its expiry there is no run without a caller, and with callers at most one per cool-down", () =>
    World.scenario(apart, function*({ tokens, world }) {
      yield* tokens.get("app-1")
      yield* tokens.get("app-2")
      world.mint = down
      yield* TestClock.setTime(World.day)
      const before = mintsOf(world, "app-1").length
      yield* TestClock.adjust("3 hours")
      assert.lengthOf(mintsOf(world, "app-1"), before)
      for (let n = 0; n < 100; n++) {
        yield* Effect.flip(tokens.get("app-1"))
        yield* TestClock.adjust("1 second")
      }
      assert.lengthOf(mintsOf(world, "app-1"), before + 20)
    }))

  it.effect("90 s left and the source down: 200 gets, 200 served, 1 call", () =>
    World.scenario(apart, function*({ tokens, world }) {
      world.mintLife = 180_000
      const first = yield* tokens.get("app-1")
      yield* tokens.get("app-2")
      world.mint = down
      yield* TestClock.adjust("90 seconds")
      for (let n = 0; n < 200; n++) assert.strictEqual((yield* tokens.get("app-1")).token, first.token)
      assert.lengthOf(mintsOf(world, "app-1"), 2)
    }))

  it.effect("a token of 120 s: 200 gets, 1 call", () =>
    World.scenario(apart, function*({ tokens, world }) {
      world.mintLife = 120_000
      yield* tokens.get("app-2")
      for (let n = 0; n < 200; n++) {
        yield* tokens.get("app-1")
        if (n % 4 === 0) yield* TestClock.adjust("1 second")
      }
      assert.lengthOf(mintsOf(world, "app-1"), 1)
    }))

  it.effect("in the last minute a get joins the refresh, and gets the old token if that fails", () =>
    World.scenario(apart, function*({ tokens, world }) {
      world.mintLife = 120_000
      const first = yield* tokens.get("app-1")
      const second = yield* tokens.get("app-2")
      const works = world.mint
      world.mint = (org, call) =>
        Effect.andThen(Effect.sleep("10 seconds"), org === "app-1" ? works(org, call) : down())
      yield* TestClock.adjust("60 seconds")
      const joined = yield* Effect.forkChild(tokens.get("app-1"), { startImmediately: true })
      const failing = yield* Effect.forkChild(tokens.get("app-2"), { startImmediately: true })
      assert.isUndefined(joined.pollUnsafe())
      assert.isUndefined(failing.pollUnsafe())
      yield* TestClock.adjust("10 seconds")
      assert.notStrictEqual((yield* Fiber.join(joined)).token, first.token)
      assert.strictEqual((yield* Fiber.join(failing)).token, second.token)
      assert.strictEqual((yield* tokens.get("app-2")).token, second.token)
    }))

  it.effect("softExpiryLead 0 switches it off", () =>
    World.scenario({ softExpiryLead: 0 }, function*({ tokens, world }) {
      yield* tokens.get("app-1")
      yield* TestClock.adjust("30 hours")
      assert.lengthOf(world.mints, 1)
      assert.isTrue(Option.isNone(tokens.peek("app-1")))
      yield* tokens.get("app-1")
      assert.lengthOf(world.mints, 2)
    }))

  it.effect("comes back after a restart: a stored token is refreshed at its time", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const both = FlyTokens.use((tokens) => Effect.forEach(["app-1", "app-2"], tokens.get))
      yield* both.pipe(Effect.provide(world.layer(apart)))
      yield* TestClock.adjust("10 hours")
      yield* Effect.gen(function*() {
        assert.deepStrictEqual((yield* both).map(({ source }) => source), ["storage", "storage"])
        yield* TestClock.setTime(23 * World.hour - 1)
        assert.lengthOf(world.mints, 2)
        yield* TestClock.adjust(1)
        assert.lengthOf(mintsOf(world, "app-1"), 2)
        assert.lengthOf(mintsOf(world, "app-2"), 2)
      }).pipe(Effect.provide(world.layer(apart)))
    }))

  it.effect("comes back after eviction, with the next get", () =>
    World.scenario({ ...apart, idleTimeToLive: "10 minutes" }, function*({ tokens, world }) {
      const first = yield* tokens.get("app-1")
      yield* tokens.get("app-2")
      // Evicted after 10 idle minutes: nobody refreshes it.
      yield* TestClock.adjust("22 hours")
      assert.strictEqual((yield* tokens.get("app-1")).token, first.token)
      // Used by the fast path all the time: not idle.
      for (let n = 0; n < 24; n++) {
        yield* TestClock.adjust("5 minutes")
        yield* tokens.get("app-1")
      }
      assert.lengthOf(mintsOf(world, "app-1"), 2)
      assert.lengthOf(mintsOf(world, "app-2"), 1)
    }))
})

describe("a token of last resort", () => {
  it.effect("is served from memory while better sources are tried in the background; one that works takes over", () =>
    World.scenario(apart, function*({ tokens, world }) {
      const works = world.mint
      world.mint = down
      yield* tokens.setManual("app-1", FlyToken.make("fo1_one"))
      yield* tokens.setManual("app-2", FlyToken.make("fo1_two"))
      assert.strictEqual((yield* tokens.get("app-1")).source, "manual")
      assert.strictEqual((yield* tokens.get("app-2")).source, "manual")
      yield* TestClock.adjust("16 minutes")
      const tries = mintsOf(world, "app-1").map((at) => at / minute)
      assert.deepStrictEqual(tries, [0, 0.5, 1.5, 3.5, 7.5, 15.5])
      world.mint = works
      assert.strictEqual((yield* tokens.get("app-1")).source, "manual")
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual((yield* tokens.get("app-1")).source, "cli")
      assert.strictEqual((yield* tokens.get("app-2")).source, "cli")
    }))

  it.effect("lasts for days", () =>
    World.scenario(apart, function*({ tokens, world }) {
      world.mint = down
      yield* tokens.setManual("app-1", FlyToken.make("fo1_one"))
      yield* tokens.setManual("app-2", FlyToken.make("fo1_two"))
      yield* tokens.get("app-1")
      yield* tokens.get("app-2")
      for (let n = 0; n < 50; n++) {
        yield* TestClock.adjust("1 hour")
        assert.isTrue(Option.isSome(tokens.peek("app-1")))
        assert.isTrue(Option.isSome(tokens.peek("app-2")))
      }
    }))

  it.effect("does not take the place of a better token that is still good", () =>
    World.scenario(apart, function*({ tokens, world }) {
      yield* tokens.setManual("app-1", FlyToken.make("fo1_one"))
      const minted = yield* tokens.get("app-1")
      world.mint = down
      yield* TestClock.setTime(World.day - 1)
      assert.strictEqual((yield* tokens.get("app-1")).token, minted.token)
      yield* TestClock.adjust(1)
      assert.strictEqual((yield* tokens.get("app-1")).source, "manual")
    }))
})

describe("rejection", () => {
  it.effect("a rejected config token is skipped until the file holds another", () =>
    World.scenario(apart, function*({ tokens, world }) {
      const dead = World.tokenOf({ now: 0, life: World.hour })
      world.config = Effect.succeed(dead)
      world.mint = down
      yield* tokens.get("app-1")
      yield* tokens.get("app-2")
      const error = yield* Effect.flip(tokens.refresh("app-1", { rejected: dead }))
      assert.strictEqual(error._tag === "NoTokenAvailable" && error.attempts[2]?.reason._tag, "Rejected")
      assert.strictEqual((yield* Effect.flip(tokens.get("app-2")))._tag, "NoTokenAvailable")
      yield* TestClock.adjust("10 seconds")
      world.config = Effect.succeed(World.tokenOf({ now: 0, life: World.hour }))
      assert.strictEqual((yield* tokens.get("app-1")).source, "config")
      assert.strictEqual((yield* tokens.get("app-2")).source, "config")
    }))

  it.effect("a refresh ahead never takes a rejected token", () =>
    World.scenario(apart, function*({ tokens, world }) {
      const first = yield* tokens.get("app-1")
      const late = World.tokenOf({ now: 23 * World.hour, life: 2 * World.day })
      yield* TestClock.setTime(23 * World.hour - 1_000)
      yield* tokens.refresh("app-1", { rejected: late })
      world.config = Effect.succeed(late)
      yield* TestClock.adjust("1 minute")
      const now = yield* tokens.get("app-1")
      assert.notStrictEqual(now.token.value, late.value)
      assert.notStrictEqual(now.token, first.token)
    }))
})

describe("rule 12: the clock", () => {
  it.effect.each([90, 20 * 365])(
    "a life of %d days: no run before time, one in time",
    (days) =>
      Effect.gen(function*() {
        const world = yield* World.make
        const clock = yield* World.settableClock
        world.mintLife = days * World.day
        yield* Effect.gen(function*() {
          const tokens = yield* FlyTokens
          yield* tokens.get("app-1")
          yield* tokens.get("app-2")
          // Longer than 24.8 days, the longest timer there is.
          yield* TestClock.adjust("30 days")
          assert.lengthOf(world.mints, 2)
          yield* clock.shift((days - 30) * World.day - World.hour - 1)
          yield* TestClock.adjust("1 minute")
          assert.lengthOf(mintsOf(world, "app-1"), 2)
          assert.lengthOf(mintsOf(world, "app-2"), 2)
        }).pipe(Effect.provide(Layer.provideMerge(world.layer({ ...apart, ttl: `${days} days` }), clock.layer)))
      })
  )

  for (const [name, by] of [["1 hour", World.hour], ["1 day", World.day]] as const) {
    it.effect(`${name} forwards while sleeping, or a suspended machine: nothing expired, no spin, the refresh comes back`, () =>
      Effect.gen(function*() {
        const world = yield* World.make
        const clock = yield* World.settableClock
        world.mintLife = 2 * World.hour
        yield* Effect.gen(function*() {
          const tokens = yield* FlyTokens
          const first = yield* tokens.get("app-1")
          yield* tokens.get("app-2")
          yield* TestClock.adjust("45 minutes")
          yield* clock.shift(by)
          const now = 45 * minute + by
          // Before any timer fires: what is expired is not handed out.
          const resolved = yield* tokens.get("app-1")
          assert.isAbove(resolved.expiresAt ?? 0, now)
          assert.strictEqual(resolved.token === first.token, by === World.hour)
          yield* TestClock.adjust("2 minutes")
          assert.isAtMost(world.mints.length, 4)
          yield* tokens.get("app-1")
          yield* tokens.get("app-2")
          const runs = mintsOf(world, "app-1").length
          yield* TestClock.adjust("4 hours")
          assert.isTrue(Option.isSome(tokens.peek("app-1")))
          assert.isTrue(Option.isSome(tokens.peek("app-2")))
          assert.isAtLeast(mintsOf(world, "app-1").length, runs + 3)
          assert.isAtMost(mintsOf(world, "app-1").length, runs + 5)
        }).pipe(Effect.provide(Layer.provideMerge(world.layer(apart), clock.layer)))
      }))

    it.effect(`${name} backwards: no spin, and no pause that lasts longer`, () =>
      Effect.gen(function*() {
        const world = yield* World.make
        const clock = yield* World.settableClock
        yield* TestClock.setTime(10 * World.day)
        yield* Effect.gen(function*() {
          const tokens = yield* FlyTokens
          const works = world.mint
          yield* tokens.get("app-1")
          world.mint = down
          yield* Effect.flip(tokens.get("app-2"))
          yield* clock.shift(-by)
          world.mint = works
          // The cool-down of 5 s does not last an hour or a day longer.
          yield* TestClock.adjust("5 seconds")
          assert.strictEqual((yield* tokens.get("app-2")).source, "cli")
          const runs = world.mints.length
          yield* TestClock.adjust("10 minutes")
          assert.lengthOf(world.mints, runs)
          assert.isTrue(Option.isSome(tokens.peek("app-1")))
        }).pipe(Effect.provide(Layer.provideMerge(world.layer(apart), clock.layer)))
      }))

    it.effect(`${name} backwards during a back-off: no mint before its new time, and none later`, () =>
      Effect.gen(function*() {
        const world = yield* World.make
        const clock = yield* World.settableClock
        yield* TestClock.setTime(10 * World.day)
        yield* Effect.gen(function*() {
          const tokens = yield* FlyTokens
          yield* tokens.get("app-1")
          const works = world.mint
          world.mint = down
          yield* TestClock.adjust("23 hours")
          assert.lengthOf(world.mints, 2)
          world.mint = works
          yield* clock.shift(-by)
          // By the new time nothing is due yet; a new token would not live longer than the one there is.
          yield* TestClock.adjust(by - 1)
          assert.lengthOf(world.mints, 2)
          yield* TestClock.adjust("1 minute")
          assert.lengthOf(world.mints, 3)
        }).pipe(Effect.provide(Layer.provideMerge(world.layer(apart), clock.layer)))
      }))
  }

  it.effect("set back while a manual token serves: better sources are tried as before", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const clock = yield* World.settableClock
      yield* TestClock.setTime(10 * World.day)
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const works = world.mint
        world.mint = down
        for (const app of ["app-1", "app-2"]) {
          yield* tokens.setManual(app, FlyToken.make("fo1_one"))
          yield* tokens.get(app)
        }
        yield* clock.shift(-World.day)
        world.mint = works
        yield* TestClock.adjust("2 minutes")
        assert.strictEqual((yield* tokens.get("app-1")).source, "cli")
        assert.strictEqual((yield* tokens.get("app-2")).source, "cli")
      }).pipe(Effect.provide(Layer.provideMerge(world.layer(apart), clock.layer)))
    }))

  it.effect("set back: a life that was counted from the acquisition does not grow", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const clock = yield* World.settableClock
      yield* TestClock.setTime(10 * World.day)
      world.config = Effect.succeed(FlyToken.make("fo1_user"))
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        yield* tokens.get("app-1")
        yield* tokens.get("app-2")
        yield* clock.shift(-5 * World.day)
        world.config = Effect.succeed(FlyToken.make("fo1_new-login"))
        yield* TestClock.adjust("25 hours")
        assert.strictEqual((yield* tokens.get("app-1")).token.value, "fo1_new-login")
        assert.strictEqual((yield* tokens.get("app-2")).token.value, "fo1_new-login")
      }).pipe(Effect.provide(Layer.provideMerge(world.layer(apart), clock.layer)))
    }))

  it.effect("exactly at the expiry, before any timer: the token is not handed out, one millisecond earlier it is", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const clock = yield* World.settableClock
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const first = yield* tokens.get("app-1")
        const second = yield* tokens.get("app-2")
        yield* clock.shift(World.day - 1)
        assert.strictEqual((yield* tokens.get("app-1")).token, first.token)
        assert.isTrue(Option.isSome(tokens.peek("app-2")))
        yield* clock.shift(1)
        assert.notStrictEqual((yield* tokens.get("app-1")).token, first.token)
        assert.isTrue(Option.isNone(tokens.peek("app-2")))
        assert.notStrictEqual((yield* tokens.get("app-2")).token, second.token)
      }).pipe(Effect.provide(Layer.provideMerge(world.layer(apart), clock.layer)))
    }))

  it.effect("a refresh that ends at the very moment of the expiry: nothing expired is handed out", () =>
    World.scenario({ ...apart, cliTimeout: "1 minute" }, function*({ tokens, world }) {
      world.mintLife = 60_000
      world.mintTakes = 30_000
      const getting = yield* Effect.forkChild(tokens.get("app-1"))
      yield* TestClock.adjust("30 seconds")
      const first = yield* Fiber.join(getting)
      // The refresh begins 30 s before the end and takes 30 s.
      yield* TestClock.setTime((first.expiresAt ?? 0) - 1)
      const waiting = yield* Effect.forkChild(tokens.get("app-1"), { startImmediately: true })
      yield* TestClock.adjust(1)
      const second = yield* Fiber.join(waiting)
      assert.notStrictEqual(second.token, first.token)
      assert.isAbove(second.expiresAt ?? 0, first.expiresAt ?? 0)
    }))
})
