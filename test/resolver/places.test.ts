/**
 * Tokens that are handed out only where they can serve: `env` and `config` by numbers, `personal` by login.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import { FlyToken, FlyTokens, type FlyTokensOptions, MissReason } from "../../src/index.ts"
import * as mac from "../stand-in/macaroon.mjs"
import { leases, process } from "../support/processes.ts"
import * as World from "../support/World.ts"

/** Fly's numbers of the organizations. */
const numbers: Readonly<Record<string, number>> = { acme: 1, other: 2 }

const ofOrg = (org: number, options: { readonly now: number; readonly life?: number; readonly discharged?: boolean }) =>
  mac.orgToken({ scheme: false, org, life: 600, ...options })

/** Every app is in `acme`, and flyctl says so. */
const world = Effect.map(World.make, (world) => {
  world.mint = (org) =>
    Effect.map(
      Clock.currentTimeMillis,
      (now) => FlyToken.make(ofOrg(numbers[org] ?? 9, { now, life: 3_600 }))
    )
  return world
})

const rejectedOnce: FlyTokensOptions = { softExpiryLead: 0 }

/** The reasons of a source for an app without another way to a token. */
const reasonOf = (tokens: FlyTokens["Service"], app: string, from: string) =>
  Effect.map(Effect.flip(tokens.get(app)), (error) =>
    error._tag === "NoTokenAvailable"
      ? error.attempts.find(({ source }) => source === from)?.reason._tag
      : error._tag)

