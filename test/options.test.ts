import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import { FlyTokens, type FlyTokensOptions } from "../src/index.ts"
import * as Options from "../src/policy/Options.ts"
import * as World from "./support/World.ts"

describe("options", () => {
  const bad: ReadonlyArray<readonly [keyof FlyTokensOptions, unknown]> = [
    ["chain", []],
    ["chain", ["env", "env"]],
    ["chain", ["nowhere"]],
    ["ttl", "0 seconds"],
    ["ttl", "not a duration"],
    ["ttl", -5],
    ["ttl", Number.NaN],
    ["cliTimeout", 0],
    ["cliTimeout", Number.POSITIVE_INFINITY],
    ["storageTimeout", "-1 seconds"],
    ["configFileTimeout", 0],
    ["softExpiryLead", -1],
    ["softExpiryJitter", 1.1],
    ["softExpiryJitter", Number.NaN],
    ["cliConcurrency", 0],
    ["cliConcurrency", 1.5],
    ["org", "--flag"],
    ["org", "Not A Slug"],
    ["persist", ["cache"]],
    ["persist", ["manual"]],
    ["persist", ["storage"]],
    ["failureCooldown", -1],
    ["mintFor", "machine"],
    ["leaseWait", 0],
    ["leaseWait", "2 days"],
    ["rejectionTtl", "soon"],
    ["rejectionTtl", "5min"],
    ["cliTimeout", "1d1s"],
    ["ttl", "-24h"]
  ]
  it.effect.each(bad)(
    "%s: %j fails the layer's construction and names the option",
    ([option, value]) =>
      Effect.gen(function*() {
        const world = yield* World.make
        const error = yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(
          Effect.provide(world.layer({ [option]: value } as FlyTokensOptions)),
          Effect.flip
        )
        assert.strictEqual(error._tag, "InvalidOption")
        assert.include(error.message, option)
      })
  )

  const fromEnv = (variables: Record<string, string>) =>
    Effect.gen(function*() {
      const options = yield* Options.config()
      return yield* Options.settingsOf(options)
    }).pipe(Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(variables))))

  it.effect("come from Config, with the same defaults", () =>
    Effect.gen(function*() {
      const { org: _, ...none } = yield* fromEnv({})
      const { org: __, ...defaults } = yield* Options.settingsOf({})
      assert.deepStrictEqual(none, defaults)
      const settings = yield* fromEnv({
        FLY_TOKENS_CLI_TIMEOUT: "5 seconds",
        FLY_TOKENS_ORG: "my-org",
        FLY_TOKENS_CHAIN: "storage, cli",
        FLY_TOKENS_TTL: "12 hours",
        FLY_TOKENS_MINT_FOR: "app",
        FLY_TOKENS_CLI_CONCURRENCY: "2"
      })
      assert.strictEqual(settings.cliTimeoutMillis, 5_000)
      assert.strictEqual(settings.org("any" as never), "my-org")
      assert.deepStrictEqual(settings.chain, ["storage", "cli"])
      assert.strictEqual(settings.mintFor, "app")
      assert.strictEqual(settings.ttlMillis, 12 * World.hour)
      assert.strictEqual(settings.cliConcurrency, 2)
    }))

  it.effect.each([
    ["FLY_TOKENS_TTL", "tomorrow"],
    ["FLY_TOKENS_CHAIN", "storage,nowhere"],
    ["FLY_TOKENS_CHAIN", ","],
    ["FLY_TOKENS_CLI_CONCURRENCY", "many"],
    ["FLY_TOKENS_CLI_CONCURRENCY", "0"],
    ["FLY_TOKENS_ORG", "-x"],
    ["FLY_TOKENS_MINT_FOR", "apps"],
    ["FLY_TOKENS_CLI_TIMEOUT", "30"],
    ["FLY_TOKENS_LEASE_WAIT", "25h"]
  ])("%s=%s fails with a clear error", ([name, value]) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(fromEnv({ [name!]: value! }))
      assert.include(["InvalidOption", "ConfigError"], error._tag)
    }))

  it.effect("durations are also written as flyctl takes them, in Config and in code", () =>
    Effect.gen(function*() {
      const written = {
        ttl: "1d12h",
        cliTimeout: "90s",
        storageTimeout: "1m30s",
        configFileTimeout: "500ms",
        softExpiryLead: "1h30m0s",
        leaseWait: "12h30m",
        failureCooldown: "0",
        rejectionTtl: "24h",
        idleTimeToLive: "7d"
      } as const
      const variables = Object.entries(written).map(([option, text]) => [
        `FLY_TOKENS_${option.replaceAll(/[A-Z]/g, "_$&").toUpperCase()}`,
        text
      ])
      const { org: _, ...fromConfig } = yield* fromEnv(Object.fromEntries(variables))
      // A zero without a unit is a number in code.
      const { org: __, ...inCode } = yield* Options.settingsOf({ ...written, failureCooldown: 0 })
      assert.deepStrictEqual(fromConfig, inCode)
      assert.deepInclude(inCode, {
        ttlMillis: 36 * World.hour,
        cliTimeoutMillis: 90_000,
        storageTimeoutMillis: 90_000,
        configFileTimeoutMillis: 500,
        softExpiryLeadMillis: 1.5 * World.hour,
        leaseWaitMillis: 12.5 * World.hour,
        failureCooldownMillis: 0,
        rejectionTtlMillis: World.day,
        idleTimeToLiveMillis: 7 * World.day
      })
    }))

  it.effect("a duration that is none is refused with examples", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(fromEnv({ FLY_TOKENS_TTL: "1 fortnight" }))
      assert.strictEqual(
        error.message,
        "option `ttl` (FLY_TOKENS_TTL) is not valid: expected a duration from 1 second to 20 years, for example "
          + `"90s", "12h30m" or "5 minutes"`
      )
    }))

  it.effect("defaults are those of the documentation", () =>
    Effect.gen(function*() {
      const settings = yield* Options.settingsOf({})
      assert.deepStrictEqual(
        { ...settings, org: undefined, persist: [...settings.persist] },
        {
          chain: ["env", "storage", "config", "cli", "manual"],
          ownSources: [],
          ttlMillis: 24 * World.hour,
          cliTimeoutMillis: 45_000,
          storageTimeoutMillis: 5_000,
          configFileTimeoutMillis: 2_000,
          cliConcurrency: 4,
          mintFor: "organization",
          leaseWaitMillis: 60_000,
          softExpiryLeadMillis: World.hour,
          softExpiryJitter: 0.1,
          org: undefined,
          persist: ["cli"],
          failureCooldownMillis: 5_000,
          rejectionTtlMillis: 300_000,
          idleTimeToLiveMillis: Number.POSITIVE_INFINITY
        }
      )
    }))

  it("have a layer from Config", () => assert.isDefined(FlyTokens.layerConfig()))
})
