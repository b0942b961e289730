/**
 * Refresh ahead against callers, manual tokens, the store and the clock: interleavings that went wrong once, each as the
 * shortest sequence that showed it.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { FlyToken, FlyTokens, MissReason, StorageError, type TokenEvent } from "../../src/index.ts"
import * as World from "../support/World.ts"

const options = { softExpiryJitter: 0, org: "o" } as const

const refused = () => Effect.fail(new MissReason.NotLoggedIn())
const slowlyRefused = (millis: number) => () => Effect.andThen(Effect.sleep(millis), refused())

const recordOf = (token: FlyToken, savedAt = 0) => ({
  token: token.redacted,
  expiresAt: null,
  source: "cli" as const,
  savedAt
})

/** Runs a call while the clock moves on, and answers how it ended. */
const ends = <A, E>(call: Effect.Effect<A, E>, within: number) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(Effect.exit(call), { startImmediately: true })
    yield* TestClock.adjust(within)
    return yield* Fiber.join(fiber)
  })

const eventsSeen = Effect.gen(function*() {
  const seen: Array<TokenEvent["_tag"]> = []
  const tokens = yield* FlyTokens
  yield* Effect.forkChild(Stream.runForEach(tokens.events, ({ _tag }) => Effect.sync(() => seen.push(_tag))), {
    startImmediately: true
  })
  return seen
})

describe("who joins a refresh ahead, which asks for less, is answered by a whole chain if its token is gone", () => {
  const later: ReadonlyArray<readonly [string, (world: World.World) => Effect.Effect<void, unknown, FlyTokens>]> = [
    ["a shorter token in the config file", (world) =>
      Effect.sync(() => {
        world.config = Effect.succeed(World.tokenOf({ now: 0, life: World.day - 60_000 }))
      })],
    ["a manual token", () => FlyTokens.use((tokens) => tokens.setManual("app-1", FlyToken.make("fo1_manual")))]
  ]
  for (const [name, prepare] of later) {
    it.effect(`a refresh with the rejected token finds ${name}`, () =>
      World.scenario(options, function*({ tokens, world }) {
        const first = yield* tokens.get("app-1")
        yield* prepare(world)
        world.mint = slowlyRefused(10_000)
        yield* TestClock.setTime(23 * World.hour)
        assert.isTrue((yield* tokens.status("app-1")).inFlight)
        assert.isTrue(Exit.isSuccess(yield* ends(tokens.refresh("app-1", { rejected: first.token }), 20_000)))
      }))
  }

  for (
    const [name, after] of [["joins it past the expiry", 125_000], [
      "comes after it ended past the expiry",
      131_000
    ]] as const
  ) {
    it.effect(`a get that ${name} finds the manual token`, () =>
      World.scenario({ ...options, cliTimeout: "2 minutes" }, function*({ tokens, world }) {
        world.mintLife = 120_000
        yield* tokens.get("app-1")
        yield* tokens.setManual("app-1", FlyToken.make("fo1_manual"))
        // It begins 60 s before the end and takes 70 s.
        world.mint = slowlyRefused(70_000)
        yield* TestClock.adjust(after)
        world.mint = refused
        const exit = yield* ends(tokens.get("app-1"), 30_000)
        assert.isTrue(Exit.isSuccess(exit) && exit.value.source === "manual")
      }))
  }

  it.effect("a get whose token another app of the organization reported as rejected finds the manual token", () =>
    World.scenario(options, function*({ tokens, world }) {
      const shared = (yield* tokens.get("app-1")).token
      yield* TestClock.adjust("1 hour")
      yield* tokens.get("app-2")
      yield* tokens.setManual("app-1", FlyToken.make("fo1_manual"))
      world.mint = slowlyRefused(10_000)
      yield* TestClock.setTime(23 * World.hour)
      yield* tokens.invalidate("app-2", { rejected: shared })
      assert.isTrue(Exit.isSuccess(yield* ends(tokens.get("app-1"), 60_000)))
    }))

  it.effect("a get of another app finds the organization's stored token, which is not newer for the first", () =>
    World.scenario(options, function*({ tokens, world }) {
      const token = World.tokenOf({ now: 0, life: World.day })
      yield* world.store.put("app-1", "cached", recordOf(token))
      yield* world.store.put("o", "org", recordOf(token))
      world.mint = slowlyRefused(10_000)
      yield* tokens.get("app-1")
      yield* TestClock.setTime(23 * World.hour)
      assert.isTrue(Exit.isSuccess(yield* ends(tokens.get("app-2"), 20_000)))
    }))
})

