/**
 * The resolver under a lease: processes are builds of the layer that share a world's store and a lease.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import {
  FlyToken,
  type FlyTokens,
  Lease,
  LeaseError,
  MissReason,
  StorageError,
  type TokenEvent
} from "../../src/index.ts"
import { leases, process, sixteenGet } from "../support/processes.ts"
import * as World from "../support/World.ts"

const eventsOf = (tokens: FlyTokens["Service"]) =>
  Effect.gen(function*() {
    const seen: Array<TokenEvent> = []
    yield* Effect.forkChild(Stream.runForEach(tokens.events, (event) => Effect.sync(() => void seen.push(event))))
    yield* Effect.yieldNow
    return seen
  })

/** Closing waits for what does not end, 5 seconds at most. */
const closed = (scope: Scope.Closeable) =>
  Effect.gen(function*() {
    const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
    yield* TestClock.adjust("6 seconds")
    yield* Fiber.join(closing)
  })

const logged = () => {
  const lines: Array<string> = []
  return { lines, layer: Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))]) }
}

describe("one mint among many processes", () => {
  it.effect("16 processes, 2 apps each, cold: one mint; the others take what it stored", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.mintTakes = 2_000
      const all = yield* sixteenGet(world, ["app-1", "app-2"])
      yield* TestClock.adjust("5 seconds")
      const resolved = yield* Fiber.join(all)
      assert.strictEqual(world.mints.length, 1)
      assert.strictEqual(new Set(resolved.map(({ token }) => token.value)).size, 1)
      assert.deepStrictEqual(
        [...new Set(resolved.map(({ source }) => source))].sort(),
        ["cli", "storage"]
      )
    }))

  it.effect("what was minted carries the fence of its lease, for the organization and for the app", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      yield* TestClock.adjust("1 minute")
      const tokens = yield* process(world, yield* leases)
      yield* tokens.get("my-app")
      yield* TestClock.adjust("1 second")
      const org = Option.getOrThrow(yield* world.store.get("acme", "org"))
      const cached = Option.getOrThrow(yield* world.store.get("my-app", "cached"))
      assert.deepStrictEqual([org.fence, cached.fence], [60_000, 60_000])
    }))

  it.effect("a get is answered when the token is minted, and the lease given back when it is stored", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const lease = yield* leases
      const [one, two] = [yield* process(world, lease), yield* process(world, lease)]
      world.storeGate = (operation, _, key) => operation === "put" && key === "org" ? Effect.sleep(3_000) : Effect.void
      const first = yield* one.get("app-1")
      assert.strictEqual(first.source, "cli")
      const second = yield* Effect.forkChild(two.get("app-2"))
      yield* TestClock.adjust("2 seconds")
      assert.isUndefined(second.pollUnsafe())
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Fiber.join(second)).token.value, first.token.value)
      assert.strictEqual(world.mints.length, 1)
    }))

  it.effect("a store that takes no token gives the lease back all the same", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const lease = yield* leases
      const [one, two] = [yield* process(world, lease), yield* process(world, lease)]
      world.storeGate = (operation) =>
        operation === "put"
          ? Effect.fail(new StorageError({ operation, kind: "Unavailable", why: "the disk is full" }))
          : Effect.void
      yield* one.get("app-1")
      const second = yield* Effect.forkChild(two.get("app-2"))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Fiber.join(second)).source, "cli")
      assert.strictEqual(world.mints.length, 2)
    }).pipe(Effect.provide(Logger.layer([]))))

  it.effect("a mint that fails gives the lease back, and each process has its own reason", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const lease = yield* leases
      const [one, two] = [yield* process(world, lease), yield* process(world, lease)]
      world.mint = () => Effect.andThen(Effect.sleep(1_000), Effect.fail(new MissReason.NotLoggedIn({})))
      const both = yield* Effect.forkChild(
        Effect.all([Effect.flip(one.get("app-1")), Effect.flip(two.get("app-2"))], { concurrency: 2 })
      )
      yield* TestClock.adjust("5 seconds")
      for (const error of yield* Fiber.join(both)) {
        assert.strictEqual(error._tag, "NoTokenAvailable")
        if (error._tag === "NoTokenAvailable") {
          assert.strictEqual(error.attempts.find(({ source }) => source === "cli")?.reason._tag, "NotLoggedIn")
        }
      }
      assert.strictEqual(world.mints.length, 2)
    }))

  it.effect.each(["flyctl fails", "the store takes nothing"])(
    "processes that wait in vain go on together: %s",
    (what) =>
      Effect.gen(function*() {
        const world = yield* World.make
        const lease = yield* leases
        world.mintTakes = 3_000
        if (what === "flyctl fails") {
          world.mint = () =>
            Effect.andThen(Effect.sleep(3_000), Effect.fail(new MissReason.HttpFailed({ status: 500 })))
        } else {
          world.storeGate = (operation) =>
            operation === "put"
              ? Effect.fail(new StorageError({ operation, kind: "Unavailable", why: "the disk is full" }))
              : Effect.void
        }
        const processes = yield* Effect.all(Array.from({ length: 16 }, () => process(world, lease)))
        const all = yield* Effect.forkChild(
          Effect.forEach(processes, (tokens) => Effect.exit(tokens.get("my-app")), { concurrency: "unbounded" })
        )
        // One mint, a look at the lease, and the mints of all others at once: not sixteen one after another.
        yield* TestClock.adjust("8 seconds")
        assert.isDefined(all.pollUnsafe())
        assert.strictEqual(world.mints.length, 16)
      }).pipe(Effect.provide(Logger.layer([])))
  )

  it.effect("processes that refresh the same rejected token mint once", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const lease = yield* leases
      const processes = yield* Effect.all(Array.from({ length: 8 }, () => process(world, lease)))
      world.mintTakes = 500
      const first = yield* Effect.forkChild(
        Effect.forEach(processes, (tokens) => tokens.get("my-app"), { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("3 seconds")
      const [{ token: rejected } = { token: undefined }] = yield* Fiber.join(first)
      const again = yield* Effect.forkChild(
        Effect.forEach(processes, (tokens) => tokens.refresh("my-app", { rejected }), { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("5 seconds")
      const resolved = yield* Fiber.join(again)
      assert.strictEqual(world.mints.length, 2)
      assert.strictEqual(new Set(resolved.map(({ token }) => token.value)).size, 1)
      assert.notStrictEqual(resolved[0]!.token.value, rejected!.value)
    }))

  it.effect("a fleet refreshes ahead with one mint", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const lease = yield* leases
      world.mintTakes = 500
      const processes = yield* Effect.all(Array.from({ length: 8 }, () => process(world, lease)))
      const all = yield* Effect.forkChild(
        Effect.forEach(processes, (tokens) => tokens.get("my-app"), { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(all)
      yield* TestClock.adjust("1410 minutes")
      assert.strictEqual(world.mints.length, 2)
      const after = yield* Effect.forEach(processes, (tokens) => tokens.get("my-app"))
      assert.strictEqual(new Set(after.map(({ token }) => token.value)).size, 1)
    }))

  it.effect("of two apps that wait together, one that needs a longer life than what another process stored mints", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const lease = yield* leases
      const long = World.tokenOf({ now: 0, life: World.day })
      yield* world.store.put("app-3", "cached", {
        token: long.redacted,
        expiresAt: long.expiresAt,
        source: "cli",
        savedAt: 0
      })
      const tokens = yield* process(world, lease, { leaseWait: "2 hours", softExpiryJitter: 0 })
      yield* tokens.get("app-3")
      const other = yield* Effect.forkChild(lease.withLease({ org: "acme" }, () => Effect.never))
      yield* TestClock.adjust("1370 minutes")
      const cold = yield* Effect.forkChild(tokens.get("app-2"))
      // The refresh ahead of app-3 is due after 23 hours, and joins app-2 in its wait.
      yield* TestClock.adjust("15 minutes")
      assert.isTrue((yield* tokens.status("app-3")).inFlight)
      const short = World.tokenOf({ now: 1385 * 60_000, life: 10 * 60_000 })
      yield* world.store.put("acme", "org", {
        token: short.redacted,
        expiresAt: short.expiresAt,
        source: "cli",
        savedAt: 1385 * 60_000
      })
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(cold)).token.value, short.value)
      assert.strictEqual(world.mints.length, 0)
      yield* Fiber.interrupt(other)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(world.mints.length, 1)
      const after = yield* tokens.get("app-3")
      assert.isAbove(after.expiresAt ?? 0, long.expiresAt ?? 0)
    }))
})

