/**
 * The options of the resolver, their defaults, and their form in `Config`.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { duration, given, number, optional, type OrConfig } from "../services/OptionConfig.ts"
import * as OptionDuration from "../services/OptionDuration.ts"
import { variables } from "../services/OptionName.ts"
import { SourceName, sourceNames } from "../services/SourceName.ts"
import { InvalidOption } from "../services/TokenError.ts"
import { NamedSources, type TokenSource } from "../services/TokenSource.ts"
import { type AppName, isAppName } from "../token/AppName.ts"
import type { RefreshSettings } from "./RefreshPolicy.ts"

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
   * The sources to ask, in order: names, and sources of your own. Default: `env`, `storage`, `config`, `cli`, `manual`.
   * `FLY_TOKENS_CHAIN=storage,cli`.
   */
  readonly chain?: ReadonlyArray<SourceName | TokenSource> | undefined
  /** How long a token counts as valid after it was acquired, and the life asked of flyctl. Default 24 hours. */
  readonly ttl?: OptionDuration.DurationInput | undefined
  /** The limit of one run of flyctl, from its start. Default 45 seconds: flyctl itself waits 30 for a discharge that hangs. */
  readonly cliTimeout?: OptionDuration.DurationInput | undefined
  /** The limit of one access to the store. Default 5 seconds. */
  readonly storageTimeout?: OptionDuration.DurationInput | undefined
  /** The limit of reading flyctl's config file. Default 2 seconds. */
  readonly configFileTimeout?: OptionDuration.DurationInput | undefined
  /** The longest lead of a refresh before the expiry, before chance adds to it; 0 switches that off. Default 1 hour. */
  readonly softExpiryLead?: OptionDuration.DurationInput | undefined
  /** By which part of the lead, from 0 to 1, chance makes a refresh earlier, at most. Default 0.1. */
  readonly softExpiryJitter?: number | undefined
  /** How many runs of flyctl there are at once. Default 4. */
  readonly cliConcurrency?: number | undefined
  /**
   * The slug of the organization, for all apps or by app. Default: flyctl is asked, once per app, and the answer is kept in
   * the app's record. In `Config` one slug for all.
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
  readonly leaseWait?: OptionDuration.DurationInput | undefined
  /**
   * From which sources (`env`, `config`, `cli`, your own) a token is written to the store. Default: `cli`, and those of
   * your own that say so.
   */
  readonly persist?: ReadonlyArray<SourceName> | undefined
  /** For how long a failure is answered again without asking the sources. Default 5 seconds. */
  readonly failureCooldown?: OptionDuration.DurationInput | undefined
  /** For how long a rejected token is not handed out, whichever source yields it. Default 5 minutes. */
  readonly rejectionTtl?: OptionDuration.DurationInput | undefined
  /** After how long without a call an app's resolver is released; its token stays cached. Default: never. */
  readonly idleTimeToLive?: OptionDuration.DurationInput | undefined
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
  /** Sources of the user's own, of those in the chain. */
  readonly ownSources: ReadonlyArray<TokenSource>
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

const positive: OptionDuration.Range = {
  least: Duration.millis(1),
  most: Duration.hours(24),
  words: "above zero and up to 24 hours"
}
const orZero: OptionDuration.Range = {
  least: Duration.zero,
  most: Duration.hours(24),
  words: "from zero to 24 hours"
}
const life: OptionDuration.Range = {
  least: Duration.seconds(1),
  most: Duration.days(20 * 366),
  words: "from 1 second to 20 years"
}
const open: OptionDuration.Range = { least: Duration.zero, most: Duration.infinity, words: "from zero on" }

const millis = (
  option: string,
  input: OptionDuration.DurationInput | undefined,
  fallback: Duration.Duration,
  range: OptionDuration.Range
): Effect.Effect<number, InvalidOption> =>
  Effect.map(OptionDuration.within(option, input ?? fallback, range), (duration) => Duration.toMillis(duration))

const sourceName = (source: SourceName | TokenSource): SourceName => typeof source === "string" ? source : source.name

