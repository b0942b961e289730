/**
 * `mintFor: "app"`: a token for each app, narrowed to reading.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { FlyToken, FlyTokens, MissReason, StorageError } from "../../src/index.ts"
import * as mac from "../stand-in/macaroon.mjs"
import { leases, process, sixteenGet } from "../support/processes.ts"
import * as World from "../support/World.ts"

const perApp = { mintFor: "app" } as const

const apps = (count: number) => Array.from({ length: count }, (_, n) => `app-${n}`)

describe("a token for each app", () => {
  it.effect("is minted for the app and only reads, and no organization is asked for", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const all = yield* Effect.forEach(apps(3), tokens.get, { concurrency: "unbounded" })
        assert.deepStrictEqual(all.map(({ source }) => source), ["cli", "cli", "cli"])
        for (const { token } of all) {
          assert.isTrue(token.readOnly)
          assert.isTrue(token.discharged)
        }
        assert.deepStrictEqual(world.deployMints.map(({ app }) => app).sort(), apps(3))
        assert.strictEqual(new Set(all.map(({ token }) => token.value)).size, 3)
      }).pipe(Effect.provide(world.layer(perApp)))
      assert.deepStrictEqual([world.mints.length, world.lookups], [0, []])
    }))

  it.effect("is stored narrowed, as the app's record, once", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const puts: Array<string> = []
      world.storeGate = (operation, name, key) => {
        if (operation === "put") puts.push(`${key}/${name}`)
        return Effect.void
      }
      const { token } = yield* Effect.provide(FlyTokens.use((tokens) => tokens.get("app-0")), world.layer(perApp))
      assert.deepStrictEqual(puts, ["cached/app-0"])
      const record = Option.getOrThrow(yield* world.store.get("app-0", "cached"))
      assert.strictEqual(Redacted.value(record.token), token.value)
      assert.strictEqual(record.source, "cli")
      assert.isNumber(record.fence)
    }))

  it.effect("is refreshed ahead, each app its own, and not minted by many callers twice", () =>
    World.scenario(perApp, function*({ tokens, world }) {
      world.mintLife = 4 * World.hour
      world.mintTakes = 1_000
      const all = yield* Effect.forkChild(
        Effect.forEach([...apps(2), ...apps(2), ...apps(2)], tokens.get, { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("2 seconds")
      const first = yield* Fiber.join(all)
      assert.strictEqual(world.deployMints.length, 2)
      yield* TestClock.adjust("210 minutes")
      assert.strictEqual(world.deployMints.length, 4)
      const { source, token } = yield* tokens.get("app-0")
      assert.strictEqual(source, "cli")
      assert.notStrictEqual(token.value, first[0]!.token.value)
      assert.isTrue(token.readOnly)
      const record = Option.getOrThrow(yield* world.store.get("app-0", "cached"))
      assert.strictEqual(Redacted.value(record.token), token.value)
    }))

  it.effect("100 reports of a dead one are one mint, and the other app keeps its own", () =>
    World.scenario(perApp, function*({ tokens, world }) {
      world.mintTakes = 1_000
      const started = yield* Effect.forkChild(Effect.forEach(apps(2), tokens.get, { concurrency: "unbounded" }))
      yield* TestClock.adjust("2 seconds")
      const [dead, other] = yield* Fiber.join(started)
      const reports = yield* Effect.forkChild(
        Effect.forEach(
          Array.from({ length: 100 }),
          () => tokens.refresh("app-0", { rejected: dead!.token }),
          { concurrency: "unbounded" }
        )
      )
      yield* TestClock.adjust("2 seconds")
      const fresh = yield* Fiber.join(reports)
      assert.strictEqual(world.deployMints.length, 3)
      assert.strictEqual(new Set(fresh.map(({ token }) => token.value)).size, 1)
      assert.notStrictEqual(fresh[0]!.token.value, dead!.token.value)
      assert.strictEqual((yield* tokens.get("app-1")).token, other!.token)
    }))

  it.effect("a refresh mints another one, and the store has that one", () =>
    World.scenario(perApp, function*({ tokens, world }) {
      const before = yield* tokens.get("app-0")
      yield* TestClock.adjust("1 second")
      const after = yield* tokens.refresh("app-0")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(world.deployMints.length, 2)
      assert.notStrictEqual(after.token.value, before.token.value)
      const record = Option.getOrThrow(yield* world.store.get("app-0", "cached"))
      assert.strictEqual(Redacted.value(record.token), after.token.value)
    }))

  it.effect("after an invalidate is minted anew", () =>
    World.scenario(perApp, function*({ tokens, world }) {
      const before = yield* tokens.get("app-0")
      yield* tokens.invalidate("app-0")
      assert.isTrue(Option.isNone(yield* world.store.get("app-0", "cached")))
      const after = yield* tokens.get("app-0")
      assert.strictEqual(world.deployMints.length, 2)
      assert.notStrictEqual(after.token.value, before.token.value)
    }))

  it.effect("refused with the environment's token, is asked for once more with flyctl's login", () =>
    World.scenario({ ...perApp, chain: ["cli"] }, function*({ tokens, world }) {
      world.variables["FLY_API_TOKEN"] = World.tokenOf({ now: 0, life: World.day }).value
      const mint = world.mintDeploy
      world.mintDeploy = (app, call) =>
        call.environmentToken ? Effect.fail(new MissReason.MintRefused()) : mint(app, call)
      assert.strictEqual((yield* tokens.get("app-0")).source, "cli")
      assert.deepStrictEqual(world.deployMints.map(({ environmentToken }) => environmentToken), [true, false])
    }))

  for (
    const [what, text] of [
      ["a user token", "fo1_secret-token"],
      ["a proof", mac.piece({ proof: true })],
      ["no token at all", "fm2_secret"]
    ] as const
  ) {
    it.effect(`${what}, which cannot be narrowed, is not handed out`, () =>
      Effect.gen(function*() {
        const world = yield* World.make
        world.mintDeploy = () => Effect.succeed(FlyToken.make(text))
        const error = yield* Effect.flip(
          Effect.provide(FlyTokens.use((tokens) => tokens.get("app-0")), world.layer({ ...perApp, chain: ["cli"] }))
        )
        assert.strictEqual(error._tag, "NoTokenAvailable")
        if (error._tag !== "NoTokenAvailable") return
        assert.deepStrictEqual(error.attempts.map(({ reason }) => reason._tag), ["Malformed"])
        assert.notMatch(JSON.stringify(error) + error.message, /secret/)
        assert.isTrue(Option.isNone(yield* world.store.get("app-0", "cached")))
      }))
  }

  it.effect("16 processes, 2 apps, cold: one mint per app; the others take what it stored", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.mintTakes = 2_000
      const all = yield* sixteenGet(world, apps(2), perApp)
      yield* TestClock.adjust("5 seconds")
      const resolved = yield* Fiber.join(all)
      assert.deepStrictEqual(world.deployMints.map(({ app }) => app).sort(), apps(2))
      assert.strictEqual(new Set(resolved.map(({ token }) => token.value)).size, 2)
    }))

  it.effect("whose write fails is served, and reported once", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const refused: Array<string> = []
      world.storeGate = (operation, name, key) => {
        if (operation !== "put") return Effect.void
        refused.push(`${key}/${name}`)
        return Effect.fail(new StorageError({ operation: "put", kind: "Unavailable", why: "full" }))
      }
      const { source } = yield* Effect.provide(FlyTokens.use((tokens) => tokens.get("app-0")), world.layer(perApp))
      assert.strictEqual(source, "cli")
      assert.deepStrictEqual(refused, ["cached/app-0"])
    }))

  it.effect("an app and an organization of one name do not share a mint", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const lease = yield* leases
      const one = yield* process(world, lease, { ...perApp, chain: ["cli"] })
      const two = yield* process(world, lease, { chain: ["cli"], mintFor: "organization", org: "same" })
      const [narrow, wide] = yield* Effect.all([one.get("same"), two.get("same")], { concurrency: 2 })
      assert.deepStrictEqual([world.deployMints.length, world.mints.length], [1, 1])
      assert.notStrictEqual(narrow.token.value, wide.token.value)
    }))
})
