/** The end of a run: what it found goes into cache and store, what it did not find is remembered and told. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { causeOf } from "../concurrency/Warnings.ts"
import * as RefreshPolicy from "../policy/RefreshPolicy.ts"
import * as Usability from "../policy/Usability.ts"
import type { SourceName } from "../services/SourceName.ts"
import { type Attempt, NoTokenAvailable } from "../services/TokenError.ts"
import { ResolvedToken } from "../services/TokenProvider.ts"
import type { AppName } from "../token/AppName.ts"
import type { FlyToken } from "../token/FlyToken.ts"
import { told } from "../token/Redaction.ts"
import * as AppState from "./AppState.ts"
import type { Candidate, Found } from "./Chain.ts"
import * as TokenCache from "./TokenCache.ts"

const resolvedOf = (app: AppName, token: FlyToken, source: SourceName, expiresAt: number): ResolvedToken =>
  new ResolvedToken({ app, token, source, expiresAt: Number.isFinite(expiresAt) ? expiresAt : null })

/** An entry for a token, its times decided by the policy. */
export const entryFor = (
  { app, shared: { random, settings } }: Pick<AppState.AppState, "app" | "shared">,
  taken: {
    readonly token: FlyToken
    readonly source: SourceName
    readonly acquiredAt: number
    readonly lastUsed: number
  },
  now: number
): TokenCache.CacheEntry => {
  const { acquiredAt, lastUsed, source, token } = taken
  const expiresAt = Usability.expiryOf(token, { acquiredAt, ttlMillis: settings.ttlMillis, now })
  const refreshAt = RefreshPolicy.refreshAt({ acquiredAt, expiresAt }, now, settings, random())
  return TokenCache.entryOf(resolvedOf(app, token, source, expiresAt), { refreshAt, lastUsed, since: now })
}

/** Brings the store after memory, behind the callers' backs. */
const persist = (
  state: AppState.AppState,
  task: AppState.Task,
  found: Found,
  resolved: ResolvedToken,
  now: number
): void => {
  const { app, shared } = state
  const dropped = [...task.request.dropped].filter((identity) => identity !== resolved.token.identity)
  // Until the store has confirmed, its copy is not believed.
  for (const identity of dropped) TokenCache.drop(shared.cache, app, identity, now)
  const gone = Effect.sync(() => TokenCache.undrop(shared.cache, app, dropped))
  if (shared.settings.persist.has(found.source)) {
    const { expiresAt, token } = resolved
    const { acquiredAt, fence } = found.candidate
    const org = found.source === "cli" ? shared.mintedTokens.recordableOrg(app) : undefined
    const record = {
      token: token.redacted,
      expiresAt,
      source: found.source,
      savedAt: acquiredAt,
      ...(fence === undefined ? {} : { fence }),
      ...(org === undefined ? {} : { org })
    }
    const put = Effect.flatMap(found.candidate.written ?? shared.writes.put(app, "cached", record), (written) =>
      // What was to be replaced may be what was in the way.
      written
        ? Effect.void
        : Effect.forEach(dropped, (identity) => shared.writes.drop(app, "cached", identity), { discard: true }))
    shared.inBackground(app, Effect.andThen(put, gone))
  } else if (task.request.isRefresh) {
    // Whichever token is stored there, also one that the run never came to look at.
    const drop = Effect.tap(
      shared.writes.drop(app, "cached"),
      (stored) => stored === undefined ? Effect.void : shared.mintedTokens.forgetStored(stored)
    )
    shared.inBackground(app, Effect.andThen(drop, gone))
  }
  if (!task.request.isRefresh) return
  for (const identity of dropped) shared.inBackground(app, shared.mintedTokens.forgetStored(identity))
}

const announceFound = (
  { app, shared }: AppState.AppState,
  before: FlyToken | undefined,
  { expiresAt, source, token }: ResolvedToken,
  at: number
): void => {
  // The same token read again, its time to live begun anew, is no news.
  if (before?.value === token.value) return
  shared.telemetry.announce(() => {
    const acquisition = { app, at, source, fingerprint: token.fingerprint, expiresAt }
    return before === undefined
      ? { _tag: "Acquired", ...acquisition }
      : { _tag: "Refreshed", ...acquisition, replaced: before.fingerprint }
  })
}

/**
 * Takes over what a run found, and answers it. A run of an older epoch only answers.
 *
 * **Details**
 *
 * All of it happens when the function is called, in one synchronous step; the effect arms what is due next.
 */
export const commit = (
  state: AppState.AppState,
  task: AppState.Task,
  found: Found,
  now: number
): Effect.Effect<ResolvedToken> => {
  const { app, shared } = state
  const { acquiredAt, takenFrom, token } = found.candidate
  const source = takenFrom ?? found.source
  if (task.epoch !== state.epoch || shared.isRejected(token, now)) {
    return Effect.succeed(resolvedOf(app, token, source, found.expiresAt))
  }
  // Behind the callers' backs nobody asked: the app is as idle as before.
  const lastUsed = task.purpose === "refreshAhead" ? task.replaces?.lastUsed ?? now : now
  const entry = entryFor(state, { token, source, acquiredAt, lastUsed }, now)
  state.failure = undefined
  TokenCache.set(shared.cache, app, entry, now)
  const failures = task.replaces === undefined ? 0 : AppState.failuresOf(state, task.replaces)
  AppState.adopt(state, entry, now, Math.max(1, failures))
  persist(state, task, found, entry.resolved, now)
  // Last: who listens may call back at once.
  announceFound(state, task.before, entry.resolved, now)
  return Effect.as(shared.attendance.attend(state), entry.resolved)
}

