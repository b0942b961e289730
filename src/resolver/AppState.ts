/** The state of one app's resolver, and what can be read from it. */
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type * as Semaphore from "effect/Semaphore"
import * as RefreshPolicy from "../policy/RefreshPolicy.ts"
import type { NoTokenAvailable } from "../services/TokenError.ts"
import type { ResolvedToken, TokenStatus } from "../services/TokenProvider.ts"
import type { AppName } from "../token/AppName.ts"
import type { FlyToken } from "../token/FlyToken.ts"
import type * as Agenda from "./Agenda.ts"
import type { ChainRequest, Source } from "./Chain.ts"
import type { Shared } from "./Shared.ts"
import type { CacheEntry } from "./TokenCache.ts"

/**
 * What a run is for: a caller's `get`; a caller's `refresh`, which takes the token out of the cache; one with a rejected
 * token, which is gone for good; a refresh ahead of expiry, behind the callers' backs, which leaves it there.
 */
export type Purpose = "get" | "refresh" | "replaceRejected" | "refreshAhead"

/** What a run has to do, and the epochs in which it began. */
export interface Task {
  readonly epoch: number
  readonly manualEpoch: number
  readonly purpose: Purpose
  readonly request: ChainRequest
  readonly chain: ReadonlyArray<Source>
  /** The entry that is to be replaced. A `refresh` that finds nothing puts it back. */
  readonly replaces: CacheEntry | undefined
  /** The token before, for those who watch. */
  readonly before: FlyToken | undefined
}

export interface Run extends Task {
  /** How a `get` waits for it: for the answer, or the token that is there still, or another try. */
  readonly waiting: Effect.Effect<ResolvedToken, NoTokenAvailable>
  /** Ends with `undefined` if the run was overtaken before its turn came. */
  readonly fiber: Fiber.Fiber<ResolvedToken | undefined, NoTokenAvailable>
}

/** Why the last run gave no token, from its end until a run gives one. */
export interface Failure {
  readonly error: NoTokenAvailable
  /** The same, as the answer of those who ask while it is remembered. */
  readonly exit: Exit.Exit<never, NoTokenAvailable>
  /** Until when it answers at once for the sources, epoch milliseconds; past if they are to be asked. */
  readonly retryAt: number
}

/**
 * **Details**
 *
 * Every change is one synchronous step. `epoch` moves with each `refresh` and `invalidate`: a run of an older epoch may
 * answer its callers and changes nothing. `manualEpoch` moves with each change of the manual token: what a run read of it
 * before does not count.
 */
export interface AppState extends Agenda.Item {
  readonly app: AppName
  readonly shared: Shared
  epoch: number
  manualEpoch: number
  current: Run | undefined
  failure: Failure | undefined
  /** The next try for an entry after failures in a row, and when it was planned. */
  retry: {
    readonly entry: CacheEntry
    readonly failures: number
    readonly at: number
    readonly since: number
  } | undefined
  /** Orders the runs; there while there are any. */
  turn: Semaphore.Semaphore | undefined
  /** Runs that have not ended, overtaken ones too. */
  runs: number
  /** Open while the resolver holds itself. */
  held: Scope.Closeable | undefined
  /** What the runs live in; made by the first that does not end at once. */
  work: Scope.Closeable | undefined
}

export const make = (app: AppName, shared: Shared): AppState => ({
  app,
  shared,
  epoch: 0,
  manualEpoch: 0,
  current: undefined,
  failure: undefined,
  retry: undefined,
  turn: undefined,
  runs: 0,
  held: undefined,
  work: undefined,
  dueAt: Number.POSITIVE_INFINITY,
  place: -1
})

/** The cached token, if it is good at this moment. */
export const validEntry = ({ app, shared }: AppState, now: number): CacheEntry | undefined => {
  const entry = shared.cache.entries.get(app)
  if (entry === undefined || now < entry.expiresAt) return entry
  // Nobody looks after an entry that came to its end while its resolver was away.
  shared.cache.entries.delete(app)
  return undefined
}

/** The run that a caller may join. */
export const running = ({ current, epoch }: AppState): Run | undefined => current?.epoch === epoch ? current : undefined

/** The failure that answers for the sources at this moment. */
export const pause = ({ failure, shared }: AppState, now: number): Failure | undefined =>
  failure !== undefined && RefreshPolicy.within(failure.retryAt, now, shared.settings.failureCooldownMillis)
    ? failure
    : undefined

/** The sources are to be asked at the next call. What was wrong stays known. */
export const endPause = (state: AppState): void => {
  if (state.failure !== undefined) state.failure = { ...state.failure, retryAt: Number.NEGATIVE_INFINITY }
}

/** When the entry's next refresh is due. */
export const dueAt = (state: AppState, entry: CacheEntry, now: number): number => {
  const { retry } = state
  if (retry === undefined || retry.entry !== entry) return entry.refreshAt
  if (now >= retry.since) return retry.at
  // The clock was set back. That must not stretch the wait; and what was due may not be due any more.
  if (entry.resolved.source === "manual") planRetry(state, entry, now, retry.failures)
  else state.retry = { ...retry, at: Math.max(now, entry.refreshAt), since: now }
  return state.retry?.at ?? entry.refreshAt
}

/** Plans the next try after so many failures in a row. */
export const planRetry = (state: AppState, entry: CacheEntry, now: number, failures: number): void => {
  const { random, settings } = state.shared
  const at = RefreshPolicy.nextTry({ now, expiresAt: entry.expiresAt, failures }, settings, random())
  state.retry = { entry, failures, at, since: now }
}

/** How many tries for an entry have failed in a row. */
export const failuresOf = ({ retry }: AppState, entry: CacheEntry): number =>
  retry?.entry === entry ? retry.failures : 0

/**
 * Plans what is next for an entry that has just become the current one: while a token of last resort serves, better
 * sources are tried again and again; a refresh that is overdue waits for a back-off; else its time is its own.
 */
export const adopt = (state: AppState, entry: CacheEntry, now: number, failures: number = 1): void => {
  const { chains, settings } = state.shared
  const isLastResort = entry.resolved.source === "manual" && chains.all[0]?.name !== "manual"
  const isOff = settings.softExpiryLeadMillis === 0
  if (!isOff && (isLastResort || entry.refreshAt <= now)) planRetry(state, entry, now, failures)
  else state.retry = undefined
}

/** How an app stands that has no resolver. */
export const statusAtRest = (app: AppName, resolved: ResolvedToken | undefined): TokenStatus => ({
  app,
  source: resolved?.source ?? null,
  fingerprint: resolved?.token.fingerprint ?? null,
  expiresAt: resolved?.expiresAt ?? null,
  refreshAt: null,
  inFlight: false,
  backOffUntil: null,
  lastFailure: null
})

/** How the app stands. */
export const status = (state: AppState, now: number): TokenStatus => {
  const entry = validEntry(state, now)
  const due = entry === undefined ? Number.POSITIVE_INFINITY : dueAt(state, entry, now)
  const refreshAt = Number.isFinite(due) ? due : null
  const backsOff = entry !== undefined && state.retry?.entry === entry && state.current === undefined
  return {
    ...statusAtRest(state.app, entry?.resolved),
    refreshAt,
    inFlight: state.current !== undefined,
    backOffUntil: pause(state, now)?.retryAt ?? (backsOff ? refreshAt : null),
    lastFailure: state.failure?.error ?? null
  }
}
