import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { AppName, ConfigFile, FlyCli, FlyTokens, MissReason } from "../../src/index.ts"
import { TestConfigFile, TestEnvironment, TestFlyCli, TestStorage, TestToken } from "../../src/testing.ts"
import { get, missed, within } from "../support/kit.ts"

const minute = 60_000
const hour = 3_600_000

describe("the sources", () => {
  it.effect("mints are recorded: for what, when, for how long, with which environment", () =>
    within(
      { env: { FLY_API_TOKEN: TestToken.malformed() }, ttl: "1 hour", org: (app) => `${app}-org` },
      Effect.gen(function*() {
        yield* TestClock.adjust("1 minute")
        yield* get("app-1")
        const [mint, ...others] = yield* TestFlyCli.mints
        assert.lengthOf(others, 0)
        const { ttl, ...rest } = mint!
        assert.deepStrictEqual(rest, {
          mintFor: "organization",
          name: "app-1-org",
          at: minute,
          environmentToken: false
        })
        assert.strictEqual(Duration.toMillis(ttl), hour)
      })
    ))

  it.effect("a token of one app is minted by the app's name, and reads and writes it", () =>
    within(
      { cli: { refused: new MissReason.MintRefused() } },
      Effect.gen(function*() {
        const mint = (app: string) =>
          FlyCli.use((cli) => cli.mintDeploy(AppName.make(app), { environmentToken: true, ttl: Duration.hours(2) }))
        const token = yield* mint("my-app")
        assert.deepStrictEqual([token.readOnly, token.expiresAt], [false, 2 * hour])
        assert.strictEqual((yield* Effect.flip(mint("refused")))._tag, "MintRefused")
        assert.deepStrictEqual(
          (yield* TestFlyCli.mints).map(({ environmentToken, mintFor, name }) => [mintFor, name, environmentToken]),
          [["app", "my-app", true], ["app", "refused", true]]
        )
      })
    ))

  it.effect("with mintFor \"app\" each app gets a token of its own, narrowed to reading by the resolver", () =>
    within(
      { mintFor: "app", ttl: "2 hours", cli: { refused: new MissReason.MintRefused() } },
      Effect.gen(function*() {
        const { expiresAt, token } = yield* get("my-app")
        assert.deepStrictEqual([token.readOnly, expiresAt], [true, 2 * hour])
        assert.notStrictEqual((yield* get("other-app")).token.value, token.value)
        assert.strictEqual((yield* missed("refused"))["cli"], "MintRefused")
        assert.deepStrictEqual(
          (yield* TestFlyCli.mints).map(({ mintFor, name }) => [mintFor, name]),
          [["app", "my-app"], ["app", "other-app"], ["app", "refused"]]
        )
      })
    ))

  it.effect("an organization's token that is in the store already is taken for its apps", () =>
    within(
      { org: "acme", storage: { org: { acme: TestToken.make({ seed: "stored" }) } } },
      Effect.gen(function*() {
        const stored = yield* TestToken.make({ seed: "stored" })
        assert.strictEqual((yield* get("my-app")).token.value, stored.value)
        assert.lengthOf(yield* TestFlyCli.mints, 0)
      })
    ))

  it.effect("the config file is read anew each time, and a new login is seen", () =>
    within(
      { cli: new MissReason.NotLoggedIn(), failureCooldown: 0 },
      Effect.gen(function*() {
        assert.strictEqual((yield* missed("my-app"))["config"], "NotFound")
        yield* TestConfigFile.setScript(TestToken.make({ life: "10 minutes" }))
        // The mint that failed looked who is logged in.
        const before = yield* TestConfigFile.reads
        assert.strictEqual((yield* get("my-app")).source, "config")
        assert.strictEqual(yield* TestConfigFile.reads, before + 1)
        yield* TestConfigFile.setScript(new MissReason.Unreadable({ path: "config.yml", why: "it is not YAML" }))
        assert.strictEqual((yield* missed("other-app"))["config"], "Unreadable")
      })
    ))

  it.effect("variables are set and removed; texts and tokens", () =>
    within(
      { env: { FLY_ACCESS_TOKEN: undefined, FLY_API_TOKEN: "fo1_text" }, chain: ["env"] },
      Effect.gen(function*() {
        assert.strictEqual((yield* get("app-1")).token.value, "fo1_text")
        const token = yield* TestToken.make()
        yield* TestEnvironment.setVariables({ FLY_ACCESS_TOKEN: token })
        assert.strictEqual((yield* get("app-2")).token.value, token.value)
        yield* TestEnvironment.setVariables({ FLY_ACCESS_TOKEN: undefined, FLY_API_TOKEN: TestToken.user() })
        assert.strictEqual((yield* get("app-3")).token.size.userTokens, 1)
        yield* TestEnvironment.setVariables({ FLY_API_TOKEN: undefined })
        assert.deepStrictEqual(yield* missed("app-4"), { env: "NotFound" })
      })
    ))

  it.effect("a store that is down costs no token, and says so", () =>
    within(
      { storage: { script: TestStorage.unavailable, cached: { "my-app": TestToken.make() } } },
      Effect.gen(function*() {
        const tokens = yield* FlyTokens
        assert.strictEqual((yield* get("my-app")).source, "cli")
        const error = yield* Effect.flip(tokens.setManual("my-app", yield* TestToken.make()))
        assert.strictEqual(error._tag, "PersistFailed")
        yield* TestFlyCli.setScript(new MissReason.NotLoggedIn())
        assert.deepStrictEqual(yield* missed("other-app"), {
          env: "NotFound",
          storage: "StorageFailed",
          config: "NotFound",
          cli: "NotLoggedIn",
          manual: "StorageFailed"
        })
        yield* TestStorage.setScript(undefined)
        yield* tokens.setManual("third-app", yield* TestToken.make())
        assert.isTrue(Option.isSome(yield* TestStorage.get("third-app", "manual")))
      })
    ))

  it.effect("a store that hangs is a time-out, one that is slow is waited for", () =>
    within(
      { storage: { script: Effect.never, cached: { "my-app": TestToken.make() } }, storageTimeout: "3 seconds" },
      Effect.gen(function*() {
        yield* TestFlyCli.setScript(new MissReason.NotLoggedIn())
        const fiber = yield* Effect.forkChild(missed("my-app"))
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual((yield* Fiber.join(fiber))["storage"], "TimedOut")
        yield* TestStorage.setScript(Effect.sleep("1 second"))
        yield* TestClock.adjust("1 minute")
        const slow = yield* Effect.forkChild(get("my-app"))
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* Fiber.join(slow)).source, "storage")
      })
    ))

  it.effect("a full disk: writes fail, reads do not", () =>
    within(
      { storage: { script: (access) => access.operation === "put" ? TestStorage.unavailable(access) : undefined } },
      Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const events = yield* Effect.forkChild(Stream.runCollect(Stream.take(tokens.events, 3)), {
          startImmediately: true
        })
        yield* get("my-app")
        const seen = (yield* Fiber.join(events)).map(({ _tag }) => _tag)
        assert.sameMembers(seen, ["Acquired", "PersistFailed", "PersistFailed"])
        const operations = new Set(
          (yield* TestStorage.accesses).map(({ key, name, operation }) => `${operation} ${name} ${key}`)
        )
        assert.isTrue(operations.has("get my-app cached") && operations.has("put my-app org"), [...operations].join())
      })
    ))

  it.effect("each source is a layer of its own, beside real ones", () =>
    Effect.gen(function*() {
      const { source } = yield* get("my-app")
      assert.strictEqual(source, "cli")
      assert.lengthOf(yield* TestFlyCli.mints, 1)
    }).pipe(Effect.provide(
      FlyTokens.layer().pipe(
        Layer.provideMerge(
          Layer.mergeAll(TestFlyCli.layer(), TestStorage.layer(), TestEnvironment.layer(), ConfigFile.layerDisabled)
        )
      )
    )))
})
