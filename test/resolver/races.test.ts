/**
 * Interleavings that went wrong once: each test is the shortest sequence that showed it.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import { FlyToken, FlyTokens, MissReason, StorageError } from "../../src/index.ts"
import * as World from "../support/World.ts"

const recordOf = (token: FlyToken) => ({ token: token.redacted, expiresAt: null, source: "cli" as const, savedAt: 0 })

const stored = (world: World.World, name: string, key: "cached" | "manual" | "org" = "cached") =>
  Effect.map(
    world.store.get(name, key),
    (record) => Option.isSome(record) ? FlyToken.make(record.value.token).value : undefined
  )

const aToken = () => World.tokenOf({ now: 0, life: World.day })

describe("invalidate and refresh against runs that are under way", () => {
  it.effect("reports of a rejected token while the command hangs share one run", () =>
    World.scenario({ org: "o" }, function*({ tokens, world }) {
      const dead = (yield* tokens.get("my-app")).token
      world.mint = () => Effect.never
      const ends: Array<number> = []
      for (let i = 0; i < 20; i++) {
        yield* Effect.forkChild(
          tokens.invalidate("my-app", { rejected: dead }).pipe(
            Effect.andThen(Effect.exit(tokens.get("my-app"))),
            Effect.andThen(Clock.currentTimeMillis),
            Effect.tap((at) => Effect.sync(() => ends.push(at)))
          ),
          { startImmediately: true }
        )
        yield* TestClock.adjust("500 millis")
      }
      yield* TestClock.adjust("60 seconds")
      yield* TestClock.adjust("20 minutes")
      assert.isAtMost(Math.max(...ends), 45_000)
    }))

  it.effect("abandoned gets and invalidates do not line up runs", () =>
    World.scenario({ org: "o" }, function*({ tokens, world }) {
      world.mint = () => Effect.never
      for (let i = 0; i < 10; i++) {
        const f = yield* Effect.forkChild(Effect.exit(tokens.get("my-app")), { startImmediately: true })
        yield* Effect.yieldNow
        yield* Fiber.interrupt(f)
        yield* tokens.invalidate("my-app")
      }
      const last = yield* Effect.forkChild(Effect.exit(tokens.get("my-app")), { startImmediately: true })
      yield* TestClock.adjust("60 seconds")
      assert.isTrue(last.pollUnsafe() !== undefined)
    }))

  it.effect("an invalidate of an app that is not in memory wins over a get that began meanwhile", () =>
    World.scenario({ org: "o" }, function*({ tokens, world }) {
      const old = aToken()
      yield* world.store.put("my-app", "cached", recordOf(old))
      world.afterGet = (_, key) => key === "cached" ? Effect.sleep(100) : Effect.void
      const inv = yield* Effect.forkChild(tokens.invalidate("my-app"), { startImmediately: true })
      const got = yield* Effect.forkChild(tokens.get("my-app"), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isNone(yield* Fiber.join(inv)))
      yield* Fiber.join(got)
      world.afterGet = () => Effect.void
      assert.notStrictEqual((yield* tokens.get("my-app")).token.value, old.value)
    }))

  it.effect("a reading of the store that began before an invalidate does not bring the token back for the organization", () =>
    World.scenario({ org: "o" }, function*({ tokens, world }) {
      const old = aToken()
      yield* world.store.put("app-2", "cached", recordOf(old))
      yield* world.store.put("o", "org", recordOf(old))
      world.afterGet = (_, key) => key === "org" ? Effect.sleep("1 second") : Effect.void
      assert.strictEqual((yield* tokens.get("app-2")).token.value, old.value)
      const g = yield* Effect.forkChild(tokens.get("app-1"), { startImmediately: true })
      world.afterGet = () => Effect.void
      yield* tokens.invalidate("app-2")
      assert.isUndefined(yield* stored(world, "o", "org"))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(g)
      assert.notStrictEqual((yield* tokens.get("app-2")).token.value, old.value)
    }))

  it.effect("an invalidate that could not delete the organization's record says so, and the token does not come back", () =>
    World.scenario({ org: "o" }, function*({ tokens, world }) {
      const first = (yield* tokens.get("my-app")).token
      world.storeGate = (op, _, key) =>
        key === "org" && op === "delete"
          ? Effect.fail(new StorageError({ operation: op, kind: "Unavailable", why: "x" }))
          : Effect.void
      const exit = yield* Effect.exit(tokens.invalidate("my-app"))
      const again = yield* tokens.get("my-app")
      assert.isFalse(Exit.isSuccess(exit) && again.token.value === first.value)
    }))

  it.effect("a refresh that fails in a process that never resolved the app leaves the stored token to the gets", () =>
    World.scenario({ org: "o" }, function*({ tokens, world }) {
      yield* world.store.put("my-app", "cached", recordOf(aToken()))
      world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
      assert.isTrue(Exit.isFailure(yield* Effect.exit(tokens.refresh("my-app"))))
      assert.isTrue(Exit.isSuccess(yield* Effect.exit(tokens.get("my-app"))))
    }))

  it.effect("a refresh that another source answers deletes the organization's stored token too", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        yield* tokens.get("app-1")
        world.config = Effect.succeed(FlyToken.make("fo1_config"))
        assert.strictEqual((yield* tokens.refresh("app-1")).token.value, "fo1_config")
      }).pipe(Effect.provide(world.layer({ org: "o" })))
      assert.isUndefined(yield* stored(world, "o", "org"))
    }))

  it.effect("two refreshes while the store takes no writes: neither dropped token comes back", () =>
    World.scenario({ org: "o" }, function*({ tokens, world }) {
      const first = (yield* tokens.get("my-app")).token
      world.storeGate = (op) =>
        op === "put" || op === "delete"
          ? Effect.fail(new StorageError({ operation: op, kind: "Unavailable", why: "full" }))
          : Effect.void
      yield* tokens.refresh("my-app")
      const third = yield* tokens.refresh("my-app")
      const fourth = yield* tokens.refresh("my-app", { rejected: third.token })
      assert.notStrictEqual(fourth.token.value, first.value)
    }))

  it.effect("a rejected token that another app reported first is deleted for this app too", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const config = FlyToken.make("fo1_config")
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const dead = (yield* tokens.get("app-1")).token
        yield* tokens.get("app-2")
        world.config = Effect.succeed(config)
        yield* tokens.refresh("app-2", { rejected: dead })
        assert.strictEqual((yield* tokens.refresh("app-1", { rejected: dead })).token.value, "fo1_config")
      }).pipe(Effect.provide(world.layer({ org: "o" })))
      const next = yield* FlyTokens.use((t) => t.get("app-1")).pipe(Effect.provide(world.layer({ org: "o" })))
      assert.strictEqual(next.token.value, "fo1_config")
    }))

  it.effect("rejectionTtl 0: a refresh does not hand out the token that it was told of", () =>
    World.scenario({ org: "o", rejectionTtl: 0 }, function*({ tokens, world }) {
      const dead = (yield* tokens.get("my-app")).token
      world.storeGate = (op) => op === "delete" ? Effect.sleep("100 millis") : Effect.void
      const r = yield* Effect.forkChild(tokens.refresh("my-app", { rejected: dead }), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      assert.notStrictEqual((yield* Fiber.join(r)).token.value, dead.value)
    }))
})

describe("runs of one app", () => {
  it.effect("follow each other: one that overtakes another waits for its end", () =>
    World.scenario({ org: "o" }, function*({ tokens, world }) {
      world.mintTakes = 10_000
      const first = yield* Effect.forkChild(tokens.get("app-1"), { startImmediately: true })
      yield* tokens.invalidate("app-1")
      const second = yield* Effect.forkChild(tokens.get("app-1"), { startImmediately: true })
      yield* TestClock.adjust("9 seconds")
      // As a source, and for who it is that mints.
      assert.strictEqual(world.configReads, 2)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(world.configReads, 3)
      yield* Fiber.join(first)
      yield* Fiber.join(second)
      assert.lengthOf(world.mints, 1)
    }))
})

describe("manual tokens against runs that are under way", () => {
  it.effect("a manual token that is known serves also when the store cannot be read any more, until it is removed", () =>
    World.scenario({ org: "o", softExpiryJitter: 0 }, function*({ tokens, world }) {
      world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
      yield* world.store.put("app-1", "manual", { ...recordOf(FlyToken.make("fo1_manual")), source: "manual" })
      assert.strictEqual((yield* tokens.get("app-1")).source, "manual")
      // A better source takes over for a while, and the store breaks meanwhile.
      world.config = Effect.succeed(World.tokenOf({ now: 0, life: 600_000 }))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* tokens.get("app-1")).source, "config")
      const works = world.storeGate
      world.storeGate = () => Effect.die(new Error("broken"))
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* tokens.get("app-1")).source, "manual")
      world.storeGate = works
      yield* tokens.removeManual("app-1")
      world.storeGate = () => Effect.die(new Error("broken"))
      assert.isTrue(Exit.isFailure(yield* Effect.exit(tokens.get("app-1"))))
    }))

  it.effect("a manual token that is removed while a refresh fails does not come back", () =>
    World.scenario({ org: "o" }, function*({ tokens, world }) {
      world.mint = () => Effect.andThen(Effect.sleep("1 second"), Effect.fail(new MissReason.NotLoggedIn()))
      yield* tokens.setManual("my-app", FlyToken.make("fo1_manual"))
      const f = yield* Effect.forkChild(tokens.get("my-app"), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(f)).source, "manual")
      const r = yield* Effect.forkChild(Effect.exit(tokens.refresh("my-app")), { startImmediately: true })
      yield* tokens.removeManual("my-app")
      yield* TestClock.adjust("1 second")
      assert.isTrue(Exit.isFailure(yield* Fiber.join(r)))
      assert.isTrue(Option.isNone(tokens.peek("my-app")))
    }))

  it.effect("a manual token that is replaced while a refresh fails does not come back", () =>
    World.scenario({ org: "o" }, function*({ tokens, world }) {
      world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
      yield* tokens.setManual("my-app", FlyToken.make("fo1_one"))
      yield* tokens.get("my-app")
      world.storeGate = (op, _, key) => op === "get" && key === "cached" ? Effect.never : Effect.void
      const r = yield* Effect.forkChild(Effect.exit(tokens.refresh("my-app")), { startImmediately: true })
      yield* tokens.setManual("my-app", FlyToken.make("fo1_two"))
      yield* TestClock.adjust("20 seconds")
      yield* Fiber.join(r)
      const p = tokens.peek("my-app")
      assert.isFalse(Option.isSome(p) && p.value.token.value === "fo1_one")
    }))

  it.effect("a manual token that changes twice while a run reads it is served as it is at last", () =>
    World.scenario({ org: "o" }, function*({ tokens, world }) {
      world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
      let reads = 0
      // the store has answered, the answer is on its way
      world.afterGet = (_, key) =>
        key === "manual" ? Effect.suspend(() => (reads++, Effect.sleep("1 second"))) : Effect.void
      world.storeGate = () => Effect.void
      const direct = world.afterGet
      yield* tokens.setManual("my-app", FlyToken.make("fo1_one"))
      const g = yield* Effect.forkChild(Effect.exit(tokens.get("my-app")), { startImmediately: true })
      world.afterGet = () => Effect.void
      yield* tokens.setManual("my-app", FlyToken.make("fo1_two"))
      world.afterGet = direct
      yield* TestClock.adjust("1 second") // the re-read has begun, and reads fo1_two
      world.afterGet = () => Effect.void
      yield* tokens.removeManual("my-app")
      assert.isUndefined(yield* stored(world, "my-app", "manual"))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(g)
      assert.isTrue(
        Option.isNone(tokens.peek("my-app")),
        `peek gives ${Option.getOrUndefined(tokens.peek("my-app"))?.token.value}, reads ${reads}`
      )
    }))

  it.effect("a rejected token that is set by hand over a served one is not handed out", () =>
    World.scenario({ org: "o" }, function*({ tokens, world }) {
      world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
      const bad = FlyToken.make("fo1_bad")
      yield* tokens.setManual("my-app", bad)
      yield* tokens.get("my-app")
      yield* Effect.exit(tokens.refresh("my-app", { rejected: bad }))
      yield* tokens.setManual("my-app", FlyToken.make("fo1_good"))
      assert.strictEqual((yield* tokens.get("my-app")).token.value, "fo1_good")
      yield* Effect.exit(tokens.setManual("my-app", bad))
      const r = yield* Effect.exit(tokens.get("my-app"))
      assert.isFalse(Exit.isSuccess(r) && r.value.token.value === "fo1_bad")
    }))

  it.effect("a manual token set during a run whose store timed out before is found", () =>
    World.scenario({ org: "o" }, function*({ tokens, world }) {
      world.storeGate = (op, _, key) => op === "get" && key === "cached" ? Effect.never : Effect.void
      world.mint = () => Effect.andThen(Effect.sleep("3 seconds"), Effect.fail(new MissReason.NotLoggedIn()))
      const g = yield* Effect.forkChild(Effect.exit(tokens.get("my-app")), { startImmediately: true })
      yield* TestClock.adjust("6 seconds")
      world.storeGate = () => Effect.void
      yield* tokens.setManual("my-app", FlyToken.make("fo1_manual"))
      yield* TestClock.adjust("3 seconds")
      const first = yield* Fiber.join(g)
      const n = world.mints.length
      const second = yield* Effect.forkChild(Effect.exit(tokens.get("my-app")), { startImmediately: true })
      yield* TestClock.adjust("4 seconds")
      const s = second.pollUnsafe()
      assert.isTrue(
        Exit.isSuccess(yield* Fiber.join(second)),
        `first ${Exit.isSuccess(first)} mints ${n} → ${world.mints.length} ${s}`
      )
    }))
})

describe("writes and sources that misbehave", () => {
  it.effect("a manual token that was reported as not stored is not stored", () =>
    World.scenario({ org: "o" }, function*({ tokens, world }) {
      world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
      let puts = 0
      world.storeGate = (op) =>
        op === "put" ? (puts++ === 0 ? Effect.uninterruptible(Effect.sleep(9_900)) : Effect.sleep(1_000)) : Effect.void
      yield* Effect.forkChild(Effect.exit(tokens.setManual("my-app", FlyToken.make("fo1_a"))), {
        startImmediately: true
      })
      const b = yield* Effect.forkChild(Effect.exit(tokens.setManual("my-app", FlyToken.make("fo1_b"))), {
        startImmediately: true
      })
      yield* TestClock.adjust("20 seconds")
      const exit = yield* Fiber.join(b)
      const now = yield* world.store.get("my-app", "manual")
      const text = Option.isSome(now) ? FlyToken.make(now.value.token).value : "none"
      assert.isFalse(Exit.isFailure(exit) && text === "fo1_b")
    }))

  it.effect("a write that never ends holds up the record for a while; when it ends after all, the newest is written again", () =>
    World.scenario({ org: "o" }, function*({ tokens, world }) {
      let finish: (() => void) | undefined
      world.storeGate = (operation, _, key) =>
        operation === "put" && key === "manual" && finish === undefined
          ? Effect.uninterruptible(Effect.callback<void>((resume) => {
            finish = () => resume(Effect.void)
          }))
          : Effect.void
      const stuck = yield* Effect.forkChild(Effect.exit(tokens.setManual("my-app", FlyToken.make("fo1_old"))), {
        startImmediately: true
      })
      yield* TestClock.adjust("5 seconds")
      assert.isTrue(Exit.isFailure(yield* Fiber.join(stuck)))
      const next = yield* Effect.forkChild(tokens.setManual("my-app", FlyToken.make("fo1_new")), {
        startImmediately: true
      })
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(next)
      assert.strictEqual(yield* stored(world, "my-app", "manual"), "fo1_new")
      finish?.()
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* stored(world, "my-app", "manual"), "fo1_new")
    }))

  it.effect("a source that yields something else than a token is a miss", () =>
    World.scenario({ org: "o" }, function*({ tokens, world }) {
      world.config = Effect.succeed(undefined as never)
      const exit = yield* Effect.exit(tokens.get("my-app"))
      assert.isTrue(Exit.isSuccess(exit), String(exit))
    }))
})
