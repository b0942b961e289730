/**
 * The options of the resolver, their defaults, and their form in `Config`.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { RefreshSettings } from "../policy/RefreshPolicy.ts"
import { type SourceName, sourceNames } from "../services/SourceName.ts"
import { InvalidOption } from "../services/TokenError.ts"
import { type AppName, isAppName } from "../token/AppName.ts"

/**
 * Options of {@link FlyTokens}. Each is optional and can come from `Config` too, named `FLY_TOKENS_` and its name in
 * upper snake case.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface FlyTokensOptions {
  /**
   * The sources to ask, in order. Default: `env`, `storage`, `config`, `cli`, `manual`. `FLY_TOKENS_CHAIN=storage,cli`.
   */
  readonly chain?: ReadonlyArray<SourceName> | undefined
  /** How long a token counts as valid after it was acquired, and the life asked of flyctl. Default 24 hours. */
  readonly ttl?: Duration.Input | undefined
  /** The limit of one run of flyctl, from its start. Default 45 seconds: flyctl itself waits 30 for a discharge that hangs. */
  readonly cliTimeout?: Duration.Input | undefined
  /** The limit of one access to the store. Default 5 seconds. */
  readonly storageTimeout?: Duration.Input | undefined
  /** The limit of reading flyctl's config file. Default 2 seconds. */
  readonly configFileTimeout?: Duration.Input | undefined
  /** The longest lead of a refresh before the expiry, before chance adds to it; 0 switches that off. Default 1 hour. */
  readonly softExpiryLead?: Duration.Input | undefined
  /** By which part of the lead, from 0 to 1, chance makes a refresh earlier, at most. Default 0.1. */
  readonly softExpiryJitter?: number | undefined
  /** How many runs of flyctl there are at once. Default 4. */
  readonly cliConcurrency?: number | undefined
  /**
   * The slug of the organization, for all apps or by app. Default: flyctl is asked once. In `Config` one slug for all.
   */
  readonly org?: string | ((app: AppName) => string | undefined) | undefined
  /**
   * Whom flyctl mints tokens for. `organization`: a read-only token for all apps of an organization, one mint for all of
   * them. `app`: a token for each app, narrowed to reading before anybody gets it; it needs no organization, and a leaked
   * one shows one app only. Default `organization`.
   */
  readonly mintFor?: "organization" | "app" | undefined
  /**
   * How long to wait for another process that mints for the same organization or app, before minting without a lease.
   * Default 15 seconds more than `cliTimeout`, so 1 minute.
   */
  readonly leaseWait?: Duration.Input | undefined
  /** From which sources (`env`, `config`, `cli`) a token is written to the store. Default: `cli`. */
  readonly persist?: ReadonlyArray<SourceName> | undefined
  /** For how long a failure is answered again without asking the sources. Default 5 seconds. */
  readonly failureCooldown?: Duration.Input | undefined
  /** For how long a rejected token is not handed out, whichever source yields it. Default 5 minutes. */
  readonly rejectionTtl?: Duration.Input | undefined
  /** After how long without a call an app's resolver is released; its token stays cached. Default: never. */
  readonly idleTimeToLive?: Duration.Input | undefined
}

/**
 * Options with every default filled in; durations in milliseconds.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface ResolverSettings extends RefreshSettings {
  readonly chain: ReadonlyArray<SourceName>
  readonly ttlMillis: number
  readonly cliTimeoutMillis: number
  readonly storageTimeoutMillis: number
  readonly configFileTimeoutMillis: number
  readonly cliConcurrency: number
  readonly org: (app: AppName) => string | undefined
  readonly mintFor: "organization" | "app"
  readonly leaseWaitMillis: number
  readonly persist: ReadonlySet<SourceName>
  readonly failureCooldownMillis: number
  readonly rejectionTtlMillis: number
  readonly idleTimeToLiveMillis: number
}

/** The shortest and the longest a duration may be. */
interface Range {
  readonly least: Duration.Duration
  readonly most: Duration.Duration
  readonly words: string
}

const positive: Range = {
  least: Duration.millis(1),
  most: Duration.hours(24),
  words: "a duration above zero and up to 24 hours, for example \"5 seconds\""
}
const orZero: Range = {
  least: Duration.zero,
  most: Duration.hours(24),
  words: "a duration from zero to 24 hours, for example \"5 seconds\""
}
const life: Range = {
  least: Duration.seconds(1),
  most: Duration.days(20 * 366),
  words: "a duration from 1 second to 20 years, for example \"24 hours\""
}
const open: Range = { least: Duration.zero, most: Duration.infinity, words: "a duration, for example \"1 hour\"" }

const millis = Effect.fnUntraced(function*(
  option: string,
  input: Duration.Input | undefined,
  fallback: Duration.Input,
  range: Range
) {
  const duration = Duration.fromInput(input ?? fallback)
  if (
    Option.isNone(duration) || Duration.isLessThan(duration.value, range.least) ||
    Duration.isGreaterThan(duration.value, range.most)
  ) {
    return yield* new InvalidOption({ option, expected: range.words })
  }
  return Duration.toMillis(duration.value)
})

const sources = Effect.fnUntraced(function*(
  option: string,
  list: ReadonlyArray<SourceName>,
  allowed: ReadonlyArray<SourceName>,
  least: number
) {
  if (list.length < least || new Set(list).size !== list.length || !list.every((name) => allowed.includes(name))) {
    return yield* new InvalidOption({ option, expected: `a list of different sources out of ${allowed.join(", ")}` })
  }
  return list
})

/** A stored or manual token has its place in the store already. */
const persistable: ReadonlyArray<SourceName> = ["env", "config", "cli"]

