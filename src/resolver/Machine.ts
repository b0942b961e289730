/**
 * What an app's resolver does, as a machine: each event is a function of the state and the time, and gives the next state
 * and what is to be done. It waits for nothing and asks nobody; {@link Resolver} carries the actions out.
 */
import * as Exit from "effect/Exit"
import * as RefreshPolicy from "../policy/RefreshPolicy.ts"
import * as Usability from "../policy/Usability.ts"
import type { SourceName } from "../services/SourceName.ts"
import { NoTokenAvailable } from "../services/TokenError.ts"
import type { TokenEvent } from "../services/TokenEvent.ts"
import { ResolvedToken, type TokenStatus } from "../services/TokenProvider.ts"
import type { FlyToken } from "../token/FlyToken.ts"
import * as AppState from "./AppState.ts"
import type { Found, Outcome } from "./Chain.ts"

type State = AppState.AppState

/** What the decisions depend on beside the state. */
export interface Policy extends RefreshPolicy.RefreshSettings {
  readonly ttlMillis: number
  readonly failureCooldownMillis: number
  readonly idleTimeToLiveMillis: number
  /** Whether the chain has sources of last resort, and whether it begins with another one. */
  readonly hasLastResort: boolean
  readonly hasBetter: boolean
  /** From [0, 1). */
  readonly random: () => number
  readonly isRejected: (token: FlyToken, now: number) => boolean
}

/** What is to be done. */
export type Action =
  /** The chain is to be asked. */
  | { readonly _tag: "Start"; readonly run: AppState.Run }
  /** The store is to follow: this was found, and these stored tokens are replaced. */
  | {
    readonly _tag: "Persist"
    readonly run: AppState.Run
    readonly found: Found
    readonly resolved: ResolvedToken
    readonly replaced: ReadonlyArray<string>
  }
  /** A token is being replaced: its copies do not count from now on. */
  | { readonly _tag: "Replace"; readonly token: FlyToken }
  /** A token that Fly refused is to be deleted from the app's record. */
  | { readonly _tag: "DropRejected"; readonly token: FlyToken }
  /** The token that was to be replaced is the current one again. */
  | { readonly _tag: "Restore"; readonly token: FlyToken }
  | { readonly _tag: "Announce"; readonly event: () => TokenEvent }
  /** A refresh ahead found nothing better than this token. */
  | {
    readonly _tag: "LogFailure"
    readonly error: NoTokenAvailable
    readonly expiresAt: number
    readonly nextTryAt: number | null
  }
  /** Nothing is left to look after. */
  | { readonly _tag: "Release" }

/** What a caller gets: a token, a failure that is remembered, or what a run will come to. */
export type Reply =
  | { readonly _tag: "Token"; readonly token: AppState.CurrentToken }
  | { readonly _tag: "Failure"; readonly failure: AppState.Failure }
  | { readonly _tag: "Wait"; readonly run: AppState.Run }

export interface Step {
  readonly state: State
  readonly actions: ReadonlyArray<Action>
}

export interface Replied extends Step {
  readonly reply: Reply
}

/** What a run came to: `undefined` is no answer to those who wait for it; they ask again. */
export type Answer = Exit.Exit<ResolvedToken | undefined, NoTokenAvailable>

const none: ReadonlyArray<Action> = []

const noAnswer: Answer = Exit.succeed(undefined)

const withoutToken = (state: State): State =>
  state.token === undefined ? state : { ...state, token: undefined, retry: undefined }

const resolvedOf = ({ key: { app } }: State, token: FlyToken, source: SourceName, expiresAt: number) =>
  new ResolvedToken({ app, token, source, expiresAt: Number.isFinite(expiresAt) ? expiresAt : null })

const tokenOf = (
  state: State,
  taken: {
    readonly token: FlyToken
    readonly source: SourceName
    readonly acquiredAt: number
    readonly lastResort: boolean
    /** When it ends, if that was judged. */
    readonly expiresAt?: number
  },
  now: number,
  policy: Policy
): AppState.CurrentToken => {
  const { acquiredAt, lastResort, source, token } = taken
  const expiresAt = taken.expiresAt ?? Usability.expiryOf(token, { acquiredAt, ttlMillis: policy.ttlMillis, now })
  const refreshAt = RefreshPolicy.refreshAt({ acquiredAt, expiresAt }, now, policy, policy.random())
  return { resolved: resolvedOf(state, token, source, expiresAt), expiresAt, refreshAt, since: now, lastResort }
}

