/**
 * Where tokens come from: sources are values, and the chain is a list of them.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { FlyToken } from "../token/FlyToken.ts"
import type { TokenKey } from "../token/TokenKey.ts"
import type { MissReason } from "./MissReason.ts"
import type { DurationInput } from "./OptionDuration.ts"
import type { SourceName } from "./SourceName.ts"

/**
 * A token that a source has. Whether it can be used is decided by whoever asked.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface Candidate {
  /** The token. */
  readonly token: FlyToken
  /** When it was acquired, epoch milliseconds: from then on `ttl` counts. */
  readonly acquiredAt: number
  /** When it ends at the latest, epoch milliseconds, if the source knows what the token does not say. */
  readonly expiresAt?: number
  /** Where this process took it, if not from the source that was asked. */
  readonly from?: SourceName
  /** The number of the lease under which it was minted. */
  readonly fence?: number
  /** The organization that flyctl, or the record that it is from, names for the app. */
  readonly org?: string
  /** Of a token that is being written to the app's record already: `true` when it is there, `false` if it will not be. */
  readonly written?: Effect.Effect<boolean>
}

/**
 * A source that gave no token, or one that cannot be used.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface Miss {
  /** Which source. */
  readonly source: SourceName
  /** Why. */
  readonly reason: MissReason
  /** The token that cannot be used. */
  readonly candidate?: Candidate
}

/**
 * What a source is asked for.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface TokenRequest {
  /** For which app, and for what. */
  readonly key: TokenKey
  /**
   * Whether a caller wants another token than the one that is stored. Not if a token was rejected: that one is refused by
   * itself, and another one in the store is good.
   */
  readonly isRefresh: boolean
  /** A refresh ahead of expiry: only a token that lives longer counts, epoch milliseconds. */
  readonly livesPast: number | undefined
  /** What the sources before this one in the chain came to. */
  readonly misses: ReadonlyArray<Miss>
}

/**
 * A source of tokens.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface TokenSource {
  /** Shown in statuses, errors, metrics and records: lowercase letters, digits and dashes. */
  readonly name: SourceName
  /** Gives a token, or says why it has none. It may fail, die or hang: all that is a miss. */
  readonly acquire: (request: TokenRequest) => Effect.Effect<Candidate, MissReason>
  /** After how long it is a miss. Default 5 seconds. */
  readonly timeout?: DurationInput | undefined
  /** Whether its tokens are written to the store, unless the option `persist` says. Default: no. */
  readonly persist?: boolean | undefined
  /**
   * Whether any other token is better: while one of this source serves, the sources are asked again and again. Default:
   * no.
   */
  readonly lastResort?: boolean | undefined
  /**
   * Whether it gives the same token whatever the app. It is a miss, then, for an app that the token can be seen not to
   * serve. Default: no.
   */
  readonly shared?: boolean | undefined
}

/**
 * Sources that the option `chain` can name although they are not built in. Default: none.
 *
 * @category references
 * @since 0.1.0
 * @stability stable
 */
export const NamedSources: Context.Reference<ReadonlyArray<TokenSource>> = Context.Reference<
  ReadonlyArray<TokenSource>
>("effect-fly-tokens/NamedSources", { defaultValue: () => [] })
