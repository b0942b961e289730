/**
 * The tokens of all apps, in memory. It outlives every resolver.
 *
 * @since 0.1.0
 */
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { ResolvedToken } from "../../services/FlyTokens.ts"
import type { AppName } from "../../token/AppName.ts"

/**
 * A cached token with its answers made beforehand, so that a hit allocates nothing.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface CacheEntry {
  readonly resolved: ResolvedToken
  readonly exit: Exit.Exit<ResolvedToken>
  readonly some: Option.Option<ResolvedToken>
  /** Epoch milliseconds; `Infinity` if it does not end. */
  readonly expiresAt: number
  /** When it is to be refreshed, epoch milliseconds; `Infinity` if never. */
  readonly refreshAt: number
  /** Until when the fast path hands it out: its expiry, earlier while it is being refreshed. */
  fastUntil: number
  /** Whether a live resolver looks after it. Without one the next `get` takes the slow path once and brings it back. */
  attended: boolean
  /** When it was last handed out, epoch milliseconds. */
  lastUsed: number
}

/**
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface TokenCache {
  /** Entries by app. Only valid app names get in, so looking up any text is safe. */
  readonly entries: Map<string, CacheEntry>
  /**
   * The token that an app's stored copy may still hold although it was dropped, by its identity: the store is slow or
   * fails, and must not bring it back.
   */
  readonly dropped: Map<AppName, string>
  /** How often the fast path answered. */
  hits: number
}

/**
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const make = (): TokenCache => ({ entries: new Map(), dropped: new Map(), hits: 0 })

/**
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const entryOf = (
  resolved: ResolvedToken,
  times: { readonly refreshAt: number; readonly lastUsed: number }
): CacheEntry => {
  const expiresAt = resolved.expiresAt ?? Number.POSITIVE_INFINITY
  return {
    resolved,
    exit: Exit.succeed(resolved),
    some: Option.some(resolved),
    expiresAt,
    refreshAt: times.refreshAt,
    fastUntil: expiresAt,
    attended: true,
    lastUsed: times.lastUsed
  }
}
