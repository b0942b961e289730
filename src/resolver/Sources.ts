/** The sources of a chain, by the option `chain`. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Background from "../concurrency/Background.ts"
import type { MintedTokens } from "../minting/MintedTokens.ts"
import type { Answer } from "../minting/MintExplanation.ts"
import type { ResolverSettings } from "../policy/Options.ts"
import type { StoreReads } from "../records/StoreReads.ts"
import type { ConfigFile } from "../services/ConfigFile.ts"
import type { Environment } from "../services/Environment.ts"
import * as OptionDuration from "../services/OptionDuration.ts"
import type { TokenRequest, TokenSource } from "../services/TokenSource.ts"
import type { AppName } from "../token/AppName.ts"
import type { FlyToken } from "../token/FlyToken.ts"
import type * as Chain from "./Chain.ts"
import * as Cli from "./sources/Cli.ts"
import * as Config from "./sources/Config.ts"
import * as Env from "./sources/Env.ts"
import * as Manual from "./sources/Manual.ts"
import * as Stored from "./sources/Stored.ts"

/** A source as the chain has it. */
export interface Source extends Chain.Source {
  /** What it would do, for one that does more than to look. */
  readonly explain: ((request: TokenRequest) => Effect.Effect<Answer>) | undefined
}

/** What a built-in source says beside. */
interface BuiltIn {
  readonly source: TokenSource
  /** Its limit of time; `undefined` only if all that it waits for has one of its own, as accesses to the store have. */
  readonly limit: Background.Limit | undefined
  readonly stored?: boolean
  readonly explain?: Source["explain"]
}

const defaultTimeout = Duration.seconds(5)

const own = (source: TokenSource): BuiltIn => ({
  source,
  limit: {
    option: "timeout",
    millis: Duration.toMillis(
      Option.getOrElse(OptionDuration.read(source.timeout ?? defaultTimeout), () => defaultTimeout)
    )
  }
})

export const make = (options: {
  readonly environment: Environment["Service"]
  readonly configFile: ConfigFile["Service"]
  readonly reads: StoreReads
  readonly minted: Pick<MintedTokens, "acquire" | "explain">
  readonly manual: Map<AppName, FlyToken>
  readonly background: Background.Background
  readonly settings: ResolverSettings
}): ReadonlyArray<Source> => {
  const { background, minted, reads, settings } = options
  const configFileTimeout = { option: "configFileTimeout", millis: settings.configFileTimeoutMillis }
  const builtIns: ReadonlyArray<BuiltIn> = [
    // It waits for nothing.
    { source: Env.make(options.environment), limit: undefined },
    { source: Stored.make(reads), limit: undefined, stored: true },
    { source: Config.make(options.configFile), limit: configFileTimeout },
    { source: Cli.make(minted), limit: undefined, explain: minted.explain },
    { source: Manual.make(reads, options.manual), limit: undefined }
  ]
  const all = [...builtIns, ...settings.ownSources.map(own)]

  return settings.chain.flatMap((name) => {
    const found = all.find(({ source }) => source.name === name)
    if (found === undefined) return []
    const { explain, limit, source, stored = false } = found
    const { acquire, lastResort = false, shared = false } = source
    return [{
      name,
      lastResort,
      shared,
      stored,
      explain,
      persists: settings.persist.has(name),
      acquire: limit === undefined
        ? acquire
        : (request) => Background.within(background.fork, Effect.suspend(() => acquire(request)), limit)
    }]
  })
}
