/**
 * Which token an app has now, and which tokens may not be handed out. It outlives every resolver.
 *
 * Every change is one synchronous step, so there are no locks.
 */
import type * as Clock from "effect/Clock"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as TimedMap from "../concurrency/TimedMap.ts"
import type { ResolvedToken } from "../services/TokenProvider.ts"
import type { AppName } from "../token/AppName.ts"
import type { FlyToken } from "../token/FlyToken.ts"
import * as TokenKey from "../token/TokenKey.ts"
import * as AppState from "./AppState.ts"

/** What the book has of an app, with the answers of a hit made beforehand, so that one allocates nothing. */
export interface Entry {
  readonly key: TokenKey.TokenKey
  readonly state: AppState.AppState
  /** Until when the token is handed out as it is, epoch milliseconds. */
  readonly servedUntil: number
  readonly exit: Exit.Exit<ResolvedToken> | undefined
  readonly some: Option.Option<ResolvedToken>
  /** The same as a promise, made by the first who wants one. */
  promise: Promise<ResolvedToken> | undefined
  /** When the token was last handed out to somebody who asked, epoch milliseconds. */
  lastUsed: number
}

export const entryOf = (key: TokenKey.TokenKey): Entry => ({
  key,
  state: AppState.make(key),
  servedUntil: Number.NEGATIVE_INFINITY,
  exit: undefined,
  some: Option.none(),
  promise: undefined,
  lastUsed: 0
})

type Mutable<A> = { -readonly [K in keyof A]: A[K] }

/**
 * Of which copies of a token a denial speaks: `minted`, of what was minted for many apps; of an
 * app's record, by the key as a text.
 */
type Where = "minted" | (string & {})

/** `E` is an entry with what else is known of the app. */
export interface TokenBook<E extends Entry> {
  /** By key as a text. Only valid app names get in, so looking up any text is safe. */
  readonly entries: ReadonlyMap<string, E>
  /** The entry of a key, made if there is none. */
  readonly entry: (key: TokenKey.TokenKey) => E
  /** The entry of a token to hand out at once, noted as a use; `undefined` if it takes more than that. */
  readonly hit: (id: string, clock: Clock.Clock) => E | undefined
  readonly hits: () => number
  /** How many apps are looked after. */
  readonly active: () => number
  readonly set: (entry: E, state: AppState.AppState, now: number) => void
  readonly delete: (entry: E) => void
  /** The entries whose current token this is. */
  readonly holders: (token: FlyToken) => ReadonlyArray<E>
  /** Notes that Fly refused a token; `false` if that was known. */
  readonly reject: (token: FlyToken, now: number) => boolean
  readonly isRejected: (token: FlyToken, now: number) => boolean
  /** Notes that copies of a token do not count any more, for as long as one could live. */
  readonly deny: (identity: string, where: Where, now: number) => void
  readonly allow: (identity: string, where: Where) => void
  readonly isDenied: (token: FlyToken, where: Where, now: number) => boolean
  /** Manual tokens that were read or set: they serve while the store cannot be read. */
  readonly manual: Map<AppName, FlyToken>
}

/** Below this many entries an expired one that nobody asks for costs less than looking for it. */
const firstSweep = 1_000

export const make = <E extends Entry>(
  spans: { readonly ttlMillis: number; readonly rejectionTtlMillis: number },
  newEntry: (key: TokenKey.TokenKey) => E
): TokenBook<E> => {
  const entries = new Map<string, E>()
  const rejected = TimedMap.make<true>(spans.rejectionTtlMillis)
  const denied = TimedMap.make<true>(spans.ttlMillis)
  let sweepAt = firstSweep
  let hits = 0

  /** Expired tokens of apps that nobody looks after leave whenever there are twice as many. */
  const sweep = (now: number) => {
    for (const [id, { state: { active, token } }] of entries) {
      if (!active && (token === undefined || token.expiresAt <= now)) entries.delete(id)
    }
    sweepAt = Math.max(firstSweep, 2 * entries.size)
  }

  // The identity takes a digest, and mostly nothing was denied.
  const isRejected = (token: FlyToken, now: number) => rejected.size() > 0 && rejected.has(token.identity, now)

  return {
    entries,
    entry: (key) => {
      const id = TokenKey.id(key)
      const known = entries.get(id)
      if (known !== undefined) return known
      const entry = newEntry(key)
      entries.set(id, entry)
      return entry
    },
    hit: (id, clock) => {
      const entry = entries.get(id)
      if (entry === undefined) return undefined
      const now = clock.currentTimeMillisUnsafe()
      if (now >= entry.servedUntil) return undefined
      hits++
      entry.lastUsed = now
      return entry
    },
    hits: () => hits,
    active: () => [...entries.values()].filter(({ state }) => state.active).length,
    set: (changed, state, now) => {
      const entry: Mutable<Entry> = changed
      if (state.token?.resolved !== entry.state.token?.resolved) {
        const resolved = state.token?.resolved
        entry.exit = resolved === undefined ? undefined : Exit.succeed(resolved)
        entry.some = Option.fromUndefinedOr(resolved)
        entry.promise = undefined
      }
      entry.state = state
      entry.servedUntil = AppState.servedUntil(state)
      if (entries.size >= sweepAt) sweep(now)
    },
    delete: (entry) => {
      const id = TokenKey.id(entry.key)
      if (entries.get(id) === entry) entries.delete(id)
    },
    holders: ({ identity }) =>
      [...entries.values()].filter(({ state }) => state.token?.resolved.token.identity === identity),
    reject: (token, now) => {
      const isNews = !isRejected(token, now)
      rejected.set(token.identity, true, now)
      return isNews
    },
    isRejected,
    deny: (identity, where, now) => denied.set(`${where} ${identity}`, true, now),
    allow: (identity, where) => denied.delete(`${where} ${identity}`),
    isDenied: (token, where, now) => denied.size() > 0 && denied.has(`${where} ${token.identity}`, now),
    manual: new Map()
  }
}
