import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import { FlyToken, FlyTokens, MissReason, StorageError } from "../../src/index.ts"
import * as World from "../support/World.ts"

const stored = (world: World.World, app: string, key: "cached" | "manual" | "org" = "cached") =>
  Effect.map(
    world.store.get(app, key),
    (record) => Option.isSome(record) ? FlyToken.make(record.value.token).value : undefined
  )

describe("refresh", () => {
  it.effect("gives another token than before, in memory and in the store", () =>
    World.scenario({}, function*({ tokens, world }) {
      const first = yield* tokens.get("my-app")
      const second = yield* tokens.refresh("my-app")
      assert.notStrictEqual(second.token.value, first.token.value)
      assert.strictEqual((yield* tokens.get("my-app")).token, second.token)
      assert.strictEqual(yield* stored(world, "my-app"), second.token.value)
      assert.strictEqual(yield* stored(world, "acme", "org"), second.token.value)
      assert.strictEqual(world.mints.length, 2)
    }))

  it.effect("in a process that never resolved the app does not take the stored token, nor the organization's", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const first = yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(Effect.provide(world.layer()))
      const second = yield* FlyTokens.use((tokens) => tokens.refresh("my-app")).pipe(Effect.provide(world.layer()))
      assert.notStrictEqual(second.token.value, first.token.value)
      assert.strictEqual(world.mints.length, 2)
    }))

  it.effect("50 at once are one mint", () =>
    World.scenario({}, function*({ tokens, world }) {
      world.mintTakes = 1_000
      const all = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 50 }), () => tokens.refresh("my-app"), { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("5 seconds")
      const resolved = yield* Fiber.join(all)
      assert.isTrue(resolved.every(({ token }) => token === resolved[0]!.token))
      assert.strictEqual(world.mints.length, 1)
    }))

  it.effect("once begun, no caller gets the old token, gets included", () =>
    World.scenario({}, function*({ tokens, world }) {
      const first = yield* tokens.get("my-app")
      world.mintTakes = 1_000
      const refreshing = yield* Effect.forkChild(tokens.refresh("my-app"), { startImmediately: true })
      assert.isTrue(Option.isNone(tokens.peek("my-app")))
      const getting = yield* Effect.forkChild(tokens.get("my-app"), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      const second = yield* Fiber.join(refreshing)
      assert.strictEqual((yield* Fiber.join(getting)).token, second.token)
      assert.notStrictEqual(second.token, first.token)
      assert.strictEqual(world.mints.length, 2)
    }))

  it.effect("that fails puts the old token back and fails itself; a get that joined it gets the old token", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const first = yield* tokens.get("my-app")
        world.mint = () => Effect.andThen(Effect.sleep("1 second"), Effect.fail(new MissReason.MintRefused()))
        const refreshing = yield* Effect.forkChild(Effect.exit(tokens.refresh("my-app")), { startImmediately: true })
        const getting = yield* Effect.forkChild(tokens.get("my-app"), { startImmediately: true })
        yield* TestClock.adjust("1 second")
        assert.isTrue(Exit.isFailure(yield* Fiber.join(refreshing)))
        assert.strictEqual((yield* Fiber.join(getting)).token, first.token)
        assert.strictEqual((yield* tokens.get("my-app")).token, first.token)
        assert.strictEqual(yield* stored(world, "my-app"), first.token.value)
      }).pipe(Effect.provide(world.layer()))
      // The next process has it too.
      const next = yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(Effect.provide(world.layer()))
      assert.strictEqual(next.source, "storage")
    }))

  it.effect("may get the same token again from env or config", () =>
    World.scenario({}, function*({ tokens, world }) {
      world.config = Effect.succeed(World.tokenOf({ now: 0, life: World.hour }))
      const first = yield* tokens.get("my-app")
      assert.strictEqual((yield* tokens.refresh("my-app")).token, first.token)
    }))

  it.effect("deletes the stored token when the new one is not stored", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        yield* tokens.get("my-app")
        world.config = Effect.succeed(World.tokenOf({ now: 0, life: World.hour }))
        assert.strictEqual((yield* tokens.refresh("my-app")).source, "config")
      }).pipe(Effect.provide(world.layer()))
      assert.isUndefined(yield* stored(world, "my-app"))
    }))

  it.effect("while a resolve is under way: that one's older token is not kept, and its callers are not given it", () =>
    World.scenario({}, function*({ tokens, world }) {
      const old = World.tokenOf({ now: 0, life: World.hour })
      yield* world.store.put("my-app", "cached", { token: old.redacted, expiresAt: null, source: "cli", savedAt: 0 })
      const slow = yield* Deferred.make<void>()
      let reads = 0
      world.storeGate = (operation, _, key) =>
        operation === "get" && key === "cached" && reads++ === 0 ? Deferred.await(slow) : Effect.void
      const getting = yield* Effect.forkChild(tokens.get("my-app"), { startImmediately: true })
      const refreshing = yield* Effect.forkChild(tokens.refresh("my-app"), { startImmediately: true })
      yield* Deferred.succeed(slow, undefined)
      const fresh = yield* Fiber.join(refreshing)
      assert.notStrictEqual(fresh.token.value, old.value)
      assert.strictEqual((yield* tokens.get("my-app")).token, fresh.token)
      assert.strictEqual((yield* Fiber.join(getting)).token, fresh.token)
      assert.strictEqual(yield* stored(world, "my-app"), fresh.token.value)
    }))
})

