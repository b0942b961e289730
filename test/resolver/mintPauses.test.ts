/**
 * No mint is repeated that left something at Fly and gave no token: neither at once, nor by the next app or process.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { FlyToken, FlyTokens, type FlyTokensOptions, MissReason } from "../../src/index.ts"
import * as mac from "../stand-in/macaroon.mjs"
import { leases, process } from "../support/processes.ts"
import * as World from "../support/World.ts"

/** A token that an organization with single sign-on gives: one third party more, which nobody has discharged. */
const withoutSignOn = (now: number) => {
  const tickets = [1, 2].map((n) => new Uint8Array(40).fill(n))
  const seconds = Math.floor(now / 1000)
  return FlyToken.make([
    mac.piece({
      caveats: [
        mac.organization(4721, mac.maskAll),
        mac.thirdParty(tickets[0]!),
        mac.thirdParty(tickets[1]!, "https://auth.fly.io")
      ]
    }),
    mac.piece({
      kid: tickets[0]!,
      location: mac.authLocation,
      proof: true,
      caveats: [mac.validityWindow(seconds, seconds + 86_400)]
    })
  ].join(","))
}

const login = (name: string) => FlyToken.make(`fo1_${name}`)

const minting = (make: (now: number) => FlyToken) => () => Effect.map(Clock.currentTimeMillis, make)

const cliReason = (tokens: FlyTokens["Service"], app: string) =>
  Effect.match(tokens.get(app), {
    onSuccess: ({ source }) => source as string,
    onFailure: (error) =>
      error._tag === "NoTokenAvailable"
        ? error.attempts.find(({ source }) => source === "cli")?.reason._tag ?? "none"
        : error._tag
  })

/** Without `config` in the chain: whether it can be read there is not what this is about. */
const options: FlyTokensOptions = { chain: ["env", "storage", "cli", "manual"], softExpiryJitter: 0 }

const useless: ReadonlyArray<readonly [string, string, (now: number) => FlyToken]> = [
  ["lacks the single sign-on", "SignOnRequired", withoutSignOn],
  [
    "lacks another discharge",
    "Undischarged",
    (now) => World.tokenOf({ now, life: World.day, discharged: false })
  ],
  ["has ended already, by this clock", "Expired", (now) => World.tokenOf({ now: now - World.day, life: World.hour })]
]