describe("a lease that cannot be had", () => {
  const failing = (error: LeaseError): Lease => ({ withLease: () => Effect.fail(error) })

  it.effect("because nobody answers for it: minted without, with an event and a log line, and a fence of its own", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const log = logged()
      yield* Effect.gen(function*() {
        yield* TestClock.adjust("1 minute")
        const tokens = yield* process(
          world,
          failing(new LeaseError({ scope: "org/acme", why: "Redis cannot be reached" }))
        )
        const events = yield* eventsOf(tokens)
        const { source } = yield* tokens.get("my-app")
        yield* TestClock.adjust("1 second")
        assert.strictEqual(source, "cli")
        const missing = events.filter((event) => event._tag === "LeaseUnavailable")
        assert.deepStrictEqual(missing.map(({ name }) => name), ["acme"])
        assert.lengthOf(log.lines.filter((line) => line.includes("without a lease")), 1)
        assert.strictEqual(Option.getOrThrow(yield* world.store.get("acme", "org")).fence, 60_000)
      }).pipe(Effect.provide(log.layer))
    }))

  it.effect("because asking for it throws: minted without", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const tokens = yield* process(world, {
        withLease: () => {
          throw new TypeError("of somebody's own")
        }
      })
      assert.strictEqual((yield* tokens.get("my-app")).source, "cli")
    }).pipe(Effect.provide(Logger.layer([]))))

  it.effect("because another process holds it: minted without after leaseWait, not before", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      let asked = 0
      const lease = yield* Lease.make({
        acquire: () =>
          Effect.sync(() => {
            asked++
            return { _tag: "Busy", freeIn: 30_000 }
          }),
        renew: () => Effect.succeed(false),
        release: () => Effect.void
      })
      const tokens = yield* process(world, lease)
      const events = yield* eventsOf(tokens)
      const get = yield* Effect.forkChild(tokens.get("my-app"))
      yield* TestClock.adjust("59 seconds")
      assert.isUndefined(get.pollUnsafe())
      assert.strictEqual(world.mints.length, 0)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Fiber.join(get)).source, "cli")
      const [missing] = events.filter((event) => event._tag === "LeaseUnavailable")
      assert.include(missing?.error.message, "leaseWait")
      assert.isAbove(asked, 50)

      // Nobody is left waiting, also if the mint failed and there is nothing to be found.
      world.mint = () => Effect.fail(new MissReason.NotLoggedIn({}))
      const refresh = yield* Effect.forkChild(Effect.exit(tokens.refresh("my-app")))
      yield* TestClock.adjust("61 seconds")
      assert.isTrue(Exit.isFailure(yield* Fiber.join(refresh)))
      const before = asked
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual(asked, before)
      assert.strictEqual(world.mints.length, 2)
    }).pipe(Effect.provide(Logger.layer([]))))

  it.effect("because it never answers, not even an interruption: within leaseWait", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const scope = yield* Scope.make()
      const hanging: Lease = { withLease: () => Effect.uninterruptible(Effect.never) }
      const tokens = yield* Scope.provide(process(world, hanging, { leaseWait: "10 seconds" }), scope)
      const get = yield* Effect.forkChild(tokens.get("my-app"))
      yield* TestClock.adjust("11 seconds")
      assert.strictEqual((yield* Fiber.join(get)).source, "cli")
      yield* closed(scope)
    }).pipe(Effect.provide(Logger.layer([]))))

  it.effect("because it dies: minted without, the defect's text nowhere", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const log = logged()
      yield* Effect.gen(function*() {
        const tokens = yield* process(world, { withLease: () => Effect.die(new Error("fo1_secret")) })
        const events = yield* eventsOf(tokens)
        assert.strictEqual((yield* tokens.get("my-app")).source, "cli")
        yield* TestClock.adjust("1 second")
        assert.lengthOf(events.filter((event) => event._tag === "LeaseUnavailable"), 1)
        assert.notInclude(JSON.stringify(events) + log.lines.join(), "fo1_secret")
      }).pipe(Effect.provide(log.layer))
    }))

  it.effect("is not asked for where it would help nobody: a chain without storage, tokens that are not stored", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const never = failing(new LeaseError({ scope: "org/acme", why: "not to be asked" }))
      for (const options of [{ persist: [] }, { chain: ["cli"] }] as const) {
        const tokens = yield* process(world, never, options)
        const events = yield* eventsOf(tokens)
        yield* tokens.get("my-app")
        yield* TestClock.adjust("1 second")
        assert.lengthOf(events.filter((event) => event._tag === "LeaseUnavailable"), 0)
      }
    }))

  it.effect("a store that hangs is waited for once, not again for a lease", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const scope = yield* Scope.make()
      const tokens = yield* Scope.provide(process(world, { withLease: () => Effect.never }), scope)
      world.storeGate = () => Effect.never
      const get = yield* Effect.forkChild(tokens.get("my-app"))
      yield* TestClock.adjust("6 seconds")
      assert.strictEqual((yield* Fiber.join(get)).source, "cli")
      yield* closed(scope)
    }).pipe(Effect.provide(Logger.layer([]))))
})