describe("a rejected token", () => {
  it.effect("is replaced by one mint, for 100 callers at once and one after another; nobody sees it again", () =>
    World.scenario({ org: (app) => app }, function*({ tokens, world }) {
      const dead = (yield* tokens.get("app-1")).token
      const other = yield* tokens.get("app-2")
      world.mintTakes = 1_000
      const report = Effect.suspend(() => tokens.refresh("app-1", { rejected: dead }))
      const atOnce = yield* Effect.forkChild(
        Effect.all(Array.from({ length: 100 }, () => report), { concurrency: 100 })
      )
      // One every 10 ms: all but the first arrive while the mint runs, or after it.
      const staggered = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 200 }).keys(), (n) => Effect.delay(report, n * 10), { concurrency: 200 })
      )
      yield* TestClock.adjust("5 seconds")
      const answers = [...yield* Fiber.join(atOnce), ...yield* Fiber.join(staggered), yield* report]
      assert.lengthOf(answers, 301)
      assert.isTrue(answers.every(({ token }) => token === answers[0]!.token))
      assert.notStrictEqual(answers[0]!.token.value, dead.value)
      assert.deepStrictEqual(world.mints.map(({ org }) => org), ["app-1", "app-2", "app-1"])
      assert.strictEqual((yield* tokens.get("app-2")).token, other.token)
    }))

  it.effect("is a miss in every source that yields it, and a different one there is used before a mint", () =>
    World.scenario({}, function*({ tokens, world }) {
      const dead = World.tokenOf({ now: 0, life: World.hour })
      world.variables["FLY_API_TOKEN"] = dead.value
      world.config = Effect.succeed(dead)
      yield* world.store.put("my-app", "cached", { token: dead.redacted, expiresAt: null, source: "cli", savedAt: 0 })
      yield* world.store.put("my-app", "manual", {
        token: dead.redacted,
        expiresAt: null,
        source: "manual",
        savedAt: 0
      })
      world.mint = () => Effect.succeed(dead)
      assert.strictEqual((yield* tokens.get("my-app")).source, "env")
      const error = yield* Effect.flip(tokens.refresh("my-app", { rejected: dead }))
      assert.deepStrictEqual(
        error._tag === "NoTokenAvailable" &&
          error.attempts.map(({ reason }) => reason._tag).filter((tag) => tag !== "NotFound"),
        ["Rejected", "Rejected", "Rejected", "Rejected"]
      )
      const other = World.tokenOf({ now: 0, life: World.hour })
      world.config = Effect.succeed(other)
      const mints = world.mints.length
      assert.strictEqual((yield* tokens.refresh("my-app", { rejected: dead })).token, other)
      assert.strictEqual(world.mints.length, mints)
    }))

  it.effect("still in a store that does not delete it is said to be rejected, not to be replaced", () =>
    World.scenario({}, function*({ tokens, world }) {
      const { token } = yield* tokens.get("my-app")
      yield* TestClock.adjust("1 second")
      world.storeGate = (operation) =>
        operation === "delete"
          ? Effect.fail(new StorageError({ operation, kind: "Unavailable", why: "locked" }))
          : Effect.void
      world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
      const error = yield* Effect.flip(tokens.refresh("my-app", { rejected: token }))
      if (error._tag !== "NoTokenAvailable") return assert.fail(error._tag)
      const reason = error.attempts.find(({ source }) => source === "storage")?.reason
      assert.strictEqual(reason?._tag, "Rejected")
    }))

  it.effect("shared by the apps of an organization is dropped for all of them; they get one new mint", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const dead = (yield* tokens.get("app-1")).token
        yield* tokens.get("app-2")
        yield* tokens.get("app-3")
        assert.strictEqual(world.mints.length, 1)
        const fresh = yield* tokens.refresh("app-1", { rejected: dead })
        assert.strictEqual((yield* tokens.get("app-2")).token.value, fresh.token.value)
        assert.strictEqual((yield* tokens.refresh("app-3", { rejected: dead })).token.value, fresh.token.value)
        assert.strictEqual(world.mints.length, 2)
      }).pipe(Effect.provide(world.layer()))
      const next = yield* FlyTokens.use((tokens) => tokens.get("app-2")).pipe(Effect.provide(world.layer()))
      assert.strictEqual(world.mints.length, 2)
      assert.strictEqual(next.source, "storage")
    }))

  it.effect("is compared: reporting another than the current one answers the current one", () =>
    World.scenario({}, function*({ tokens, world }) {
      const current = yield* tokens.get("my-app")
      const other = FlyToken.make("fo1_other")
      assert.strictEqual((yield* tokens.refresh("my-app", { rejected: other })).token, current.token)
      assert.deepStrictEqual(yield* tokens.invalidate("my-app", { rejected: other.redacted }), Option.some(current))
      assert.strictEqual(world.mints.length, 1)
      // The text of the header that was sent is understood as well.
      const fresh = yield* tokens.refresh("my-app", {
        rejected: FlyToken.make(current.authorization("machines")).redacted
      })
      assert.notStrictEqual(fresh.token, current.token)
    }))

  it.effect("may be handed out again after rejectionTtl", () =>
    World.scenario({}, function*({ tokens, world }) {
      const token = World.tokenOf({ now: 0, life: World.hour })
      world.config = Effect.succeed(token)
      world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
      yield* tokens.get("my-app")
      yield* Effect.flip(tokens.refresh("my-app", { rejected: token }))
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual((yield* tokens.get("my-app")).token, token)
    }))
})

