/**
 * Which token an app has now, and which tokens may not be handed out. It outlives every resolver.
 *
 * Every change is one synchronous step, so there are no locks.
 */
import type * as Clock from "effect/Clock"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Semaphore from "effect/Semaphore"
import * as TimedMap from "../concurrency/TimedMap.ts"
import type { NoTokenAvailable } from "../services/TokenError.ts"
import type { ResolvedToken } from "../services/TokenProvider.ts"
import type { AppName } from "../token/AppName.ts"
import type { FlyToken } from "../token/FlyToken.ts"
import * as TokenKey from "../token/TokenKey.ts"
import * as AppState from "./AppState.ts"

/** What the `RcMap` holds of an app: what its runs need. */
export interface Resolver {
  /** What the runs live in; made by the first that does not end at once. */
  work: Scope.Closeable | undefined
  /** Orders the runs; there while there are any. */
  turn: Semaphore.Semaphore | undefined
  /** Runs that have not ended, those of older generations too. */
  runs: number
}

export interface Running {
  readonly run: AppState.Run
  /** Ends with `undefined` if there is no answer for those who wait. */
  readonly fiber: Fiber.Fiber<ResolvedToken | undefined, NoTokenAvailable>
  /** How a `get` waits for it: for its answer, or the token that is there still, or another try. */
  readonly waiting: Effect.Effect<ResolvedToken, NoTokenAvailable>
}

/** What the book has of an app, with the answers of a hit made beforehand, so that one allocates nothing. */
export interface App {
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
  /** Of an app that is looked after. */
  resolver: Resolver | undefined
  /** The newest run. */
  running: Running | undefined
  /** How many calls hold the resolver. */
  callers: number
}

const newApp = (key: TokenKey.TokenKey): App => ({
  key,
  state: AppState.make(key),
  servedUntil: Number.NEGATIVE_INFINITY,
  exit: undefined,
  some: Option.none(),
  promise: undefined,
  lastUsed: 0,
  resolver: undefined,
  running: undefined,
  callers: 0
})

type Mutable<A> = { -readonly [K in keyof A]: A[K] }

/**
 * Of which copies of a token a denial speaks: `minted`, of what was minted for many apps; of an
 * app's record, by the key as a text.
 */
type Where = "minted" | (string & {})

export interface TokenBook {
  /** By key as a text. Only valid app names get in, so looking up any text is safe. */
  readonly apps: ReadonlyMap<string, App>
  /** The app of a key, made if there is none. */
  readonly app: (key: TokenKey.TokenKey) => App
  /** The app of a token to hand out at once, noted as a use; `undefined` if it takes more than that. */
  readonly hit: (id: string, clock: Clock.Clock) => App | undefined
  readonly hits: () => number
  /** How many apps are looked after. */
  readonly active: () => number
  readonly set: (app: App, state: AppState.AppState, now: number) => void
  readonly delete: (app: App) => void
  /** The apps whose current token this is. */
  readonly holders: (token: FlyToken) => ReadonlyArray<App>
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

/** Below this many apps an expired one that nobody asks for costs less than looking for it. */
const firstSweep = 1_000

export const make = (spans: { readonly ttlMillis: number; readonly rejectionTtlMillis: number }): TokenBook => {
  const apps = new Map<string, App>()
  const rejected = TimedMap.make<true>(spans.rejectionTtlMillis)
  const denied = TimedMap.make<true>(spans.ttlMillis)
  let sweepAt = firstSweep
  let hits = 0

  /** Expired tokens of apps that nobody looks after leave whenever there are twice as many. */
  const sweep = (now: number) => {
    for (const [id, { state: { active, token } }] of apps) {
      if (!active && (token === undefined || token.expiresAt <= now)) apps.delete(id)
    }
    sweepAt = Math.max(firstSweep, 2 * apps.size)
  }

  // The identity takes a digest, and mostly nothing was denied.
  const isRejected = (token: FlyToken, now: number) => rejected.size() > 0 && rejected.has(token.identity, now)

  return {
    apps,
    app: (key) => {
      const id = TokenKey.id(key)
      const known = apps.get(id)
      if (known !== undefined) return known
      const app = newApp(key)
      apps.set(id, app)
      return app
    },
    hit: (id, clock) => {
      const app = apps.get(id)
      if (app === undefined) return undefined
      const now = clock.currentTimeMillisUnsafe()
      if (now >= app.servedUntil) return undefined
      hits++
      app.lastUsed = now
      return app
    },
    hits: () => hits,
    active: () => [...apps.values()].filter(({ state }) => state.active).length,
    set: (changed, state, now) => {
      const app: Mutable<App> = changed
      if (state.token?.resolved !== app.state.token?.resolved) {
        const resolved = state.token?.resolved
        app.exit = resolved === undefined ? undefined : Exit.succeed(resolved)
        app.some = Option.fromUndefinedOr(resolved)
        app.promise = undefined
      }
      app.state = state
      app.servedUntil = AppState.servedUntil(state)
      if (apps.size >= sweepAt) sweep(now)
    },
    delete: (app) => {
      const id = TokenKey.id(app.key)
      if (apps.get(id) === app) apps.delete(id)
    },
    holders: ({ identity }) =>
      [...apps.values()].filter(({ state }) => state.token?.resolved.token.identity === identity),
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