describe("manual tokens", () => {
  it.effect("set during a refresh ahead that fails do not take the place of a token that works", () =>
    World.scenario(options, function*({ tokens, world }) {
      const first = yield* tokens.get("app-1")
      world.mint = slowlyRefused(10_000)
      yield* TestClock.setTime(23 * World.hour)
      yield* tokens.setManual("app-1", FlyToken.make("fo1_manual"))
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual((yield* tokens.get("app-1")).token, first.token)
    }))

  it.effect("set over one that is about to end: better sources are tried as for any manual token", () =>
    World.scenario(options, function*({ tokens, world }) {
      const works = world.mint
      world.mint = refused
      yield* tokens.setManual("app-1", World.tokenOf({ now: 0, life: 60_000 }))
      yield* tokens.get("app-1")
      yield* TestClock.setTime(59_500)
      yield* tokens.setManual("app-1", FlyToken.make("fo1_manual"))
      world.mint = works
      yield* TestClock.adjust("11 minutes")
      assert.strictEqual((yield* tokens.get("app-1")).source, "cli")
    }))

  it.effect("are served from memory to their end: no get waits for better sources", () =>
    World.scenario(options, function*({ tokens, world }) {
      world.mint = slowlyRefused(10_000)
      yield* tokens.setManual("app-1", World.tokenOf({ now: 0, life: 300_000 }))
      yield* ends(tokens.get("app-1"), 10_000)
      for (let n = 0; n < 289; n++) {
        const fiber = yield* Effect.forkChild(tokens.get("app-1"), { startImmediately: true })
        assert.isDefined(fiber.pollUnsafe(), `a get waited ${n} s later`)
        yield* TestClock.adjust("1 second")
      }
    }))
})

describe("what is planned next", () => {
  it.effect("belongs to its token: one that is put back after the last try of another is refreshed ahead", () =>
    World.scenario(options, function*({ tokens, world }) {
      const works = world.mint
      yield* tokens.get("app-1")
      world.mint = refused
      yield* TestClock.setTime(World.day)
      const stored = World.tokenOf({ now: World.day, life: World.day })
      yield* world.store.put("app-1", "cached", recordOf(stored, World.day))
      yield* Effect.exit(tokens.refresh("app-1"))
      assert.strictEqual((yield* tokens.get("app-1")).token.value, stored.value)
      world.mint = works
      const runs = world.mints.length
      yield* TestClock.setTime(World.day + 23.5 * World.hour)
      assert.lengthOf(world.mints, runs + 1)
    }))

  it.effect("after the last try is planned anew when the clock is set back", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const clock = yield* World.settableClock
      const works = world.mint
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        yield* tokens.get("app-1")
        world.mint = refused
        yield* TestClock.setTime(World.day - 500)
        world.mint = works
        yield* clock.shift(-10 * World.hour)
        const runs = world.mints.length
        yield* TestClock.adjust(9.5 * World.hour)
        assert.lengthOf(world.mints, runs + 1)
      }).pipe(Effect.provide(Layer.provideMerge(world.layer(options), clock.layer)))
    }))

  it.effect("a rejection is neither lifted nor stretched by a clock that is set back", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const clock = yield* World.settableClock
      world.mint = refused
      world.variables["FLY_API_TOKEN"] = "fo1_env"
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        yield* TestClock.adjust("3 hours")
        const dead = (yield* tokens.get("app-1")).token
        yield* Effect.exit(tokens.refresh("app-1", { rejected: dead }))
        yield* clock.shift(-1)
        assert.isTrue(Exit.isFailure(yield* Effect.exit(tokens.get("app-1"))))
        yield* clock.shift(-World.hour)
        assert.isTrue(Exit.isFailure(yield* Effect.exit(tokens.get("app-1"))))
        yield* TestClock.adjust("5 minutes")
        assert.isTrue(Exit.isSuccess(yield* Effect.exit(tokens.get("app-1"))))
      }).pipe(Effect.provide(Layer.provideMerge(world.layer(options), clock.layer)))
    }))

  it.effect("eviction of an idle app is not put off by a clock that is set back, and peek knows no older token then", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const clock = yield* World.settableClock
      world.variables["FLY_API_TOKEN"] = "fo1_env"
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const seen = yield* eventsSeen
        yield* TestClock.adjust("10 hours")
        yield* tokens.get("app-1")
        yield* clock.shift(-9 * World.hour)
        yield* TestClock.adjust("1 hour")
        assert.include(seen, "Evicted")
        yield* tokens.get("app-2")
        yield* TestClock.adjust("12 minutes")
        yield* clock.shift(-World.hour)
        assert.isTrue(Option.isNone(tokens.peek("app-2")))
      }).pipe(
        Effect.provide(Layer.provideMerge(world.layer({ ...options, idleTimeToLive: "10 minutes" }), clock.layer))
      )
    }))
})