const names = Effect.fnUntraced(function*(
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

const isOwn = (source: SourceName | TokenSource): source is TokenSource => typeof source !== "string"

/** Sources of a user's own have names of their own, which no record and no message can mix up with others. */
const sources = Effect.fnUntraced(function*(given: NonNullable<FlyTokensOptions["chain"]>) {
  const named = yield* NamedSources
  const chain = given.map((source) => named.find(({ name }) => name === source) ?? source)
  const own = chain.filter(isOwn)
  for (const { name, timeout } of own) {
    if (!Schema.is(SourceName)(name) || sourceNames.some((builtIn) => builtIn === name)) {
      const expected = "sources of your own with names of their own, of lowercase letters, digits and dashes"
      return yield* new InvalidOption({ option: "chain", expected })
    }
    if (timeout !== undefined) yield* millis("chain", timeout, Duration.zero, positive)
  }
  const allowed = new Set([...sourceNames, ...named.map(({ name }) => name), ...own.map(({ name }) => name)])
  return { chain: yield* names("chain", chain.map(sourceName), [...allowed], 1), own }
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
    const leaseWait = Duration.min(Duration.millis(cliTimeoutMillis + 15_000), positive.most)
    const { chain, own } = yield* sources(options.chain ?? sourceNames)
    const persist = ["cli", ...own.filter(({ persist }) => persist).map(({ name }) => name)]
    return {
      chain,
      ownSources: own,
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
      persist: new Set(
        yield* names("persist", options.persist ?? persist, [...persistable, ...own.map(({ name }) => name)], 0)
      ),
      failureCooldownMillis: yield* millis("failureCooldown", options.failureCooldown, Duration.seconds(5), orZero),
      rejectionTtlMillis: yield* millis("rejectionTtl", options.rejectionTtl, Duration.minutes(5), orZero),
      idleTimeToLiveMillis: yield* millis("idleTimeToLive", options.idleTimeToLive, Duration.infinity, open)
    }
  }
)

/** Names with commas between them, or `none`. Whether they are sources is decided with all other options. */
const list = (name: string): Config.Config<ReadonlyArray<SourceName> | undefined> =>
  optional(Config.String(name)).pipe(
    Config.map((text) => {
      const items = text?.split(",").map((item) => item.trim()).filter((item) => item !== "")
      return (items?.length === 1 && items[0] === "none" ? [] : items) as Array<SourceName> | undefined
    })
  )

/** Every option, by the compiler. */
const readers: { readonly [Option in keyof Required<FlyTokensOptions>]: Config.Config<FlyTokensOptions[Option]> } = {
  chain: list(variables.chain),
  ttl: duration(variables.ttl),
  cliTimeout: duration(variables.cliTimeout),
  storageTimeout: duration(variables.storageTimeout),
  configFileTimeout: duration(variables.configFileTimeout),
  softExpiryLead: duration(variables.softExpiryLead),
  softExpiryJitter: number(variables.softExpiryJitter),
  cliConcurrency: number(variables.cliConcurrency),
  org: optional(Config.String(variables.org)),
  // As text: whether it is one of the two is decided with all other options.
  mintFor: Config.map(optional(Config.String(variables.mintFor)), (text) => text as FlyTokensOptions["mintFor"]),
  leaseWait: duration(variables.leaseWait),
  persist: list(variables.persist),
  failureCooldown: duration(variables.failureCooldown),
  rejectionTtl: duration(variables.rejectionTtl),
  idleTimeToLive: duration(variables.idleTimeToLive)
}

/**
 * Options of which each is a value, or the `Config` of one.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type FlyTokensConfig = OrConfig<FlyTokensOptions>

/**
 * The options as `Config`: from the environment by default, `FLY_TOKENS_TTL="12 hours"` for instance. What is not set is
 * left out; what is set is judged with all other options, when the layer is built.
 */
export const config = (options: FlyTokensConfig = {}): Config.Config<FlyTokensOptions> =>
  given<FlyTokensOptions>(readers, options)