describe("closing the layer", () => {
  it.effect("ends a wait for the lease, and gives a held one back", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const lease = yield* leases
      world.mintTakes = 60_000
      const [holding, waiting] = [yield* Scope.make(), yield* Scope.make()]
      const one = yield* Scope.provide(process(world, lease), holding)
      const two = yield* Scope.provide(process(world, lease), waiting)
      const first = yield* Effect.forkChild(Effect.exit(one.get("app-1")))
      yield* TestClock.adjust("1 second")
      const second = yield* Effect.forkChild(Effect.exit(two.get("app-2")))
      yield* TestClock.adjust("1 second")
      yield* Scope.close(waiting, Exit.void)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(second)))
      yield* Scope.close(holding, Exit.void)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(first)))
      const free = yield* lease.withLease({ org: "acme" }, () => Effect.succeed("free"), Effect.succeedSome("taken"))
      assert.strictEqual(free, "free")
    }))

  it.effect("as soon as the token is there, in the same breath: the token is stored before the lease is given back", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const lease = yield* leases
      world.mintTakes = 100
      world.storeGate = (operation, _, key) => operation === "put" && key === "org" ? Effect.sleep(1_000) : Effect.void
      const scope = yield* Scope.make()
      const one = yield* Scope.provide(process(world, lease), scope)
      const two = yield* process(world, lease)
      const first = yield* Effect.forkChild(Effect.tap(one.get("app-1"), () => Scope.close(scope, Exit.void)))
      const second = yield* Effect.forkChild(two.get("app-2"))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* Fiber.join(second)).token.value, (yield* Fiber.join(first)).token.value)
      assert.strictEqual(world.mints.length, 1)
    }))

  it.effect("right after a mint: the token is stored before the lease is given back", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const lease = yield* leases
      world.storeGate = (operation, _, key) => operation === "put" && key === "org" ? Effect.sleep(1_000) : Effect.void
      const scope = yield* Scope.make()
      const one = yield* Scope.provide(process(world, lease), scope)
      const { token } = yield* one.get("app-1")
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      const looking = lease.withLease({ org: "acme" }, () =>
        Effect.map(world.store.get("acme", "org"), Option.map(({ token }) => Redacted.value(token))))
      const seen = yield* Effect.forkChild(looking)
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(closing)
      assert.deepStrictEqual(yield* Fiber.join(seen), Option.some(token.value))
    }))
})

describe("a token that is refused for its fence", () => {
  it.effect("is used all the same, and is neither an event nor a failure", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      yield* TestClock.adjust("1 minute")
      const newer = FlyToken.make("fo1_of-another-process")
      const tokens = yield* process(world, yield* leases)
      const events = yield* eventsOf(tokens)
      world.mint = () =>
        Effect.gen(function*() {
          for (const [name, key] of [["acme", "org"], ["my-app", "cached"]] as const) {
            yield* Effect.orDie(
              world.store.put(name, key, {
                token: newer.redacted,
                expiresAt: null,
                source: "cli",
                savedAt: 60_000,
                fence: 70_000
              })
            )
          }
          return World.tokenOf({ now: 60_000, life: World.day })
        })
      const resolved = yield* tokens.get("my-app")
      yield* TestClock.adjust("1 second")
      assert.notStrictEqual(resolved.token.value, newer.value)
      for (const [name, key] of [["acme", "org"], ["my-app", "cached"]] as const) {
        const record = Option.getOrThrow(yield* world.store.get(name, key))
        assert.strictEqual(Redacted.value(record.token), newer.value)
      }
      assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["Acquired"])
    }))
})