/** The next try after so many failures in a row. */
const retryOf = (token: AppState.CurrentToken, failures: number, now: number, policy: Policy): AppState.Retry => ({
  failures,
  at: RefreshPolicy.nextTry({ now, expiresAt: token.expiresAt, failures }, policy, policy.random()),
  since: now
})

/**
 * Makes a token the current one: while one of last resort serves, better sources are tried again and again; a refresh that
 * is overdue waits for a back-off; else its time is its own.
 */
const adopt = (state: State, token: AppState.CurrentToken, now: number, policy: Policy, failures = 1): State => {
  const isToBeBettered = token.lastResort && policy.hasBetter
  const backsOff = policy.softExpiryLeadMillis > 0 && (isToBeBettered || token.refreshAt <= now)
  return { ...state, token, staysUntil: undefined, retry: backsOff ? retryOf(token, failures, now, policy) : undefined }
}

const start = (
  state: State,
  purpose: AppState.Purpose,
  options: Partial<Pick<AppState.Run, "replaces" | "before" | "livesPast" | "lastResort">> = {}
): readonly [State, AppState.Run] => {
  const { generation, lastResortRevision, runs } = state
  const { before, lastResort = true, livesPast, replaces } = options
  const run: AppState.Run = {
    id: runs,
    purpose,
    generation,
    lastResortRevision,
    replaces,
    before: before ?? replaces?.resolved.token,
    livesPast,
    lastResort
  }
  return [{ ...state, run, runs: runs + 1, staysUntil: undefined }, run]
}

/** The sources are to be asked at the next call. What was wrong stays known. */
const withoutPause = (state: State): State =>
  state.failure === undefined ? state : { ...state, failure: { ...state.failure, retryAt: Number.NEGATIVE_INFINITY } }

const token = (state: State, token: AppState.CurrentToken): Replied => ({
  state,
  actions: none,
  reply: { _tag: "Token", token }
})

const wait = (state: State, run: AppState.Run): Replied => ({ state, actions: none, reply: { _tag: "Wait", run } })

const started = ([state, run]: readonly [State, AppState.Run], before: ReadonlyArray<Action> = none): Replied => ({
  state,
  actions: [...before, { _tag: "Start", run }],
  reply: { _tag: "Wait", run }
})

/** A caller wants the token: the current one, that of the run that is under way, or that of a new one. */
export const get = (state: State, now: number, policy: Policy): Replied => {
  const current = AppState.validToken(state, now)
  const run = AppState.joinable(state)
  if (current !== undefined) {
    return run !== undefined && now >= AppState.joinFrom(current) ? wait(state, run) : token(state, current)
  }
  const failure = AppState.pause(state, now, policy.failureCooldownMillis)
  if (failure !== undefined) return { state, actions: none, reply: { _tag: "Failure", failure } }
  return run === undefined ? started(start(withoutToken(state), "get")) : wait(state, run)
}

/** A caller wants another token than the current one. */
export const refresh = (before: State, now: number): Replied => {
  const state = withoutPause(before)
  const run = AppState.joinable(state)
  if (run?.purpose === "refresh") return wait(state, run)
  const replaces = AppState.validToken(state, now)
  const next = start({ ...withoutToken(state), generation: state.generation + 1 }, "refresh", { replaces })
  return started(next, replaces === undefined ? none : [{ _tag: "Replace", token: replaces.resolved.token }])
}

/** A caller says that Fly refused a token, and wants another one. It is noted as rejected already. */
export const refreshRejected = (before: State, rejected: FlyToken, now: number): Replied => {
  const state = withoutPause(before)
  const current = AppState.validToken(state, now)
  if (current !== undefined && current.resolved.token.identity !== rejected.identity) return token(state, current)
  const run = AppState.joinable(state)
  const drop: Action = { _tag: "DropRejected", token: rejected }
  return run === undefined
    ? started(start(withoutToken(state), "replaceRejected", { before: rejected }), [drop])
    : { ...wait(withoutToken(state), run), actions: [drop] }
}

