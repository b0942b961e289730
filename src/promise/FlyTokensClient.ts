/// <reference lib="esnext.disposable" preserve="true" />

/** `FlyTokens` for programs without Effect: what they call, and with what. */
import type * as Duration from "effect/Duration"
import type { FlyTokensNodeOptions } from "../layers/FlyTokensNode.ts"
import type { DurationInput } from "../services/OptionDuration.ts"
import type { TokenEvent } from "../services/TokenEvent.ts"
import type { ResolvedToken, TokenStatus } from "../services/TokenProvider.ts"
import type { FlyToken } from "../token/FlyToken.ts"

/**
 * A number of milliseconds, or a text such as `"5 seconds"` or `"12h30m"`.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type DurationLike = Extract<DurationInput, string | number>

/**
 * Options of every client.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface ClientOptions {
  /**
   * Takes each log line, for instance that a refresh failed and when the next try is; `false` for none. No line holds
   * a token. Default: `console.error`.
   */
  readonly log?: ((line: string) => unknown) | false | undefined
}

/** An option that takes a duration takes it as a text or a number here. */
type Plain<Options> = {
  [Name in keyof Options]: Duration.Duration extends Options[Name] ? DurationLike | undefined : Options[Name]
}

/**
 * Options of `createFlyTokens`: those of `FlyTokensNode.layer`, all optional.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface CreateFlyTokensOptions extends Plain<FlyTokensNodeOptions>, ClientOptions {}

/**
 * Options of one call.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface CallOptions {
  /** Ends the wait, not the work: the call rejects with the signal's reason, and what it began goes on. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Options of `refresh` and `invalidate`.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface RefreshOptions extends CallOptions {
  /** The token that was refused: as it was handed out, or the text that was sent. */
  readonly rejected?: FlyToken | string | undefined
}

/**
 * The tokens were closed, before the call or while it waited.
 *
 * @category errors
 * @since 0.1.0
 * @stability stable
 */
export class FlyTokensClosed extends Error {
  readonly _tag = "FlyTokensClosed"
  override readonly name = "FlyTokensClosed"

  constructor() {
    super("these tokens were closed; create new ones with createFlyTokens")
  }
}

/**
 * Hands out valid Fly tokens, by promises.
 *
 * **Details**
 *
 * What it guarantees is what the service `FlyTokens` does: concurrent calls for one app share one run of the sources, no
 * caller owns it, an expired or rejected token is never handed out. Errors are `Error`s with a `_tag`:
 * `NoTokenAvailable`, `InvalidAppName`, `UnusableToken`, `PersistFailed`, `InvalidOption`, `FlyTokensClosed`.
 *
 * No promise inside of it can reject unhandled; those that its methods return are yours. The methods need no `this`.
 *
 * **Gotchas**
 *
 * A token that waits for its refresh does not keep Node running; a call that is waited for does.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface FlyTokensClient extends AsyncDisposable {
  /** The app's token, from memory or from the first source with a usable one. */
  readonly get: (app: string, options?: CallOptions) => Promise<ResolvedToken>
  /**
   * Drops the current token and gets one, in one step. With `rejected` only if the current token is that one, else it
   * answers the current one; the rejected token is not handed out for `rejectionTtl`, whichever source yields it.
   */
  readonly refresh: (app: string, options?: RefreshOptions) => Promise<ResolvedToken>
  /**
   * Drops the cached token in memory and in the store, never the manual one; starts nothing. With `rejected` only if
   * the current token is that one. Answers the token that is current afterwards.
   */
  readonly invalidate: (app: string, options?: RefreshOptions) => Promise<ResolvedToken | undefined>
  /** Stores a token of last resort for the app, durable when it resolves. */
  readonly setManual: (app: string, token: FlyToken | string, options?: CallOptions) => Promise<void>
  /** Removes the app's manual token, durable when it resolves. */
  readonly removeManual: (app: string, options?: CallOptions) => Promise<void>
  /** The valid cached token, at once. */
  readonly peek: (app: string) => ResolvedToken | undefined
  /** How an app stands: source, fingerprint, expiry, next refresh, last failure. */
  readonly status: (app: string, options?: CallOptions) => Promise<TokenStatus>
  /** How every app stands that has a token or a run under way. */
  readonly statuses: (options?: CallOptions) => Promise<ReadonlyArray<TokenStatus>>
  /**
   * Calls the listener at every event of that name, or at all of them with `"*"`; returns what takes it away again. A
   * listener that throws, or whose promise rejects, makes a log line and disturbs nobody.
   */
  readonly on: <Name extends TokenEvent["_tag"] | "*">(
    name: Name,
    listener: (event: Name extends "*" ? TokenEvent : Extract<TokenEvent, { readonly _tag: Name }>) => unknown
  ) => () => void
  /**
   * Ends it: writes that were asked for are waited for, at most 5 seconds; calls that wait reject with
   * `FlyTokensClosed`, as all later ones do. Never rejects, and may be called again.
   */
  readonly close: () => Promise<void>
}