describe("invalidate", () => {
  it.effect("drops the token in memory, in the store and for the organization; never the manual one; starts nothing", () =>
    World.scenario({}, function*({ tokens, world }) {
      yield* tokens.setManual("my-app", FlyToken.make("fo1_manual"))
      const first = yield* tokens.get("my-app")
      assert.strictEqual(first.source, "cli")
      assert.isTrue(Option.isNone(yield* tokens.invalidate("my-app")))
      assert.isTrue(Option.isNone(tokens.peek("my-app")))
      assert.isUndefined(yield* stored(world, "my-app"))
      assert.isUndefined(yield* stored(world, "acme", "org"))
      assert.strictEqual(yield* stored(world, "my-app", "manual"), "fo1_manual")
      assert.strictEqual(world.mints.length, 1)
      assert.notStrictEqual((yield* tokens.get("my-app")).token.value, first.token.value)
    }))

  it.effect("works for an app that this process never resolved", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(Effect.provide(world.layer()))
      yield* Effect.gen(function*() {
        yield* (yield* FlyTokens).invalidate("my-app")
        assert.strictEqual(world.mints.length, 1)
        assert.isUndefined(yield* stored(world, "my-app"))
        assert.isUndefined(yield* stored(world, "acme", "org"))
        yield* (yield* FlyTokens).get("my-app")
        assert.strictEqual(world.mints.length, 2)
      }).pipe(Effect.provide(world.layer()))
    }))

  it.effect("clears memory also when the store fails, says so, and does not believe the store's copy afterwards", () =>
    World.scenario({}, function*({ tokens, world }) {
      const first = yield* tokens.get("my-app")
      world.storeGate = (operation) =>
        operation === "delete"
          ? Effect.fail(new StorageError({ operation, kind: "Unavailable", why: "broken on purpose" }))
          : Effect.void
      const error = yield* Effect.flip(tokens.invalidate("my-app"))
      assert.strictEqual(error._tag, "PersistFailed")
      assert.strictEqual(yield* stored(world, "my-app"), first.token.value)
      assert.notStrictEqual((yield* tokens.get("my-app")).token.value, first.token.value)
    }))

  it.effect("rule 9: a run that began before cannot bring its older token back", () =>
    World.scenario({}, function*({ tokens, world }) {
      const old = World.tokenOf({ now: 0, life: World.hour })
      const slow = yield* Deferred.make<void>()
      world.config = Effect.as(Deferred.await(slow), old)
      const getting = yield* Effect.forkChild(tokens.get("my-app"), { startImmediately: true })
      yield* tokens.invalidate("my-app")
      yield* Deferred.succeed(slow, undefined)
      // It may answer those who asked before …
      assert.strictEqual((yield* Fiber.join(getting)).token, old)
      // … and changes nothing.
      assert.isTrue(Option.isNone(tokens.peek("my-app")))
      world.config = Effect.fail(new MissReason.NotFound({ what: "gone" }))
      assert.strictEqual((yield* tokens.get("my-app")).source, "cli")
    }))

  it.effect("whose store is slow does not throw away the token that came after it", () =>
    World.scenario({}, function*({ tokens, world }) {
      world.storeGate = (operation) => operation === "delete" ? Effect.sleep("3 seconds") : Effect.void
      const first = yield* tokens.get("my-app")
      const invalidating = yield* Effect.forkChild(tokens.invalidate("my-app"), { startImmediately: true })
      const second = yield* tokens.get("my-app")
      assert.notStrictEqual(second.token.value, first.token.value)
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(invalidating)
      assert.strictEqual((yield* tokens.get("my-app")).token, second.token)
      assert.strictEqual(yield* stored(world, "my-app"), second.token.value)
      assert.strictEqual(yield* stored(world, "acme", "org"), second.token.value)
    }))

  it.effect("does not wait behind a running resolve", () =>
    World.scenario({}, function*({ tokens, world }) {
      world.mint = () => Effect.never
      const getting = yield* Effect.forkChild(tokens.get("my-app"), { startImmediately: true })
      yield* tokens.invalidate("my-app")
      yield* tokens.setManual("my-app", FlyToken.make("fo1_manual"))
      yield* tokens.removeManual("my-app")
      assert.isUndefined(getting.pollUnsafe())
      yield* Fiber.interrupt(getting)
    }))
})

