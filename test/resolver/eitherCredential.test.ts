/**
 * The environment's token and flyctl's login: what one cannot do is tried with the other, once.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type FlyCallOptions, type FlyCliReason, FlyTokens, MissReason } from "../../src/index.ts"
import { withEither } from "../../src/minting/CliCalls.ts"
import { mayDependOnCredential, moreTelling } from "../../src/policy/CliReasons.ts"
import * as samples from "../docs/samples.ts"
import * as World from "../support/World.ts"

const other = new MissReason.HttpFailed({ status: 500 })

/** What the other credential may come to. */
const dependent: ReadonlyArray<FlyCliReason> = [
  new MissReason.NotLoggedIn(),
  new MissReason.NotAuthenticated(),
  new MissReason.OrgUnknown({ slug: "my-app" }),
  new MissReason.AppUnknown({ app: "my-app" }),
  new MissReason.MintRefused(),
  new MissReason.Forbidden(),
  new MissReason.SignOnRequired(),
  new MissReason.HttpFailed({ status: 401 }),
  new MissReason.HttpFailed({ status: 403 }),
  new MissReason.HttpFailed({ status: 404 }),
  new MissReason.Expired({ expiredAt: 0 }),
  new MissReason.Undischarged({ locations: [] }),
  new MissReason.Panicked(),
  new MissReason.ExitCode({ code: 1 })
]

const independent: ReadonlyArray<FlyCliReason> = [
  other,
  new MissReason.RateLimited(),
  new MissReason.HttpFailed({ status: 429 }),
  new MissReason.Unreachable({ by: "refused" }),
  new MissReason.HomeUnusable({ problem: "noHome", path: null }),
  new MissReason.Malformed({ why: "flyctl printed something else than a token" }),
  new MissReason.BinaryNotFound({ looked: [] })
]

describe("which failures another credential may not have", () => {
  it("is decided for every reason", () => {
    for (const reason of samples.reasons) assert.isBoolean(mayDependOnCredential(reason), reason._tag)
    assert.isTrue(dependent.every(mayDependOnCredential))
    assert.isFalse(independent.some(mayDependOnCredential))
    assert.isFalse(mayDependOnCredential(new MissReason.TimedOut({ option: "cliTimeout", limitMillis: 1 })))
  })

  it("tells the login's reason, and without a login that works that of the environment's token", () => {
    const refused = new MissReason.MintRefused()
    assert.strictEqual(moreTelling(refused, new MissReason.NotLoggedIn()), refused)
    assert.strictEqual(moreTelling(refused, new MissReason.NotAuthenticated()), refused)
    assert.strictEqual(moreTelling(refused, other), other)
  })

  it.effect("each is tried with it, once", () =>
    Effect.gen(function*() {
      for (const [reasons, calls] of [[dependent, [true, false]], [independent, [true]]] as const) {
        for (const reason of reasons) {
          const tried: Array<boolean> = []
          const run = ({ environmentToken }: FlyCallOptions) => {
            tried.push(environmentToken)
            return Effect.fail(reason)
          }
          assert.strictEqual(yield* Effect.flip(withEither({ environmentToken: true }, run)), reason)
          assert.deepStrictEqual(tried, [...calls], reason._tag)
          tried.length = 0
          yield* Effect.flip(withEither({ environmentToken: false }, run))
          assert.deepStrictEqual(tried, [false])
        }
      }
    }))
})

describe("both steps of a mint", () => {
  const app = "my-app"
  const withToken = Effect.map(World.make, (world) => {
    // A good token of another organization, in a program whose chain does not hand it out.
    world.variables["FLY_API_TOKEN"] = World.tokenOf({ now: 0, life: World.day }).value
    return world
  })
  const get = (world: World.World) =>
    FlyTokens.use((tokens) => tokens.get(app)).pipe(Effect.provide(world.layer({ chain: ["cli"] })))

  it.effect("another organization's app: the login sees it and mints", () =>
    Effect.gen(function*() {
      for (const reason of dependent) {
        const world = yield* withToken
        const mint = world.mint
        world.orgOf = (_, call) => call.environmentToken ? Effect.fail(reason) : Effect.succeed("acme")
        world.mint = (org, call) => call.environmentToken ? Effect.fail(reason) : mint(org, call)
        assert.strictEqual((yield* get(world)).source, "cli", reason._tag)
        assert.deepStrictEqual(world.mints.map(({ environmentToken }) => environmentToken), [true, false])
      }
    }))

  it.effect("by app as well", () =>
    Effect.gen(function*() {
      const world = yield* withToken
      const mint = world.mintDeploy
      world.mintDeploy = (app, call) =>
        call.environmentToken ? Effect.fail(new MissReason.AppUnknown({ app })) : mint(app, call)
      const layer = world.layer({ chain: ["cli"], mintFor: "app" })
      assert.strictEqual((yield* FlyTokens.use((tokens) => tokens.get(app)).pipe(Effect.provide(layer))).source, "cli")
    }))

  it.effect("many apps of another organization: listed with the login too", () =>
    Effect.gen(function*() {
      const world = yield* withToken
      const apps = Array.from({ length: 40 }, (_, n) => `app-${n}`)
      const lists: Array<boolean> = []
      world.orgOf = (app, call) =>
        call.environmentToken ? Effect.fail(new MissReason.AppUnknown({ app })) : Effect.never
      world.listApps = (call) => {
        lists.push(call.environmentToken)
        return Effect.succeed(call.environmentToken ? new Map() : new Map(apps.map((app) => [app, "acme"])))
      }
      yield* FlyTokens.use((tokens) => Effect.forEach(apps, tokens.get, { concurrency: "unbounded" })).pipe(
        Effect.provide(world.layer({ chain: ["cli"] }))
      )
      assert.deepStrictEqual(lists, [false])
    }))

  it.effect("a failure that is nobody's token is not tried twice", () =>
    Effect.gen(function*() {
      for (const reason of independent) {
        const world = yield* withToken
        world.orgOf = () => Effect.succeed("acme")
        world.mint = () => Effect.fail(reason)
        yield* Effect.flip(get(world))
        assert.lengthOf(world.mints, 1, reason._tag)
      }
    }))
})