/** The current token was refused, as a caller of this or of another app says. */
export const rejected = (state: State): Step => ({ state: withoutToken(state), actions: none })

/** The current token is dropped, or one that the store held: what is under way must not bring it back. */
export const invalidated = (state: State, isCurrent = true): Step => ({
  state: { ...(isCurrent ? withoutToken(state) : state), generation: state.generation + 1 },
  actions: none
})

/** A source of last resort has another token now, or none. */
export const lastResortChanged = (
  before: State,
  source: SourceName,
  token: FlyToken | undefined,
  now: number,
  policy: Policy
): Step => {
  const state = { ...withoutPause(before), lastResortRevision: before.lastResortRevision + 1 }
  if (state.token?.resolved.source !== source) return { state, actions: none }
  if (token === undefined || policy.isRejected(token, now)) return invalidated(state)
  const taken = { token, source, acquiredAt: now, lastResort: state.token.lastResort }
  return { state: adopt(state, tokenOf(state, taken, now, policy), now, policy), actions: none }
}

/** Whether a token of last resort was set or removed while a run asked for one. */
export const isUnsettled = (
  state: State,
  run: AppState.Run,
  seen: number,
  { found }: Outcome,
  policy: Policy
): boolean =>
  seen !== state.lastResortRevision && (found === undefined || found.source.lastResort) && run.lastResort &&
  policy.hasLastResort

const announceFound = (
  { key: { app } }: State,
  before: AppState.Run["before"],
  { expiresAt, source, token }: ResolvedToken,
  at: number
): ReadonlyArray<Action> => {
  // The same token read again, its time to live begun anew, is no news.
  if (before?.value === token.value) return none
  const event = (): TokenEvent => {
    const acquisition = { app, at, source, fingerprint: token.fingerprint, expiresAt }
    return before === undefined
      ? { _tag: "Acquired", ...acquisition }
      : { _tag: "Refreshed", ...acquisition, replaced: before.fingerprint }
  }
  return [{ _tag: "Announce", event }]
}

const onFound = (
  state: State,
  run: AppState.Run,
  found: Found,
  passedOver: Outcome["passedOver"],
  now: number,
  policy: Policy
): Step & { readonly answer: Answer } => {
  const { candidate: { acquiredAt, from, token }, source } = found
  const name = from ?? source.name
  if (run.generation !== state.generation || policy.isRejected(token, now)) {
    return { state, actions: none, answer: Exit.succeed(resolvedOf(state, token, name, found.expiresAt)) }
  }
  const failures = run.replaces?.resolved === state.token?.resolved ? state.retry?.failures ?? 1 : 1
  const taken = { token, source: name, acquiredAt, expiresAt: found.expiresAt, lastResort: source.lastResort }
  const current = tokenOf(state, taken, now, policy)
  const { resolved } = current
  const replaced = new Set<string>()
  if (run.purpose === "refresh") {
    for (const old of [run.replaces?.resolved.token, passedOver?.token]) {
      if (old !== undefined && old.identity !== token.identity) replaced.add(old.identity)
    }
  }
  return {
    state: adopt({ ...state, failure: undefined }, current, now, policy, failures),
    actions: [
      { _tag: "Persist", run, found, resolved, replaced: [...replaced] },
      // Last: who listens may call back at once.
      ...announceFound(state, run.before, resolved, now)
    ],
    answer: Exit.succeed(resolved)
  }
}

/** What a refresh that found nothing leaves: the token that it took away, or passed over in the store. */
const restorable = (
  state: State,
  run: AppState.Run,
  passedOver: Outcome["passedOver"],
  now: number,
  policy: Policy
): AppState.CurrentToken | undefined => {
  const stored = passedOver === undefined
    ? undefined
    : tokenOf(state, { ...passedOver, source: "storage", lastResort: false }, now, policy)
  const left = run.replaces ?? stored
  if (left === undefined) return undefined
  const { token } = left.resolved
  if (Usability.whyInvalid(token, left.expiresAt, now) !== undefined || policy.isRejected(token, now)) return undefined
  // One of last resort that was removed or replaced meanwhile is not the one to serve.
  return left.lastResort && run.lastResortRevision !== state.lastResortRevision ? undefined : left
}