describe("manual tokens", () => {
  it.effect("are durable when setManual returns, and serve when nothing else does", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
      yield* FlyTokens.use((tokens) => tokens.setManual("my-app", FlyToken.make("fo1_manual"))).pipe(
        Effect.provide(world.layer())
      )
      assert.strictEqual(yield* stored(world, "my-app", "manual"), "fo1_manual")
      const resolved = yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(Effect.provide(world.layer()))
      assert.strictEqual(resolved.source, "manual")
      assert.strictEqual(resolved.token.value, "fo1_manual")
    }))

  it.effect("keep their place: a valid token of a better source stays", () =>
    World.scenario({}, function*({ tokens }) {
      const minted = yield* tokens.get("my-app")
      yield* tokens.setManual("my-app", FlyToken.make("fo1_manual"))
      assert.strictEqual((yield* tokens.get("my-app")).token, minted.token)
    }))

  it.effect("take effect at once when a manual token is being served, and end at once when removed", () =>
    World.scenario({}, function*({ tokens, world }) {
      world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
      yield* tokens.setManual("my-app", FlyToken.make("fo1_one"))
      assert.strictEqual((yield* tokens.get("my-app")).token.value, "fo1_one")
      yield* tokens.setManual("my-app", FlyToken.make("fo1_two"))
      assert.strictEqual((yield* tokens.get("my-app")).token.value, "fo1_two")
      assert.strictEqual(world.mints.length, 1)
      yield* tokens.removeManual("my-app")
      assert.strictEqual((yield* Effect.flip(tokens.get("my-app")))._tag, "NoTokenAvailable")
      assert.isUndefined(yield* stored(world, "my-app", "manual"))
    }))

  it.effect("set while a run is under way are found by it; it cannot bring back the one before", () =>
    World.scenario({}, function*({ tokens, world }) {
      world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
      const slow = yield* Deferred.make<void>()
      let reads = 0
      world.afterGet = (_, key) => key === "manual" && reads++ === 0 ? Deferred.await(slow) : Effect.void
      yield* tokens.setManual("my-app", FlyToken.make("fo1_old"))
      const getting = yield* Effect.forkChild(tokens.get("my-app"), { startImmediately: true })
      yield* Effect.yieldNow
      yield* tokens.setManual("my-app", FlyToken.make("fo1_new"))
      yield* Deferred.succeed(slow, undefined)
      assert.strictEqual((yield* Fiber.join(getting)).token.value, "fo1_new")
      assert.strictEqual((yield* tokens.get("my-app")).token.value, "fo1_new")
    }))

  it.effect("that cannot work are refused with the reason, and nothing is stored", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      yield* TestClock.setTime(10 * World.hour)
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const bad = [
          [FlyToken.make(""), "Malformed"],
          [FlyToken.make("a b"), "Malformed"],
          [FlyToken.make("tok\r\nX-Evil: 1"), "Malformed"],
          [World.tokenOf({ now: 0, life: World.hour }), "Expired"],
          [World.tokenOf({ now: 10 * World.hour, life: World.hour, discharged: false }), "Undischarged"]
        ] as const
        for (const [token, expected] of bad) {
          const error = yield* Effect.flip(tokens.setManual("my-app", token))
          assert.strictEqual(error._tag === "UnusableToken" && error.reason._tag, expected)
        }
        assert.isUndefined(yield* stored(world, "my-app", "manual"))
      }).pipe(Effect.provide(world.layer()))
    }))

  it.effect("that the store does not take fail with PersistFailed: failing, dying and hanging stores", () =>
    World.scenario({}, function*({ tokens, world }) {
      const set = Effect.flip(tokens.setManual("my-app", FlyToken.make("fo1_manual")))
      const failures = [
        [
          Effect.fail(new StorageError({ operation: "put", kind: "Unavailable", why: "broken on purpose" })),
          "StorageFailed"
        ],
        [Effect.die(new Error("broken with fo1_secret")), "Defect"],
        [Effect.never, "TimedOut"]
      ] as const
      for (const [failure, expected] of failures) {
        world.storeGate = (operation) => operation === "put" ? failure : Effect.void
        const fiber = yield* Effect.forkChild(set, { startImmediately: true })
        yield* TestClock.adjust("5 seconds")
        const error = yield* Fiber.join(fiber)
        assert.strictEqual(error._tag === "PersistFailed" && error.reason._tag, expected)
        assert.notInclude(error.message, "fo1_")
      }
      // Nothing of it lands later.
      world.storeGate = () => Effect.void
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(yield* stored(world, "my-app", "manual"))
    }))
})