describe("a minted token that is of no use", () => {
  for (const [what, reason, token] of useless) {
    it.effect(`because it ${what}: one mint for all apps of the organization, however often they ask`, () =>
      Effect.gen(function*() {
        const world = yield* World.make
        world.config = Effect.succeed(login("one"))
        world.mint = minting(token)
        yield* Effect.gen(function*() {
          yield* TestClock.adjust("2 days")
          const tokens = yield* FlyTokens
          const apps = Array.from({ length: 1_000 }, (_, n) => `app-${n}`)
          const reasons = yield* Effect.forEach(apps, (app) => cliReason(tokens, app), { concurrency: "unbounded" })
          assert.deepStrictEqual([...new Set(reasons)], [reason])
          for (let hour = 0; hour < 23; hour++) {
            yield* TestClock.adjust("1 hour")
            assert.strictEqual(yield* cliReason(tokens, "app-0"), reason)
          }
          assert.strictEqual(world.mints.length, 1)
          // A setting at Fly may be another one the day after.
          yield* TestClock.adjust("2 hours")
          yield* cliReason(tokens, "app-0")
          assert.strictEqual(world.mints.length, 2)
        }).pipe(Effect.provide(world.layer(options)))
      }))
  }

  it.effect("is remembered by all processes that share the store, and by the next one", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.config = Effect.succeed(login("one"))
      world.mint = () => Effect.delay(minting(withoutSignOn)(), "1 second")
      const lease = yield* leases
      const processes = yield* Effect.all(Array.from({ length: 16 }, () => process(world, lease, options)))
      const all = yield* Effect.forkChild(
        Effect.forEach(processes, (tokens) => cliReason(tokens, "my-app"), { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual([...new Set(yield* Fiber.join(all))], ["SignOnRequired"])
      for (let n = 0; n < 10; n++) {
        const next = yield* process(world, lease, options)
        assert.strictEqual(yield* cliReason(next, "other-app"), "SignOnRequired")
        yield* TestClock.adjust("1 minute")
      }
      assert.strictEqual(world.mints.length, 1)

      // Somebody logs in, in this process and in others.
      world.config = Effect.succeed(login("two"))
      world.mint = minting((now) => World.tokenOf({ now, life: World.day }))
      assert.strictEqual(yield* cliReason(processes[0]!, "my-app"), "cli")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* cliReason(processes[1]!, "my-app"), "storage")
      assert.strictEqual(world.mints.length, 2)
    }))

  it.effect("takes no token away from the store that somebody can use still", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.config = Effect.succeed(login("one"))
      const lease = yield* leases
      const [one, two] = [yield* process(world, lease, options), yield* process(world, lease, options)]
      const first = yield* one.get("my-app")
      world.mint = minting(withoutSignOn)
      assert.strictEqual((yield* Effect.flip(one.refresh("my-app")))._tag, "NoTokenAvailable")
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* two.get("other-app")).token.value, first.token.value)
    }))

  it.effect("another login ends it at once; what flyctl renews in its file is no other login", () =>
    World.scenario(options, function*({ tokens, world }) {
      const bundle = (name: string) =>
        FlyToken.make(`${mac.orgToken({ now: 0, life: 600, scheme: false })},fo1_${name}`)
      world.config = Effect.sync(() => bundle("one"))
      world.mint = minting(withoutSignOn)
      for (let n = 0; n < 20; n++) {
        assert.strictEqual(yield* cliReason(tokens, "my-app"), "SignOnRequired")
        yield* TestClock.adjust("1 minute")
      }
      assert.strictEqual(world.mints.length, 1)
      world.config = Effect.sync(() => bundle("two"))
      world.mint = minting((now) => World.tokenOf({ now, life: World.day }))
      assert.strictEqual(yield* cliReason(tokens, "my-app"), "cli")
      assert.strictEqual(world.mints.length, 2)
    }))

  it.effect("another token in the environment ends it too", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.variables["FLY_API_TOKEN"] = "fo1_one"
      world.mint = minting(withoutSignOn)
      const chain: FlyTokensOptions = { ...options, chain: ["storage", "cli"] }
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        for (let n = 0; n < 5; n++) {
          yield* cliReason(tokens, "my-app")
          yield* TestClock.adjust("1 minute")
        }
        assert.strictEqual(world.mints.length, 1)
        world.variables["FLY_API_TOKEN"] = "fo1_two"
        yield* cliReason(tokens, "my-app")
        assert.strictEqual(world.mints.length, 2)
      }).pipe(Effect.provide(world.layer(chain)))
    }))

  for (
    const [what, isShortLived] of [["programs that go on", false], ["programs that end after each get", true]] as const
  ) {
    it.effect(`two machines, each with a login of its own, on one store: each mints once; ${what}`, () =>
      Effect.gen(function*() {
        const world = yield* World.make
        let user = "one"
        world.config = Effect.sync(() => login(user))
        world.mint = minting(withoutSignOn)
        const lease = yield* leases
        const build = process(world, lease, options)
        const running = yield* Effect.all({ one: build, two: build, three: build })
        for (let n = 0; n < 60; n++) {
          for (const name of ["one", "two", "three"] as const) {
            user = name
            const tokens = isShortLived ? yield* process(world, lease, options) : running[name]
            assert.strictEqual(yield* cliReason(tokens, "my-app"), "SignOnRequired")
            yield* TestClock.adjust("1 minute")
          }
        }
        assert.strictEqual(world.mints.length, 3)
        // Whoever logs in anew is none of those.
        user = "four"
        world.mint = minting((now) => World.tokenOf({ now, life: World.day }))
        assert.strictEqual(yield* cliReason(yield* process(world, lease, options), "my-app"), "cli")
      }))
  }

  it.effect("stays known when another try fails for a cause that has nothing to do with it", () =>
    World.scenario({ ...options, chain: ["cli", "manual"] }, function*({ tokens, world }) {
      world.config = Effect.succeed(login("one"))
      world.mint = minting(withoutSignOn)
      yield* cliReason(tokens, "my-app")
      yield* TestClock.adjust("1 minute")
      world.mint = () => Effect.fail(new MissReason.Unreachable({ by: "refused" }))
      yield* Effect.exit(tokens.refresh("my-app"))
      assert.strictEqual(world.mints.length, 2)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* cliReason(tokens, "my-app"), "SignOnRequired")
      assert.strictEqual(world.mints.length, 2)
      // Without the store, which tells the same.
    }))

  it.effect("is the fault of who was logged in when flyctl began, not of who logged in meanwhile", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.config = Effect.succeed(login("one"))
      world.mint = () =>
        Effect.suspend(() => {
          world.config = Effect.succeed(login("two"))
          return minting(withoutSignOn)()
        })
      const lease = yield* leases
      const tokens = yield* process(world, lease, options)
      yield* cliReason(tokens, "my-app")
      world.mint = minting((now) => World.tokenOf({ now, life: World.day }))
      yield* TestClock.adjust("10 seconds")
      // In the store as well.
      const next = yield* process(world, lease, options)
      assert.strictEqual(yield* cliReason(next, "my-app"), "cli")
    }))

  it.effect("refresh and setManual have another try, in a loop no more often than the back-off", () =>
    World.scenario(options, function*({ tokens, world }) {
      world.config = Effect.succeed(login("one"))
      world.mint = minting(withoutSignOn)
      yield* cliReason(tokens, "my-app")
      // Within the first 30 s there is none, then 1 min, 2, 4, 8, and every 10 min.
      for (let second = 0; second < 3_600; second += 5) {
        yield* Effect.exit(tokens.refresh("my-app"))
        yield* TestClock.adjust("5 seconds")
      }
      assert.deepStrictEqual(
        world.mints.map(({ at }) => at / 1000),
        [0, 30, 90, 210, 450, 930, 1_530, 2_130, 2_730, 3_330]
      )
      // One who only gets has none for the rest of the day.
      yield* TestClock.adjust("10 minutes")
      yield* cliReason(tokens, "my-app")
      yield* TestClock.adjust("10 hours")
      yield* cliReason(tokens, "my-app")
      assert.strictEqual(world.mints.length, 11)
      yield* tokens.setManual("other-app", login("by-hand"))
      yield* cliReason(tokens, "third-app")
      assert.strictEqual(world.mints.length, 12)
    }))

  it.effect("is used after all when the clock is set right", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const clock = yield* World.settableClock
      world.config = Effect.succeed(login("one"))
      const right = Duration.toMillis("3 days")
      yield* TestClock.setTime(right)
      // Fly's time is another one than this machine's, which is two days ahead.
      world.mint = () => Effect.succeed(World.tokenOf({ now: right, life: World.day }))
      yield* Effect.gen(function*() {
        yield* clock.shift(2 * World.day)
        const tokens = yield* FlyTokens
        assert.strictEqual(yield* cliReason(tokens, "my-app"), "Expired")
        yield* TestClock.adjust("10 seconds")
        yield* clock.shift(-2 * World.day)
        assert.oneOf(yield* cliReason(tokens, "my-app"), ["storage", "cli"])
      }).pipe(Effect.provide(Layer.provideMerge(world.layer(options), clock.layer)))
    }))
})