/** The next try for an app that is kept and has no token. */
const keptRetry = ({ keepers, retry, token }: State, now: number, policy: Policy): AppState.Retry | undefined => {
  if (keepers === 0) return undefined
  const failures = token === undefined ? (retry?.failures ?? 0) + 1 : 1
  return { failures, at: now + RefreshPolicy.backOff(failures, policy, policy.random()), since: now }
}

const onNone = (
  before: State,
  run: AppState.Run,
  { misses, passedOver }: Outcome,
  now: number,
  policy: Policy
): Step & { readonly answer: Answer } => {
  const { app } = before.key
  const error = new NoTokenAvailable({ app, attempts: misses.map(({ reason, source }) => ({ source, reason })) })
  const isAhead = run.purpose === "refreshAhead"
  if (run.generation !== before.generation) {
    return { state: before, actions: none, answer: isAhead ? noAnswer : Exit.fail(error) }
  }
  const restored = run.purpose === "refresh" ? restorable(before, run, passedOver, now, policy) : undefined
  const left = restored ?? AppState.validToken(before, now)
  const retryAt = left === undefined && !isAhead ? now + policy.failureCooldownMillis : Number.NEGATIVE_INFINITY
  let state: State = { ...before, failure: { error, retryAt } }
  if (restored !== undefined) state = adopt(state, restored, now, policy)
  else if (left === undefined) state = { ...withoutToken(state), retry: keptRetry(before, now, policy) }
  else if (isAhead) state = { ...state, retry: retryOf(left, Math.max(1, state.retry?.failures ?? 1), now, policy) }
  const due = AppState.refreshDue(state)
  const nextTryAt = Number.isFinite(due) ? due : null
  const actions: Array<Action> = []
  if (restored !== undefined) actions.push({ _tag: "Restore", token: restored.resolved.token })
  if (isAhead && left !== undefined) actions.push({ _tag: "LogFailure", error, expiresAt: left.expiresAt, nextTryAt })
  if (run.purpose !== "get") {
    const expiresAt = left?.resolved.expiresAt ?? null
    actions.push({
      _tag: "Announce",
      event: () => ({ _tag: "RefreshFailed", app, at: now, error, nextTryAt, expiresAt })
    })
  }
  // A refresh ahead asks for less than a caller does: without its token it has no answer for those who joined it.
  return { state, actions, answer: isAhead && left === undefined ? noAnswer : Exit.fail(error) }
}

/** A run has ended. One of an older generation only answers. */
export const ended = (
  before: State,
  run: AppState.Run,
  outcome: Outcome,
  now: number,
  policy: Policy
): Step & { readonly answer: Answer } => {
  const state = withoutRun(before, run)
  return outcome.found === undefined
    ? onNone(state, run, outcome, now, policy)
    : onFound(state, run, outcome.found, outcome.passedOver, now, policy)
}

/** A run has ended without a word, interrupted by the end of its resolver. */
export const withoutRun = (state: State, run: AppState.Run): State =>
  state.run?.id === run.id ? { ...state, run: undefined } : state

/** Whether an answer is not to be handed out any more: rejected, or dropped from the store while its run was under way. */
export const isStale = (state: State, run: AppState.Run, answer: ResolvedToken, now: number, policy: Policy): boolean =>
  policy.isRejected(answer.token, now) || (run.generation !== state.generation && answer.source === "storage")

/**
 * A token whose times came from a clock that was ahead. The end that is written in a token is a moment; one that was
 * counted from its acquisition is counted anew, and never later than before.
 */
const afterClockSetBack = (before: State, now: number, policy: Policy): State => {
  let state = before
  const { token } = before
  if (token !== undefined && now < token.since) {
    const { resolved: { source, token: value } } = token
    const again = tokenOf(state, { token: value, source, acquiredAt: now, lastResort: token.lastResort }, now, policy)
    state = value.expiresAt === token.expiresAt || again.expiresAt >= token.expiresAt
      ? { ...state, token: { ...token, since: now } }
      : adopt(state, again, now, policy)
  }
  const { retry } = state
  if (retry === undefined || now >= retry.since) return state
  // That must not stretch the wait; and what was due may not be due any more.
  return {
    ...state,
    retry: state.token?.lastResort === true
      ? retryOf(state.token, retry.failures, now, policy)
      : { ...retry, at: Math.max(now, state.token?.refreshAt ?? now), since: now }
  }
}

