/** The state of one app: plain data, and what can be read from it. */
import * as RefreshPolicy from "../policy/RefreshPolicy.ts"
import type { NoTokenAvailable } from "../services/TokenError.ts"
import type { ResolvedToken, TokenStatus } from "../services/TokenProvider.ts"
import type { TokenKey } from "../token/TokenKey.ts"

/** The token that an app has. Times are epoch milliseconds; `Infinity` is never. */
export interface CurrentToken {
  readonly resolved: ResolvedToken
  readonly expiresAt: number
  readonly refreshAt: number
  /** When its times were reckoned; a clock that shows an earlier time was set back. */
  readonly since: number
  /** Any other source's token is better. */
  readonly lastResort: boolean
}

/**
 * What a run of the chain is for: a caller's `get`; an app that is kept and has no token; a caller's `refresh`, which takes
 * the token away; one with a rejected token, which is gone for good; a refresh ahead of expiry, which leaves the token and
 * that callers join in its last minute only.
 */
export type Purpose = "get" | "keep" | "refresh" | "replaceRejected" | "refreshAhead"

/** A run of the chain, as it began. */
export interface Run {
  readonly id: number
  readonly purpose: Purpose
  readonly generation: number
  readonly lastResortRevision: number
  /** The token that is to be replaced. A `refresh` that finds nothing puts it back. */
  readonly replaces: CurrentToken | undefined
  /** The token before, for those who watch. */
  readonly before: Pick<ResolvedToken["token"], "value" | "fingerprint"> | undefined
  /** Only a token that lives longer counts. */
  readonly livesPast: number | undefined
  /** Whether sources of last resort are asked too. */
  readonly lastResort: boolean
}

/** Why the last run gave no token, from its end until a run gives one. */
export interface Failure {
  readonly error: NoTokenAvailable
  /** Until when it answers for the sources; past if they are to be asked. */
  readonly retryAt: number
}

/** The next try to replace a token, or to have one for an app that is kept, after failures in a row. */
export interface Retry {
  readonly failures: number
  readonly at: number
  /** When it was planned; a clock that shows an earlier time was set back. */
  readonly since: number
}

export interface AppState {
  readonly key: TokenKey
  readonly token: CurrentToken | undefined
  /** The newest run that has not ended. */
  readonly run: Run | undefined
  readonly failure: Failure | undefined
  readonly retry: Retry | undefined
  /** Moves with each `refresh` and `invalidate`: a run of an older one answers its callers and changes nothing. */
  readonly generation: number
  /** Moves when a token of last resort is set or removed: what a run read of it before does not count. */
  readonly lastResortRevision: number
  /** How many runs there were. */
  readonly runs: number
  /** Whether a resolver looks after the app. */
  readonly active: boolean
  /** How many keep the app. */
  readonly keepers: number
  /** Until when the resolver stays although there is neither a token nor a run, so that a failure stays known. */
  readonly staysUntil: number | undefined
}

export const make = (key: TokenKey): AppState => ({
  key,
  token: undefined,
  run: undefined,
  failure: undefined,
  retry: undefined,
  generation: 0,
  lastResortRevision: 0,
  runs: 0,
  active: false,
  keepers: 0,
  staysUntil: undefined
})

/** The token, if it is good at this moment. */
export const validToken = ({ token }: AppState, now: number): CurrentToken | undefined =>
  token !== undefined && now < token.expiresAt ? token : undefined

/** The run that a caller may join. */
export const joinable = ({ generation, run }: AppState): Run | undefined =>
  run?.generation === generation ? run : undefined

/** The failure that answers for the sources at this moment. */
export const pause = ({ failure }: AppState, now: number, cooldownMillis: number): Failure | undefined =>
  failure !== undefined && RefreshPolicy.within(failure.retryAt, now, cooldownMillis) ? failure : undefined

/** From when on a `get` waits for a run that is under way. A token of last resort is served to its end. */
export const joinFrom = ({ expiresAt, lastResort }: CurrentToken): number =>
  lastResort ? expiresAt : RefreshPolicy.joinFrom(expiresAt)

/** Until when the token is handed out without a look at anything else. */
export const servedUntil = (state: AppState): number => {
  if (state.token === undefined || !state.active) return Number.NEGATIVE_INFINITY
  return state.run?.replaces?.resolved === state.token.resolved ? joinFrom(state.token) : state.token.expiresAt
}

/** When the sources are asked next, with no caller. */
export const refreshDue = ({ keepers, retry, token }: AppState): number =>
  retry?.at ?? token?.refreshAt ?? (keepers > 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY)

export const status = (state: AppState, now: number, cooldownMillis: number): TokenStatus => {
  const token = validToken(state, now)
  const due = state.active ? refreshDue(state) : Number.POSITIVE_INFINITY
  const refreshAt = Number.isFinite(due) ? due : null
  const backsOff = state.retry !== undefined && state.run === undefined
  return {
    app: state.key.app,
    source: token?.resolved.source ?? null,
    fingerprint: token?.resolved.token.fingerprint ?? null,
    expiresAt: token?.resolved.expiresAt ?? null,
    refreshAt,
    inFlight: state.run !== undefined,
    backOffUntil: pause(state, now, cooldownMillis)?.retryAt ?? (backsOff ? refreshAt : null),
    lastFailure: state.failure?.error ?? null
  }
}