const passedOver = (
  state: AppState.AppState,
  candidate: Candidate | undefined,
  now: number
): TokenCache.CacheEntry | undefined => {
  if (candidate === undefined) return undefined
  const { acquiredAt, token } = candidate
  const entry = entryFor(state, { token, source: "storage", acquiredAt, lastUsed: now }, now)
  return Usability.defectOf(token, entry.expiresAt, now) === undefined ? entry : undefined
}

/** What a refresh that found nothing leaves behind: the token that it took away, or passed over in the store. */
const putBack = (state: AppState.AppState, task: AppState.Task, now: number): TokenCache.CacheEntry | undefined => {
  const { app, shared } = state
  const entry = task.replaces ?? passedOver(state, task.request.passedOver, now)
  if (entry === undefined || now >= entry.expiresAt || shared.isRejected(entry.resolved.token, now)) return undefined
  // A manual token that was removed or replaced meanwhile is not the one to serve.
  if (entry.resolved.source === "manual" && task.manualEpoch !== state.manualEpoch) return undefined
  TokenCache.set(shared.cache, app, entry, now)
  AppState.adopt(state, entry, now)
  TokenCache.undrop(shared.cache, app, [entry.resolved.token.identity])
  shared.mintedTokens.recall(entry.resolved.token.identity)
  return entry
}

const logFailure = (
  { app, retry, shared }: AppState.AppState,
  error: NoTokenAvailable,
  entry: TokenCache.CacheEntry
): Effect.Effect<void> => {
  const next = retry !== undefined && Number.isFinite(retry.at)
    ? `next try at ${new Date(retry.at).toISOString()}`
    : "no further try before it expires"
  const telling = error.attempts.filter(({ reason }) => reason._tag !== "NotFound" && reason._tag !== "NotNewer")
  const why = telling.map(({ reason, source }) => `${source}: ${reason.message}`).join("; ") ||
    "no source has a newer one"
  const cause = telling.map(({ reason, source }) => `${source}: ${causeOf(reason)}`).join("; ")
  const until = new Date(entry.expiresAt).toISOString()
  return shared.warn(
    `not refreshed: ${cause}`,
    told`fly-tokens: refreshing the token of ${app} failed (${why}); ${next}; it is good until ${until}`
  )
}

const announceFailure = (
  state: AppState.AppState,
  error: NoTokenAvailable,
  left: TokenCache.CacheEntry | undefined,
  at: number
): void => {
  const next = left === undefined ? Number.POSITIVE_INFINITY : AppState.dueAt(state, left, at)
  state.shared.telemetry.announce(() => ({
    _tag: "RefreshFailed",
    app: state.app,
    at,
    error,
    nextTryAt: Number.isFinite(next) ? next : null,
    expiresAt: left?.resolved.expiresAt ?? null
  }))
}

/**
 * Ends a run that found nothing: a token that is there, or was before a refresh took it away, stays; without one the
 * failure is remembered for the cool-down.
 *
 * **Details**
 *
 * A refresh ahead asks for less than a caller does (no manual token, none that lives shorter): if its token is gone by
 * now, it has no answer for those who joined it, and ends with `undefined`.
 */
export const fail = Effect.fnUntraced(function*(
  state: AppState.AppState,
  task: AppState.Task,
  attempts: ReadonlyArray<Attempt>,
  now: number
): Effect.fn.Return<undefined, NoTokenAvailable> {
  const error = new NoTokenAvailable({ app: state.app, attempts: [...attempts] })
  const { purpose } = task
  if (task.epoch !== state.epoch) return purpose === "refreshAhead" ? undefined : yield* error
  const left = purpose === "refresh" ? putBack(state, task, now) : AppState.validEntry(state, now)
  const isToPause = left === undefined && purpose !== "refreshAhead"
  const retryAt = isToPause ? now + state.shared.settings.failureCooldownMillis : Number.NEGATIVE_INFINITY
  state.failure = { error, exit: Exit.fail(error), retryAt }
  if (purpose === "refreshAhead" && left !== undefined) {
    AppState.planRetry(state, left, now, Math.max(1, AppState.failuresOf(state, left)))
  }
  if (purpose !== "get") announceFailure(state, error, left, now)
  if (purpose === "refreshAhead" && left === undefined) return undefined
  if (left !== undefined && purpose === "refresh") yield* state.shared.attendance.attend(state)
  if (left !== undefined && purpose === "refreshAhead") yield* logFailure(state, error, left)
  return yield* error
})

/**
 * An entry whose times came from a clock that was ahead. The end that is written in a token is a moment; one that was
 * counted from its acquisition is counted anew, and never later than before.
 */
export const rebase = (state: AppState.AppState, entry: TokenCache.CacheEntry, now: number): void => {
  entry.since = now
  entry.lastUsed = Math.min(entry.lastUsed, now)
  const { source, token } = entry.resolved
  if (token.expiresAt === entry.expiresAt) return
  const again = entryFor(state, { token, source, acquiredAt: now, lastUsed: entry.lastUsed }, now)
  if (again.expiresAt >= entry.expiresAt) return
  TokenCache.set(state.shared.cache, state.app, again, now)
  AppState.adopt(state, again, now)
}