describe("the store", () => {
  for (
    const [name, gate] of [
      ["is slow", Effect.sleep("1 second")],
      ["is full", Effect.fail(new StorageError({ operation: "put", kind: "Unavailable", why: "full" }))]
    ] as const
  ) {
    it.effect(`that ${name} does not bring back the token that a refresh passed over`, () =>
      World.scenario(options, function*({ tokens, world }) {
        const old = World.tokenOf({ now: 0, life: World.day })
        yield* world.store.put("app-1", "cached", recordOf(old))
        world.storeGate = (operation) => operation === "put" ? gate : Effect.void
        const second = yield* tokens.refresh("app-1")
        const third = yield* tokens.refresh("app-1", { rejected: second.token })
        assert.notStrictEqual(third.token.value, old.value)
        yield* TestClock.adjust("10 seconds")
      }))
  }

  it.effect("that ends an abandoned write late does not undo a write that came after", () =>
    World.scenario(options, function*({ tokens, world }) {
      let finish = () => {}
      let puts = 0
      world.storeGate = (operation) => {
        if (operation !== "put") return Effect.void
        puts++
        if (puts > 2) return Effect.void
        if (puts === 2) return Effect.sleep("3 seconds")
        return Effect.uninterruptible(Effect.callback<void>((resume) => {
          finish = () => resume(Effect.void)
        }))
      }
      const set = (text: string) =>
        Effect.forkChild(Effect.exit(tokens.setManual("app-1", FlyToken.make(text))), { startImmediately: true })
      yield* set("fo1_abandoned")
      yield* TestClock.adjust("10 seconds")
      yield* set("fo1_under-way")
      yield* TestClock.adjust("1 second")
      const last = yield* set("fo1_last")
      finish()
      yield* TestClock.adjust("10 seconds")
      assert.isTrue(Exit.isSuccess(yield* Fiber.join(last)))
      const stored = Option.getOrThrow(yield* world.store.get("app-1", "manual"))
      assert.strictEqual(FlyToken.make(stored.token).value, "fo1_last")
    }))

  it.effect("that never ends a write leaves no caller without an answer", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.storeGate = (operation) => operation === "put" ? Effect.uninterruptible(Effect.never) : Effect.void
      const ended: Array<boolean> = []
      yield* Effect.forkDetach(
        Effect.gen(function*() {
          const tokens = yield* FlyTokens
          const callers = yield* Effect.forEach(["fo1_x", "fo1_y", "fo1_z"], (text) =>
            Effect.forkDetach(Effect.exit(tokens.setManual("app-1", FlyToken.make(text))), { startImmediately: true }))
          yield* Effect.sleep("1 minute")
          ended.push(...callers.map((fiber) =>
            fiber.pollUnsafe() !== undefined
          ))
        }).pipe(Effect.provide(world.layer(options))),
        { startImmediately: true }
      )
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(ended, [true, true, true])
    }))
})

describe("events", () => {
  it.effect("a refresh of a rejected token that fails is told", () =>
    World.scenario(options, function*({ tokens, world }) {
      const seen = yield* eventsSeen
      const dead = (yield* tokens.get("app-1")).token
      world.mint = refused
      yield* Effect.exit(tokens.refresh("app-1", { rejected: dead }))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(seen, ["Acquired", "Rejected", "RefreshFailed"])
    }))
})
