/**
 * What a provider of tokens hands out, and what it can be asked.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { AppName } from "../token/AppName.ts"
import type { ApiTarget, FlyToken } from "../token/FlyToken.ts"
import type { SourceName } from "./SourceName.ts"
import type { InvalidAppName, NoTokenAvailable, PersistFailed, UnusableToken } from "./TokenError.ts"
import type { TokenEvent } from "./TokenEvent.ts"

/**
 * A token for an app, and where it came from.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export class ResolvedToken {
  readonly app: AppName
  /** The token itself; printed, it shows its fingerprint only. */
  readonly token: FlyToken
  /** Where this process took it; never the cache. */
  readonly source: SourceName
  /**
   * Epoch milliseconds: the earlier of the token's own expiry and the moment of its acquisition plus `ttl`. At this
   * moment it is expired. `null` is for services of your own whose tokens never end; `ttl` always does.
   */
  readonly expiresAt: number | null

  /** For services of your own, in tests and elsewhere. */
  constructor(fields: {
    readonly app: AppName
    readonly token: FlyToken
    readonly source: SourceName
    readonly expiresAt: number | null
  }) {
    this.app = fields.app
    this.token = fields.token
    this.source = fields.source
    this.expiresAt = fields.expiresAt
  }

  /** **The secret** as the value of an `Authorization` header. */
  authorization(target: ApiTarget): string {
    return this.token.authorization(target)
  }
}

/**
 * How an app stands. Times are epoch milliseconds; nothing in it is secret.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface TokenStatus {
  readonly app: AppName
  /** Where the current token came from; `null`, as the next two, if there is no valid one. */
  readonly source: SourceName | null
  /** The token's {@link FlyToken.fingerprint}. */
  readonly fingerprint: string | null
  /** When the token ends. */
  readonly expiresAt: number | null
  /** When the next refresh is due; `null` if none is planned. */
  readonly refreshAt: number | null
  /** Whether a run of the sources is under way. */
  readonly inFlight: boolean
  /** Until when failures are answered, or no refresh is tried, because the last run failed; `null` if it did not. */
  readonly backOffUntil: number | null
  /** Why the last run gave no token; `null` if it gave one, or there was none. */
  readonly lastFailure: NoTokenAvailable | null
}

/**
 * A token that was refused, as it was handed out: the {@link FlyToken} or the text that was sent.
 *
 * **Gotchas**
 *
 * What is no token (a copy made by `structuredClone`, one that went through JSON, a cut text) fails with
 * `UnusableToken`: it would refuse nothing.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface RefreshOptions {
  /** Nothing is said against any token without it. */
  readonly rejected?: FlyToken | Redacted.Redacted<string> | undefined
}

/**
 * What `FlyTokens` does.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface TokenProvider {
  /** The app's token, from the cache or from the first source with a usable one. */
  readonly get: (app: string) => Effect.Effect<ResolvedToken, NoTokenAvailable | InvalidAppName>
  /**
   * Drops the current token and gets one, in one step: once it began, no caller is handed the old token from cache or
   * storage. Concurrent calls share one run.
   *
   * With `rejected` it acts only if the current token is that one, else it answers the current one; the rejected token
   * is a miss wherever it turns up, for `rejectionTtl`. Without `rejected` nothing is said against the old token: the
   * environment or the config file may yield it again, and if the run fails it is put back while this call fails.
   */
  readonly refresh: (
    app: string,
    options?: RefreshOptions
  ) => Effect.Effect<ResolvedToken, NoTokenAvailable | InvalidAppName | UnusableToken>
  /**
   * Drops the cached token in memory and in storage, never the manual one; starts no run. With `rejected` only if the
   * current token is that one. Answers the token that is current afterwards. Memory is cleared also when the store
   * fails (`PersistFailed`).
   */
  readonly invalidate: (
    app: string,
    options?: RefreshOptions
  ) => Effect.Effect<Option.Option<ResolvedToken>, InvalidAppName | UnusableToken | PersistFailed>
  /**
   * Stores a token of last resort for the app, durable when it returns. Does not wait behind a running resolve; a valid
   * token of a better source stays.
   */
  readonly setManual: (
    app: string,
    token: FlyToken | Redacted.Redacted<string>
  ) => Effect.Effect<void, InvalidAppName | UnusableToken | PersistFailed>
  /** Removes the app's manual token, durable when it returns. */
  readonly removeManual: (app: string) => Effect.Effect<void, InvalidAppName | PersistFailed>
  /**
   * Keeps a valid token for the app until the scope closes, although nobody asks for it: the sources are asked now if there
   * is none, and after a failure again and again, by the back-off of a refresh (30 seconds doubling to 10 minutes). The app
   * does not count as idle. What happens is told by `status` and `events`.
   */
  readonly keep: (app: string) => Effect.Effect<void, InvalidAppName, Scope.Scope>
  /** The valid cached token, at once and without running an effect. */
  readonly peek: (app: string) => Option.Option<ResolvedToken>
  /** How an app stands; starts nothing. */
  readonly status: (app: string) => Effect.Effect<TokenStatus, InvalidAppName>
  /** How every app stands that has a token or a run under way. */
  readonly statuses: Effect.Effect<ReadonlyArray<TokenStatus>>
  /**
   * What happens from the moment of subscribing on. A subscriber that is slow loses the oldest of 65,536 events and holds
   * up nobody; without one an event costs nothing.
   */
  readonly events: Stream.Stream<TokenEvent>
}