describe("a token of the config file or the environment", () => {
  it.effect("that has nothing for the app's organization is a miss, once the organization's number is known", () =>
    Effect.gen(function*() {
      const w = yield* world
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        assert.strictEqual((yield* tokens.get("my-app")).source, "cli")
        // Its token ends; by then the login's bundle has other organizations only.
        yield* TestClock.adjust("1 hour")
        const now = yield* Clock.currentTimeMillis
        w.config = Effect.succeed(FlyToken.make(`${ofOrg(2, { now })},fo1_user`))
        assert.strictEqual((yield* tokens.get("my-app")).source, "cli")
        // Of an app of which nothing is known it is taken, as before.
        assert.strictEqual((yield* tokens.get("unknown-app")).source, "config")
      }).pipe(Effect.provide(w.layer(rejectedOnce)))
    }))

  it.effect("says what it lacks: the organization, or the discharge of that one", () =>
    Effect.gen(function*() {
      const w = yield* world
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        yield* tokens.get("my-app")
        w.mint = () => Effect.never
        yield* TestClock.adjust("1 hour")
        const now = yield* Clock.currentTimeMillis
        w.variables["FLY_API_TOKEN"] = `${ofOrg(2, { now })},${ofOrg(1, { now, discharged: false })}`
        w.config = Effect.succeed(FlyToken.make(ofOrg(2, { now })))
        const failing = yield* Effect.forkChild(Effect.flip(tokens.get("my-app")))
        yield* TestClock.adjust("1 minute")
        const error = failing.pollUnsafe()
        assert.isDefined(error)
        assert.strictEqual(yield* reasonOf(tokens, "my-app", "env"), "Undischarged")
        assert.strictEqual(yield* reasonOf(tokens, "my-app", "config"), "Insufficient")
        // flyctl is not given what is of no use: it has its own login.
        assert.isFalse(w.mints.at(-1)?.environmentToken)
      }).pipe(Effect.provide(w.layer({ ...rejectedOnce, failureCooldown: "10 minutes" })))
    }))

  it.effect("of a user is always taken", () =>
    Effect.gen(function*() {
      const w = yield* world
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        yield* tokens.get("my-app")
        yield* TestClock.adjust("1 hour")
        w.variables["FLY_API_TOKEN"] = "fo1_user"
        assert.strictEqual((yield* tokens.get("my-app")).source, "env")
      }).pipe(Effect.provide(w.layer(rejectedOnce)))
    }))

  it.effect("is taken again when Fly refused what was minted: the app may have moved", () =>
    Effect.gen(function*() {
      const w = yield* world
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const { token } = yield* tokens.get("my-app")
        w.variables["FLY_API_TOKEN"] = ofOrg(2, { now: 0 })
        assert.strictEqual((yield* tokens.refresh("my-app", { rejected: token })).source, "env")
      }).pipe(Effect.provide(w.layer(rejectedOnce)))
    }))

  for (const how of ["refresh", "invalidate"] as const) {
    it.effect(`is taken again after ${how}: Fly answers 404 for an app that has moved, and nobody says \`rejected\``, () =>
      Effect.gen(function*() {
        const w = yield* world
        // Its record is of before: the app has moved to `other`.
        yield* w.store.put("my-app", "cached", {
          token: FlyToken.make(ofOrg(1, { now: -World.day })).redacted,
          expiresAt: World.hour - World.day,
          source: "cli",
          savedAt: -World.day,
          org: "acme"
        })
        w.orgOf = () => Effect.succeed("other")
        yield* Effect.gen(function*() {
          const tokens = yield* FlyTokens
          assert.deepStrictEqual((yield* tokens.get("my-app")).token.orgIds, [1n])
          const good = FlyToken.make(ofOrg(2, { now: 0 }))
          w.config = Effect.succeed(good)
          if (how === "invalidate") yield* tokens.invalidate("my-app")
          const answer = yield* how === "refresh" ? tokens.refresh("my-app") : tokens.get("my-app")
          assert.strictEqual(answer.token.value, good.value)
        }).pipe(Effect.provide(w.layer(rejectedOnce)))
      }))
  }

  it.effect("is minted for the organization that flyctl names now, after a refresh", () =>
    Effect.gen(function*() {
      const w = yield* world
      yield* w.store.put("my-app", "cached", {
        token: FlyToken.make(ofOrg(1, { now: 0 })).redacted,
        expiresAt: World.hour,
        source: "cli",
        savedAt: 0,
        org: "acme"
      })
      w.orgOf = () => Effect.succeed("other")
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        assert.deepStrictEqual((yield* tokens.get("my-app")).token.orgIds, [1n])
        assert.deepStrictEqual((yield* tokens.refresh("my-app")).token.orgIds, [2n])
      }).pipe(Effect.provide(w.layer(rejectedOnce)))
    }))

  it.effect("is taken where only the option org says where the app is: that may be one word for many apps", () =>
    Effect.gen(function*() {
      const w = yield* world
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        yield* tokens.get("my-app")
        yield* TestClock.adjust("1 hour")
        w.variables["FLY_API_TOKEN"] = ofOrg(2, { now: yield* Clock.currentTimeMillis })
        assert.strictEqual((yield* tokens.get("my-app")).source, "env")
      }).pipe(Effect.provide(w.layer({ ...rejectedOnce, org: "acme" })))
    }))

  it.effect("for another app is a miss for one that has had a token of its own", () =>
    Effect.gen(function*() {
      const w = yield* world
      w.mintDeploy = () =>
        Effect.map(Clock.currentTimeMillis, (now) =>
          FlyToken.make(mac.deployToken({ now, life: 3_600, org: 1, app: 10 })))
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        yield* tokens.get("my-app")
        yield* TestClock.adjust("1 hour")
        const now = yield* Clock.currentTimeMillis
        w.variables["FLY_API_TOKEN"] = mac.deployToken({ now, life: 600, org: 1, app: 11 })
        assert.strictEqual((yield* tokens.get("my-app")).source, "cli")
        assert.strictEqual((yield* tokens.get("eleven")).source, "env")
      }).pipe(Effect.provide(w.layer({ ...rejectedOnce, mintFor: "app" })))
    }))
})