describe("flyctl that hangs", () => {
  it.effect("for 30 s and then goes on has the time it takes", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.mintTakes = 32_000
      yield* Effect.gen(function*() {
        const getting = yield* Effect.forkChild((yield* FlyTokens).get("my-app"))
        yield* TestClock.adjust("33 seconds")
        assert.strictEqual((yield* Fiber.join(getting)).source, "cli")
      }).pipe(Effect.provide(world.layer()))
    }))

  it.effect("and never answers is not asked at once by the next app, nor by the same one", () =>
    World.scenario(options, function*({ tokens, world }) {
      world.mint = () => Effect.never
      const ask = (app: string) =>
        Effect.gen(function*() {
          const asking = yield* Effect.forkChild(cliReason(tokens, app))
          yield* TestClock.adjust("45 seconds")
          return yield* Fiber.join(asking)
        })
      assert.strictEqual(yield* ask("app-0"), "TimedOut")
      // 30 s of back-off: app-1 is told why at once.
      assert.strictEqual(yield* cliReason(tokens, "app-1"), "TimedOut")
      yield* TestClock.adjust("29 seconds")
      assert.strictEqual(yield* cliReason(tokens, "app-2"), "TimedOut")
      yield* Effect.exit(tokens.refresh("app-2"))
      assert.strictEqual(world.mints.length, 1)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* ask("app-3"), "TimedOut")
      assert.strictEqual(world.mints.length, 2)
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual(yield* cliReason(tokens, "app-4"), "TimedOut")
      assert.strictEqual(world.mints.length, 2)
      // A success ends it, and what was counted.
      world.mint = minting((now) => World.tokenOf({ now, life: World.day }))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* cliReason(tokens, "app-5"), "cli")
      assert.strictEqual(yield* cliReason(tokens, "app-4"), "TimedOut")
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* cliReason(tokens, "app-4"), "cli")
      assert.strictEqual(world.mints.length, 3)
    }))

  it.effect("over the question for the organization is not asked that again at once", () =>
    World.scenario({ ...options, failureCooldown: 0 }, function*({ tokens, world }) {
      world.listApps = () => Effect.never
      world.orgOf = () => Effect.never
      const asking = yield* Effect.forkChild(cliReason(tokens, "my-app"))
      yield* TestClock.adjust("50 seconds")
      assert.strictEqual(yield* Fiber.join(asking), "TimedOut")
      const { length } = world.lookups
      yield* TestClock.adjust("10 minutes")
      const again = yield* Effect.forkChild(cliReason(tokens, "my-app"))
      yield* TestClock.adjust("50 seconds")
      yield* Fiber.join(again)
      const asked = world.lookups.length
      assert.isAbove(asked, length)
      yield* Effect.exit(tokens.get("my-app"))
      assert.strictEqual(world.lookups.length, asked)
    }))

  it.effect("over the question for the organization does not hide what is known by now", () =>
    World.scenario({ ...options, failureCooldown: 0 }, function*({ tokens, world }) {
      world.listApps = () => Effect.never
      world.orgOf = () => Effect.never
      const asking = yield* Effect.forkChild(cliReason(tokens, "my-app"))
      yield* TestClock.adjust("50 seconds")
      assert.strictEqual(yield* Fiber.join(asking), "TimedOut")
      // Another process has found it out, and its token has ended.
      yield* world.store.put("my-app", "cached", {
        token: World.tokenOf({ now: -World.day, life: World.hour }).redacted,
        expiresAt: World.hour - World.day,
        source: "cli",
        savedAt: -World.day,
        org: "acme"
      })
      assert.strictEqual(yield* cliReason(tokens, "my-app"), "cli")
    }))

  it.effect("a failure that leaves nothing at Fly is asked again after the cool-down, as ever", () =>
    World.scenario(options, function*({ tokens, world }) {
      world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
      for (let n = 0; n < 5; n++) {
        yield* cliReason(tokens, "my-app")
        yield* TestClock.adjust("5 seconds")
      }
      assert.strictEqual(world.mints.length, 5)
    }))
})