/** Slugs of organizations have the form of app names, so a slug is never a flag either. */
const organizations = Effect.fnUntraced(function*(org: FlyTokensOptions["org"]) {
  if (org === undefined) return () => undefined
  if (typeof org === "function") return org
  if (!isAppName(org)) return yield* new InvalidOption({ option: "org", expected: "the slug of an organization" })
  return () => org
})

/**
 * Checks options and fills in the defaults.
 *
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const settingsOf = Effect.fnUntraced(
  function*(options: FlyTokensOptions): Effect.fn.Return<ResolverSettings, InvalidOption> {
    const cliConcurrency = options.cliConcurrency ?? 4
    if (!Number.isInteger(cliConcurrency) || cliConcurrency < 1) {
      return yield* new InvalidOption({ option: "cliConcurrency", expected: "a whole number from 1" })
    }
    const mintFor = options.mintFor ?? "organization"
    if (mintFor !== "organization" && mintFor !== "app") {
      return yield* new InvalidOption({ option: "mintFor", expected: "organization or app" })
    }
    const softExpiryJitter = options.softExpiryJitter ?? 0.1
    if (!(softExpiryJitter >= 0 && softExpiryJitter <= 1)) {
      return yield* new InvalidOption({ option: "softExpiryJitter", expected: "a number from 0 to 1" })
    }
    const cliTimeoutMillis = yield* millis("cliTimeout", options.cliTimeout, Duration.seconds(45), positive)
    // Whoever waits for another process's mint gives it the time that a mint may take, and what it takes to store it.
    const leaseWait = Math.min(cliTimeoutMillis + 15_000, Duration.toMillis(positive.most))
    return {
      chain: yield* sources("chain", options.chain ?? sourceNames, sourceNames, 1),
      ttlMillis: yield* millis("ttl", options.ttl, Duration.hours(24), life),
      cliTimeoutMillis,
      storageTimeoutMillis: yield* millis("storageTimeout", options.storageTimeout, Duration.seconds(5), positive),
      configFileTimeoutMillis: yield* millis(
        "configFileTimeout",
        options.configFileTimeout,
        Duration.seconds(2),
        positive
      ),
      softExpiryLeadMillis: yield* millis("softExpiryLead", options.softExpiryLead, Duration.hours(1), open),
      softExpiryJitter,
      cliConcurrency,
      org: yield* organizations(options.org),
      mintFor,
      leaseWaitMillis: yield* millis("leaseWait", options.leaseWait, leaseWait, positive),
      persist: new Set(yield* sources("persist", options.persist ?? ["cli"], persistable, 0)),
      failureCooldownMillis: yield* millis("failureCooldown", options.failureCooldown, Duration.seconds(5), orZero),
      rejectionTtlMillis: yield* millis("rejectionTtl", options.rejectionTtl, Duration.minutes(5), orZero),
      idleTimeToLiveMillis: yield* millis("idleTimeToLive", options.idleTimeToLive, Duration.infinity, open)
    }
  }
)

const optional = <A>(config: Config.Config<A>): Config.Config<A | undefined> => Config.withDefault(config, undefined)

/** Names with commas between them, or `none`. Whether they are sources is decided with all other options. */
const list = (name: string): Config.Config<ReadonlyArray<SourceName> | undefined> =>
  optional(Config.String(name)).pipe(
    Config.map((text) => {
      const items = text?.split(",").map((item) => item.trim()).filter((item) => item !== "")
      return (items?.length === 1 && items[0] === "none" ? [] : items) as Array<SourceName> | undefined
    })
  )

/** A duration as text: whether it is one is decided with all other options, which say it in one way. */
const duration = (name: string): Config.Config<Duration.Input | undefined> =>
  Config.map(optional(Config.String(name)), (text) => text as Duration.Input | undefined)

/** A number as text; what is none becomes `NaN`, which no option takes. */
const number = (name: string): Config.Config<number | undefined> =>
  Config.map(optional(Config.String(name)), (text) => text === undefined ? undefined : Number(text))

/**
 * The options as `Config`: from the environment by default, `FLY_TOKENS_TTL="12 hours"` for instance. What is not set is
 * left out; what is set is judged with all other options, when the layer is built.
 *
 * @category config
 * @since 0.1.0
 * @stability stable
 */
export const config: Config.Config<FlyTokensOptions> = Config.all({
  chain: list("FLY_TOKENS_CHAIN"),
  ttl: duration("FLY_TOKENS_TTL"),
  cliTimeout: duration("FLY_TOKENS_CLI_TIMEOUT"),
  storageTimeout: duration("FLY_TOKENS_STORAGE_TIMEOUT"),
  configFileTimeout: duration("FLY_TOKENS_CONFIG_FILE_TIMEOUT"),
  softExpiryLead: duration("FLY_TOKENS_SOFT_EXPIRY_LEAD"),
  softExpiryJitter: number("FLY_TOKENS_SOFT_EXPIRY_JITTER"),
  cliConcurrency: number("FLY_TOKENS_CLI_CONCURRENCY"),
  org: optional(Config.String("FLY_TOKENS_ORG")),
  // As text: whether it is one of the two is decided with all other options.
  mintFor: Config.map(optional(Config.String("FLY_TOKENS_MINT_FOR")), (text) => text as FlyTokensOptions["mintFor"]),
  leaseWait: duration("FLY_TOKENS_LEASE_WAIT"),
  persist: list("FLY_TOKENS_PERSIST"),
  failureCooldown: duration("FLY_TOKENS_FAILURE_COOLDOWN"),
  rejectionTtl: duration("FLY_TOKENS_REJECTION_TTL"),
  idleTimeToLive: duration("FLY_TOKENS_IDLE_TIME_TO_LIVE")
})
