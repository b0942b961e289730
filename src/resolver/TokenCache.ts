/** The tokens of all apps, in memory. It outlives every resolver. */
import type * as Clock from "effect/Clock"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as TimedMap from "../concurrency/TimedMap.ts"
import type { ResolvedToken } from "../services/TokenProvider.ts"
import type { AppName } from "../token/AppName.ts"
import type { FlyToken } from "../token/FlyToken.ts"

/** A cached token with its answers made beforehand, so that a hit allocates nothing. */
export interface CacheEntry {
  readonly resolved: ResolvedToken
  readonly exit: Exit.Exit<ResolvedToken>
  readonly some: Option.Option<ResolvedToken>
  /** The same as a promise, made by the first who wants one. */
  promise: Promise<ResolvedToken> | undefined
  /** Epoch milliseconds; `Infinity` if it does not end. */
  readonly expiresAt: number
  /** When it is to be refreshed, epoch milliseconds; `Infinity` if never. */
  readonly refreshAt: number
  /** When it was put in, epoch milliseconds; an earlier clock was set back. */
  since: number
  /** Until when the fast path hands it out: its expiry, earlier while it is being refreshed. */
  fastUntil: number
  /** Whether a live resolver looks after it. Without one the next `get` takes the slow path once and brings it back. */
  attended: boolean
  /** When it was last handed out, epoch milliseconds. */
  lastUsed: number
}

export interface TokenCache {
  /** Entries by app. Only valid app names get in, so looking up any text is safe. */
  readonly entries: Map<string, CacheEntry>
  /**
   * The tokens, by identity, that an app's stored copy may still hold although they were dropped: the store is slow or
   * fails, and must not bring them back. A copy lives no longer than `droppedForMillis`.
   */
  readonly dropped: Map<AppName, TimedMap.TimedMap<true>>
  readonly droppedForMillis: number
  /** Manual tokens that were read or set: they serve while the store cannot be read. */
  readonly manual: Map<AppName, FlyToken>
  /** At how many entries the next sweep of expired ones is due. */
  sweepAt: number
  /** The same for the apps of dropped tokens. */
  sweepDroppedAt: number
  /** How often the fast path answered. */
  hits: number
}

/** A cache of tokens that live for `ttlMillis` at most. */
export const make = (ttlMillis: number): TokenCache => ({
  entries: new Map(),
  dropped: new Map(),
  droppedForMillis: ttlMillis,
  manual: new Map(),
  sweepAt: firstSweep,
  sweepDroppedAt: firstSweep,
  hits: 0
})

/**
 * The fast path: the entry to hand out as it is, without a resolver, and the notes that go with it. `undefined` if there
 * is none, it has come to its end, is being refreshed in its last minute, or has nobody who looks after it.
 */
export const hit = (cache: TokenCache, app: string, clock: Clock.Clock): CacheEntry | undefined => {
  const entry = cache.entries.get(app)
  if (entry === undefined || !entry.attended) return undefined
  const now = clock.currentTimeMillisUnsafe()
  if (now >= entry.fastUntil) return undefined
  cache.hits++
  entry.lastUsed = now
  return entry
}

/** Below this many entries an expired one that nobody asks for costs less than looking for it. */
const firstSweep = 1_000

/** Puts an entry in. Expired entries of apps that nobody looks after are swept out whenever the cache has doubled. */
export const set = (cache: TokenCache, app: AppName, entry: CacheEntry, now: number): void => {
  cache.entries.set(app, entry)
  if (cache.entries.size < cache.sweepAt) return
  for (const [name, { attended, expiresAt }] of cache.entries) {
    if (!attended && expiresAt <= now) cache.entries.delete(name)
  }
  cache.sweepAt = Math.max(firstSweep, 2 * cache.entries.size)
}

/** Notes that an app's token was dropped. */
export const drop = (cache: TokenCache, app: AppName, identity: string, now: number): void => {
  const dropped = cache.dropped.get(app) ?? TimedMap.make<true>(cache.droppedForMillis)
  cache.dropped.set(app, dropped)
  dropped.set(identity, true, now)
  if (cache.dropped.size < cache.sweepDroppedAt) return
  for (const name of cache.dropped.keys()) droppedOf(cache, name, now)
  cache.sweepDroppedAt = Math.max(firstSweep, 2 * cache.dropped.size)
}

/** What of an app was dropped and may still be in the store. */
export const droppedOf = (cache: TokenCache, app: AppName, now: number): ReadonlyArray<string> => {
  const identities = cache.dropped.get(app)?.keys(now) ?? []
  if (identities.length === 0) cache.dropped.delete(app)
  return identities
}

/** Takes that back, for tokens that the store cannot bring back any more, or that are current again. */
export const undrop = (cache: TokenCache, app: AppName, identities: Iterable<string>): void => {
  const dropped = cache.dropped.get(app)
  if (dropped === undefined) return
  for (const identity of identities) dropped.delete(identity)
  if (dropped.size() === 0) cache.dropped.delete(app)
}

export const entryOf = (
  resolved: ResolvedToken,
  times: { readonly refreshAt: number; readonly lastUsed: number; readonly since: number }
): CacheEntry => {
  const expiresAt = resolved.expiresAt ?? Number.POSITIVE_INFINITY
  return {
    resolved,
    exit: Exit.succeed(resolved),
    some: Option.some(resolved),
    promise: undefined,
    expiresAt,
    refreshAt: times.refreshAt,
    since: times.since,
    fastUntil: expiresAt,
    attended: true,
    lastUsed: times.lastUsed
  }
}