describe("callers that wait for one run", () => {
  it.effect("do not get a token that another of them has reported before they go on", () =>
    World.scenario({}, function*({ tokens, world }) {
      world.mintTakes = 1_000
      const begin = <A, E>(effect: Effect.Effect<A, E>) => Effect.forkChild(effect, { startImmediately: true })
      const report = Effect.flatMap(tokens.get("my-app"), ({ token }) =>
        Effect.as(
          Effect.forkDetach(tokens.refresh("my-app", { rejected: token }), { startImmediately: true }),
          token
        ))
      // One holds the resolver, the others wait the short way.
      const first = yield* begin(report)
      const others = [yield* begin(tokens.get("my-app")), yield* begin(tokens.get("my-app"))]
      yield* TestClock.adjust("3 seconds")
      const refused = yield* Fiber.join(first)
      for (const other of others) assert.notStrictEqual((yield* Fiber.join(other)).token.value, refused.value)
      assert.lengthOf(world.mints, 2)
    }))

  it.effect("runs of an app take turns, however many were overtaken", () =>
    World.scenario({ chain: ["config", "manual"] }, function*({ tokens, world }) {
      let asking = 0
      let mostAsking = 0
      world.config = Effect.acquireUseRelease(
        Effect.sync(() => {
          mostAsking = Math.max(mostAsking, ++asking)
        }),
        () => Effect.andThen(Effect.sleep("1 second"), Effect.fail(new MissReason.NotFound({ what: "none" }))),
        () => Effect.sync(() => asking--)
      )
      const begin = (effect: Effect.Effect<unknown, unknown>) => Effect.forkDetach(effect, { startImmediately: true })
      yield* begin(tokens.get("my-app"))
      yield* begin(tokens.refresh("my-app"))
      yield* TestClock.adjust("1100 millis")
      // The first has ended, the second is under way: a third waits for it.
      yield* tokens.invalidate("my-app")
      yield* begin(tokens.get("my-app"))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(mostAsking, 1)
      assert.isAtLeast(world.configReads, 3)
    }))
})