/** Begins to look for a newer token, ahead of the expiry. */
const refreshAhead = (state: State, token: AppState.CurrentToken, now: number, policy: Policy): Step => {
  // Planned beforehand, so that a run that changes nothing is no loop.
  const retry = retryOf(token, (state.retry?.failures ?? 0) + 1, now, policy)
  // A token of last resort gives way to any better one, and never takes the place of one that still works.
  const [next, run] = start({ ...state, retry }, "refreshAhead", {
    replaces: token,
    lastResort: token.lastResort,
    livesPast: token.lastResort ? undefined : token.expiresAt
  })
  return { state: next, actions: [{ _tag: "Start", run }] }
}

/** Somebody wants the app's token kept, although nobody asks for it: it is got, and tried for again and again. */
export const keep = (before: State, now: number): Step => {
  const state = { ...before, keepers: before.keepers + 1 }
  const isNeeded = AppState.validToken(state, now) === undefined && AppState.joinable(state) === undefined
  return isNeeded ? started(start(withoutToken(state), "keep")) : { state, actions: none }
}

/** One who wanted that does not any more. */
export const unkeep = (state: State): Step => {
  const keepers = state.keepers - 1
  const retry = keepers === 0 && state.token === undefined ? undefined : state.retry
  return { state: { ...state, keepers, retry }, actions: none }
}

/** It may be time for something. */
export const due = (before: State, now: number, lastUsed: number, policy: Policy): Step => {
  const state = afterClockSetBack(before, now, policy)
  const { token } = state
  if (!state.active || state.run !== undefined) return { state, actions: none }
  const idleAt = state.keepers > 0 ? Number.POSITIVE_INFINITY : lastUsed + policy.idleTimeToLiveMillis
  if (token === undefined && state.keepers > 0) {
    return now < AppState.refreshDue(state) ? { state, actions: none } : started(start(state, "keep"))
  }
  if (token === undefined) {
    const span = policy.failureCooldownMillis
    const staysUntil = AppState.pause(state, now, span)?.retryAt ?? state.staysUntil ?? now + span
    const stays = RefreshPolicy.within(staysUntil, now, span)
    return stays ? { state: { ...state, staysUntil }, actions: none } : { state, actions: [{ _tag: "Release" }] }
  }
  const next = RefreshPolicy.nextStep({
    now,
    expiresAt: token.expiresAt,
    dueAt: AppState.refreshDue(state),
    idleAt
  })
  switch (next) {
    case "Forget":
      return { state: withoutToken(state), actions: none }
    case "Evict": {
      const event = (): TokenEvent => ({ _tag: "Evicted", app: state.key.app, at: now })
      return { state, actions: [{ _tag: "Release" }, { _tag: "Announce", event }] }
    }
    case "Refresh":
      return refreshAhead(state, token, now, policy)
    case "Sleep":
      return { state, actions: none }
  }
}

/** When {@link due} is to be asked next; `undefined` if an event will come before. */
export const deadline = (state: State, lastUsed: number, policy: Policy): number | undefined => {
  if (!state.active || state.run !== undefined) return undefined
  const dueAt = AppState.refreshDue(state)
  const expiresAt = state.token?.expiresAt ?? Number.POSITIVE_INFINITY
  if (state.keepers > 0) return Math.min(expiresAt, dueAt)
  if (state.token === undefined) return state.staysUntil ?? Number.NEGATIVE_INFINITY
  return Math.min(expiresAt, dueAt, lastUsed + policy.idleTimeToLiveMillis)
}

/** How the app stands. */
export const status = (state: State, now: number, policy: Policy): TokenStatus =>
  AppState.status(afterClockSetBack(state, now, policy), now, policy.failureCooldownMillis)

/** A resolver looks after the app from now on. */
export const activated = (state: State): State => ({ ...state, active: true })

/** None does any more. What the token is stays known. */
export const released = (state: State): State => ({
  ...state,
  active: false,
  run: undefined,
  failure: undefined,
  // Whoever brings the resolver back does not skip the back-off.
  retry: state.token === undefined ? undefined : state.retry,
  staysUntil: undefined
})