describe("personal, which means another organization to each login", () => {
  const chain: FlyTokensOptions = { chain: ["storage", "cli"], org: "personal" }

  it.effect("each process gets its own login's, from the store too", () =>
    Effect.gen(function*() {
      const w = yield* World.make
      const lease = yield* leases
      const bundles: Record<string, number> = { ada: 11, bob: 22 }
      let user = "ada"
      w.config = Effect.sync(() => FlyToken.make(`fo1_${user}`))
      w.mint = () =>
        Effect.map(Clock.currentTimeMillis, (now) => FlyToken.make(ofOrg(bundles[user]!, { now, life: 86_400 })))
      const orgs: Array<readonly [string, string, bigint | undefined]> = []
      for (const name of ["ada", "bob", "ada", "bob"]) {
        user = name
        const tokens = yield* process(w, lease, chain)
        // Another app each time: what is found is the organization's.
        const { source, token } = yield* tokens.get(`app-${orgs.length}`)
        orgs.push([name, source, token.orgIds[0]])
        yield* TestClock.adjust("1 second")
      }
      assert.deepStrictEqual(orgs, [
        ["ada", "cli", 11n],
        ["bob", "cli", 22n],
        // `cli`, the source, has it from the store.
        ["ada", "storage", 11n],
        ["bob", "storage", 22n]
      ])
      assert.strictEqual(w.mints.length, 2)
      assert.isTrue(w.mints.every(({ org }) => org === "personal"))
    }))

  it.effect("a login that changes under a running program is another one at the next mint", () =>
    Effect.gen(function*() {
      const w = yield* World.make
      let user = "ada"
      w.config = Effect.sync(() => FlyToken.make(`fo1_${user}`))
      w.mint = () =>
        Effect.map(
          Clock.currentTimeMillis,
          (now) => FlyToken.make(ofOrg(user === "ada" ? 11 : 22, { now, life: 86_400 }))
        )
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        assert.deepStrictEqual((yield* tokens.get("app-1")).token.orgIds, [11n])
        user = "bob"
        assert.deepStrictEqual((yield* tokens.get("app-2")).token.orgIds, [22n])
        assert.strictEqual(w.mints.length, 2)
      }).pipe(Effect.provide(w.layer(chain)))
    }))

  it.effect("what an earlier release stored without a login is not used", () =>
    Effect.gen(function*() {
      const w = yield* World.make
      w.config = Effect.succeed(FlyToken.make("fo1_ada"))
      const old = FlyToken.make(ofOrg(22, { now: 0, life: 86_400 }))
      yield* w.store.put("personal", "org", { token: old.redacted, expiresAt: null, source: "cli", savedAt: 0 })
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        assert.notStrictEqual((yield* tokens.get("my-app")).token.value, old.value)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(Option.getOrThrow(yield* w.store.get("personal", "org")).savedAt, 0)
      }).pipe(Effect.provide(w.layer(chain)))
    }))

  it.effect("where nobody can tell whose login it is, it is kept in memory, and in no store", () =>
    Effect.gen(function*() {
      const w = yield* World.make
      w.config = Effect.fail(new MissReason.Disabled())
      const lease = yield* leases
      const one = yield* process(w, lease, chain)
      const first = yield* one.get("app-1")
      assert.strictEqual((yield* one.get("app-2")).token.value, first.token.value)
      const other = yield* process(w, lease, chain)
      assert.notStrictEqual((yield* other.get("app-3")).token.value, first.token.value)
      assert.strictEqual(w.mints.length, 2)
    }))

  it.effect("is minted with the credential that sees the app in it, and with no other", () =>
    Effect.gen(function*() {
      const w = yield* World.make
      w.variables["FLY_API_TOKEN"] = "fo1_ada"
      w.config = Effect.succeed(FlyToken.make("fo1_bob"))
      w.orgOf = (app, { environmentToken }) =>
        environmentToken ? Effect.fail(new MissReason.AppUnknown({ app })) : Effect.succeed("personal")
      w.mint = (_, { environmentToken }) =>
        Effect.map(
          Clock.currentTimeMillis,
          (now) => FlyToken.make(ofOrg(environmentToken ? 11 : 22, { now, life: 86_400 }))
        )
      yield* Effect.gen(function*() {
        const { token } = yield* FlyTokens.use((tokens) => tokens.get("my-app"))
        assert.deepStrictEqual(token.orgIds, [22n])
        assert.deepStrictEqual(w.mints.map(({ environmentToken }) => environmentToken), [false])
      }).pipe(Effect.provide(w.layer({ chain: ["storage", "cli"] })))
    }))

  it.effect("as the option is whoever's flyctl is called as first, and nobody else's", () =>
    Effect.gen(function*() {
      const w = yield* World.make
      w.variables["FLY_API_TOKEN"] = "fo1_ada"
      w.config = Effect.succeed(FlyToken.make("fo1_bob"))
      const mint = w.mint
      w.mint = (org, call) => call.environmentToken ? Effect.fail(new MissReason.MintRefused()) : mint(org, call)
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        assert.strictEqual(yield* reasonOf(tokens, "my-app", "cli"), "MintRefused")
        assert.deepStrictEqual(w.mints.map(({ environmentToken }) => environmentToken), [true])
      }).pipe(Effect.provide(w.layer(chain)))
    }))

  it.effect("where nobody can tell whose it is, the environment's and the login's are two still", () =>
    Effect.gen(function*() {
      const w = yield* World.make
      w.variables["FLY_API_TOKEN"] = "fo1_ada"
      w.config = Effect.fail(new MissReason.Disabled())
      w.orgOf = (app, { environmentToken }) =>
        environmentToken === (app === "of-ada")
          ? Effect.succeed("personal")
          : Effect.fail(new MissReason.AppUnknown({ app }))
      w.mint = (_, { environmentToken }) =>
        Effect.map(
          Clock.currentTimeMillis,
          (now) => FlyToken.make(ofOrg(environmentToken ? 11 : 22, { now, life: 86_400 }))
        )
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        assert.deepStrictEqual((yield* tokens.get("of-ada")).token.orgIds, [11n])
        assert.deepStrictEqual((yield* tokens.get("of-bob")).token.orgIds, [22n])
      }).pipe(Effect.provide(w.layer({ chain: ["storage", "cli"] })))
    }))

  it.effect("as flyctl named it, is asked for anew: another login sees the app under another name", () =>
    Effect.gen(function*() {
      const w = yield* World.make
      let user = "ada"
      w.config = Effect.sync(() => FlyToken.make(`fo1_${user}`))
      w.orgOf = () => Effect.succeed(user === "ada" ? "personal" : "ada-home")
      w.mintLife = World.hour
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        yield* tokens.get("my-app")
        yield* TestClock.adjust("2 hours")
        user = "bob"
        yield* tokens.get("my-app")
        assert.deepStrictEqual(w.mints.map(({ org }) => org), ["personal", "ada-home"])
      }).pipe(Effect.provide(w.layer({ chain: ["storage", "cli"], softExpiryLead: 0 })))
    }))

  it.effect("of many apps at once is known from one list", () =>
    Effect.gen(function*() {
      const w = yield* World.make
      const apps = Array.from({ length: 30 }, (_, n) => `app-${n}`)
      w.listApps = () => Effect.delay(Effect.succeed(new Map(apps.map((app) => [app, "personal"]))), "1 second")
      w.orgOf = () => Effect.never
      yield* Effect.gen(function*() {
        const all = yield* Effect.forkChild(
          FlyTokens.use((tokens) => Effect.forEach(apps, tokens.get, { concurrency: "unbounded" }))
        )
        yield* TestClock.adjust("20 seconds")
        assert.isDefined(all.pollUnsafe())
        assert.lengthOf(w.mints, 1)
      }).pipe(Effect.provide(w.layer({ chain: ["storage", "cli"], cliTimeout: "10 seconds" })))
    }))
})
