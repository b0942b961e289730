/**
 * The resolver of one app: lives in an `RcMap` entry's scope, runs the chain once at a time, puts what it finds into the
 * shared cache.
 *
 * **Details**
 *
 * Every change of its state is one synchronous step. An epoch orders runs against `refresh` and `invalidate`: a run that
 * began in an older epoch answers its callers and changes nothing.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as RefreshPolicy from "../../policy/RefreshPolicy.ts"
import * as Usability from "../../policy/Usability.ts"
import { ResolvedToken, type TokenStatus } from "../../services/FlyTokens.ts"
import type { SourceName } from "../../services/SourceName.ts"
import { type Attempt, NoTokenAvailable } from "../../services/TokenError.ts"
import type { AppName } from "../../token/AppName.ts"
import type { FlyToken } from "../../token/FlyToken.ts"
import type { ResolverSettings } from "../FlyTokensOptions.ts"
import * as Attendance from "./Attendance.ts"
import type { Background } from "./Background.ts"
import * as Chain from "./Chain.ts"
import type { OrgTokens } from "./OrgTokens.ts"
import type { PendingWrites, WriteReason } from "./PendingWrites.ts"
import type { Telemetry } from "./Telemetry.ts"
import * as TokenCache from "./TokenCache.ts"

/**
 * What the resolvers of all apps share.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface Shared {
  readonly settings: ResolverSettings
  readonly context: Context.Context<never>
  readonly background: Background
  readonly cache: TokenCache.TokenCache
  readonly writes: PendingWrites
  readonly telemetry: Telemetry
  /** From [0, 1). */
  readonly random: () => number
  readonly inBackground: (name: string, write: Effect.Effect<unknown, WriteReason>) => void
  readonly orgTokens: OrgTokens
  readonly chain: ReadonlyArray<Chain.Source>
  readonly isRejected: (token: FlyToken, now: number) => boolean
  /** Notes a refused token and drops it everywhere in memory; `false` if it was known already. */
  readonly reject: (app: AppName, token: FlyToken, now: number) => boolean
  /** The resolvers that are alive, by app. */
  readonly live: Map<AppName, AppResolver>
  /** Keeps this app's resolver alive as long as the scope is open. */
  readonly retain: (app: AppName) => Effect.Effect<unknown, never, Scope.Scope>
}

/**
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface AppResolver {
  readonly get: Effect.Effect<ResolvedToken, NoTokenAvailable>
  readonly refresh: (rejected: FlyToken | undefined) => Effect.Effect<ResolvedToken, NoTokenAvailable>
  /** The cached token was dropped: what is under way must not bring it back. */
  readonly onInvalidated: () => void
  /** The manual token in the store is another one now. */
  readonly onManualChanged: () => void
  readonly status: (now: number) => TokenStatus
}

/**
 * What a run is for: a caller's `get`; a caller's `refresh`, which takes the token out of the cache; a refresh ahead of
 * expiry, behind the callers' backs, which leaves it there.
 */
type Purpose = "get" | "refresh" | "refreshAhead"

interface Task {
  readonly epoch: number
  readonly manualEpoch: number
  readonly purpose: Purpose
  readonly request: Chain.ChainRequest
  readonly chain: ReadonlyArray<Chain.Source>
  /** The entry that is to be replaced. A `refresh` that finds nothing puts it back. */
  readonly replaces: TokenCache.CacheEntry | undefined
}

interface Run extends Task {
  /** Ends with `undefined` if the run was overtaken before its turn came. */
  readonly fiber: Fiber.Fiber<ResolvedToken | undefined, NoTokenAvailable>
}

/** The next try after failures in a row, and how long it was to be waited for. */
interface Retry {
  readonly failures: number
  readonly at: number
  readonly wait: number
}

/** Tells in the caller's span who answered. */
const acquiredBy = <A, E>(acquirer: "cache" | "resolver", answer: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.andThen(Effect.annotateCurrentSpan("acquirer", acquirer), answer)

/**
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const make = Effect.fnUntraced(function*(
  app: AppName,
  shared: Shared
): Effect.fn.Return<AppResolver, never, Scope.Scope> {
  const { background, cache, settings, telemetry } = shared
  const scope = yield* Effect.scope
  const turn = Semaphore.makeUnsafe(1)
  const manualPlace = shared.chain.findIndex(({ name }) => name === "manual")
  const manualOnly = shared.chain.filter(({ name }) => name === "manual")
  const withoutManual = shared.chain.filter(({ name }) => name !== "manual")
  let epoch = 0
  let manualEpoch = 0
  let current: Run | undefined
  let failure: { readonly until: number; readonly exit: Exit.Exit<never, NoTokenAvailable> } | undefined
  let lastFailure: NoTokenAvailable | undefined
  let retry: Retry | undefined

  const forkHere = <A, E>(effect: Effect.Effect<A, E>): Fiber.Fiber<A, E> =>
    Fiber.runIn(Effect.runForkWith(shared.context)(effect), scope)

  const validEntry = (now: number): TokenCache.CacheEntry | undefined => {
    const entry = cache.entries.get(app)
    if (entry === undefined || now < entry.expiresAt) return entry
    // Nobody looks after an entry that came to its end while its resolver was away.
    cache.entries.delete(app)
    return undefined
  }

  const dueAt = (entry: TokenCache.CacheEntry, now: number): number => {
    if (retry === undefined) return entry.refreshAt
    if (retry.at - now > retry.wait) {
      // The clock was set back. That must not stretch the wait; and what was due may not be due any more.
      const at = entry.resolved.source === "manual" ? now + retry.wait : Math.max(now, entry.refreshAt)
      retry = { ...retry, at, wait: at - now }
    }
    return retry.at
  }

  const attendance = Attendance.make({
    entry: () => cache.entries.get(app),
    run: () => current?.fiber,
    dueAt,
    refresh: (entry, now) => {
      // Set beforehand, so that a run that changes nothing is no loop.
      planRetry(entry, now, (retry?.failures ?? 0) + 1)
      const servesManual = entry.resolved.source === "manual"
      start({
        purpose: "refreshAhead",
        replaces: entry,
        // A token of last resort gives way to any better one, and never takes the place of one that still works.
        chain: servesManual ? shared.chain : withoutManual,
        longerThan: servesManual ? undefined : entry.expiresAt
      })
    },
    forget: (entry) => {
      if (cache.entries.get(app) === entry) cache.entries.delete(app)
    },
    onClockSetBack: (entry, now) => {
      entry.since = now
      const { source, token } = entry.resolved
      // The end that is written in a token is a moment; one that was counted from its acquisition has to be counted anew.
      if (token.expiresAt === entry.expiresAt) return
      const expiresAt = Usability.expiryOf(token, { acquiredAt: now, ttlMillis: settings.ttlMillis, now })
      const refreshAt = RefreshPolicy.refreshAt({ acquiredAt: now, expiresAt }, now, settings, shared.random())
      const rebased = TokenCache.entryOf(resolvedOf(token, source, Math.min(expiresAt, entry.expiresAt)), {
        refreshAt: Math.min(refreshAt, entry.refreshAt),
        lastUsed: Math.min(entry.lastUsed, now),
        since: now
      })
      TokenCache.set(cache, app, rebased, now)
    },
    onEvicted: (at) => telemetry.announce({ _tag: "Evicted", app, at }),
    idleTimeToLiveMillis: settings.idleTimeToLiveMillis,
    fork: forkHere,
    forkOutside: background.fork,
    retain: shared.retain(app)
  })

  const planRetry = (entry: TokenCache.CacheEntry, now: number, failures: number): void => {
    const at = RefreshPolicy.nextTry({ now, expiresAt: entry.expiresAt, failures }, settings, shared.random())
    retry = { failures, at, wait: at - now }
  }

  const serve = (entry: TokenCache.CacheEntry, now: number): Effect.Effect<ResolvedToken> => {
    entry.lastUsed = now
    return entry.attended
      ? entry.exit as Exit.Success<ResolvedToken>
      : Effect.andThen(attendance.attend(entry), entry.exit)
  }

  const announceCommit = (before: TokenCache.CacheEntry | undefined, resolved: ResolvedToken, at: number): void => {
    const { expiresAt, source, token } = resolved
    const acquisition = { app, at, source, fingerprint: token.fingerprint, expiresAt }
    if (before === undefined) return telemetry.announce({ _tag: "Acquired", ...acquisition })
    // The same token read again, its time to live begun anew, is no news.
    if (before.resolved.token.identity === token.identity) return
    telemetry.announce({ _tag: "Refreshed", ...acquisition, replaced: before.resolved.token.fingerprint })
  }

  const resolvedOf = (token: FlyToken, source: SourceName, expiresAt: number): ResolvedToken =>
    new ResolvedToken({ app, token, source, expiresAt: Number.isFinite(expiresAt) ? expiresAt : null })

  const commit = (task: Task, found: Chain.Found, now: number): Effect.Effect<ResolvedToken> => {
    const { candidate, expiresAt, source } = found
    const resolved = resolvedOf(candidate.token, candidate.takenFrom ?? source, expiresAt)
    if (task.epoch !== epoch || shared.isRejected(candidate.token, now)) return Effect.succeed(resolved)
    const refreshAt = RefreshPolicy.refreshAt(
      { acquiredAt: candidate.acquiredAt, expiresAt },
      now,
      settings,
      shared.random()
    )
    // Behind the callers' backs nobody asked: the app is as idle as before.
    const lastUsed = task.purpose === "refreshAhead" ? task.replaces?.lastUsed ?? now : now
    const entry = TokenCache.entryOf(resolved, { refreshAt, lastUsed, since: now })
    failure = undefined
    TokenCache.set(cache, app, entry, now)
    if (source !== "manual" || manualPlace === 0 || settings.softExpiryLeadMillis === 0) retry = undefined
    // While a token of last resort serves, better sources are tried again and again.
    else planRetry(entry, now, task.purpose === "refreshAhead" ? retry?.failures ?? 1 : 1)
    announceCommit(task.replaces, resolved, now)
    persist(task, found, resolved)
    return Effect.as(attendance.attend(entry), resolved)
  }

  /** Brings the store after memory, behind the callers' backs. */
  const persist = (task: Task, { candidate, source }: Chain.Found, resolved: ResolvedToken): void => {
    const dropped = [...task.request.dropped]
    const gone = Effect.sync(() => TokenCache.undrop(cache, app, dropped))
    if (settings.persist.has(source)) {
      const { expiresAt, token } = resolved
      const record = { token: token.redacted, expiresAt, source, savedAt: candidate.acquiredAt }
      shared.inBackground(app, Effect.andThen(shared.writes.put(app, "cached", record), gone))
    } else if (task.request.isRefresh) {
      const drops = dropped.map((identity) => shared.writes.drop(app, "cached", identity))
      shared.inBackground(app, Effect.andThen(Effect.all(drops, { discard: true }), gone))
    }
    if (!task.request.isRefresh) return
    for (const identity of dropped) shared.inBackground(app, shared.orgTokens.forgetStored(identity))
  }

  /** What a refresh that found nothing leaves behind: the token that it took away, or passed over in the store. */
  const putBack = (task: Task, now: number): TokenCache.CacheEntry | undefined => {
    const { replaces, request } = task
    const entry = replaces ?? passedOverEntry(request.passedOver, now)
    if (entry === undefined || now >= entry.expiresAt || shared.isRejected(entry.resolved.token, now)) return undefined
    // A manual token that was removed or replaced meanwhile is not the one to serve.
    if (entry.resolved.source === "manual" && task.manualEpoch !== manualEpoch) return undefined
    TokenCache.set(cache, app, entry, now)
    TokenCache.undrop(cache, app, [entry.resolved.token.identity])
    shared.orgTokens.recall(entry.resolved.token.identity)
    return entry
  }

  const passedOverEntry = (candidate: Chain.Candidate | undefined, now: number): TokenCache.CacheEntry | undefined => {
    if (candidate === undefined) return undefined
    const { acquiredAt, token } = candidate
    const expiresAt = Usability.expiryOf(token, { acquiredAt, ttlMillis: settings.ttlMillis, now })
    if (Usability.defectOf(token, expiresAt, now) !== undefined) return undefined
    const refreshAt = RefreshPolicy.refreshAt({ acquiredAt, expiresAt }, now, settings, shared.random())
    return TokenCache.entryOf(resolvedOf(token, "storage", expiresAt), { refreshAt, lastUsed: now, since: now })
  }

  const announceFailure = (error: NoTokenAvailable, entry: TokenCache.CacheEntry | undefined, at: number): void => {
    const next = entry === undefined ? Number.POSITIVE_INFINITY : dueAt(entry, at)
    telemetry.announce({
      _tag: "RefreshFailed",
      app,
      at,
      error,
      nextTryAt: Number.isFinite(next) ? next : null,
      expiresAt: entry?.resolved.expiresAt ?? null
    })
  }

  const logFailure = (error: NoTokenAvailable, entry: TokenCache.CacheEntry): Effect.Effect<void> => {
    const next = retry !== undefined && Number.isFinite(retry.at)
      ? `next try at ${new Date(retry.at).toISOString()}`
      : "no further try before it expires"
    const why = error.attempts.filter(({ reason }) => reason._tag !== "NotFound" && reason._tag !== "NotNewer")
      .map(({ reason, source }) => `${source}: ${reason.message}`).join("; ") || "no source has a newer one"
    return Effect.logWarning(
      `fly-tokens: refreshing the token of ${app} failed (${why}); ${next}; it is good until ${
        new Date(entry.expiresAt).toISOString()
      }`
    )
  }

  const fail = Effect.fnUntraced(function*(
    task: Task,
    attempts: ReadonlyArray<Attempt>,
    now: number
  ): Effect.fn.Return<never, NoTokenAvailable> {
    const error = new NoTokenAvailable({ app, attempts: [...attempts] })
    if (task.epoch !== epoch) return yield* error
    lastFailure = error
    const { purpose } = task
    const left = purpose === "refresh" ? putBack(task, now) : validEntry(now)
    if (left === undefined) failure = { until: now + settings.failureCooldownMillis, exit: Exit.fail(error) }
    if (purpose === "refreshAhead" && left !== undefined) planRetry(left, now, retry?.failures ?? 1)
    if (purpose !== "get") announceFailure(error, left, now)
    if (purpose === "refresh" && left !== undefined) yield* attendance.attend(left)
    if (purpose === "refreshAhead" && left !== undefined) yield* logFailure(error, left)
    return yield* error
  })

  const demands = { ttlMillis: settings.ttlMillis, isRejected: shared.isRejected }

  const resolve = Effect.fnUntraced(function*(
    task: Task
  ): Effect.fn.Return<ResolvedToken | undefined, NoTokenAvailable> {
    // Overtaken while it waited for its turn: those who wait for it are answered by the run that overtook it.
    if (task.epoch !== epoch) return undefined
    let seen = manualEpoch
    let outcome = yield* Chain.run(task.chain, task.request, demands)
    let now = yield* Clock.currentTimeMillis
    // No step of other fibers comes between the last look at the epoch and the commit.
    while (seen !== manualEpoch && (outcome._tag === "None" || outcome.source === "manual")) {
      seen = manualEpoch
      task.request.storageTimedOut = false
      const again = yield* Chain.run(manualOnly, task.request, demands)
      outcome = again._tag === "Found" ? again : { _tag: "None", attempts: outcome.attempts }
      now = yield* Clock.currentTimeMillis
    }
    const source = outcome._tag === "Found" ? outcome.source : undefined
    telemetry.onRun(outcome.attempts, source)
    const answer = outcome._tag === "Found" ? commit(task, outcome, now) : fail(task, outcome.attempts, now)
    return yield* Effect.andThen(
      Effect.annotateCurrentSpan({
        ...(source === undefined ? {} : { source }),
        attempts: outcome.attempts.map(({ reason, source }) => `${source}: ${reason._tag}`)
      }),
      answer
    )
  })

  const start = (options: {
    readonly purpose: Purpose
    readonly replaces?: TokenCache.CacheEntry | undefined
    readonly chain?: ReadonlyArray<Chain.Source>
    readonly longerThan?: number | undefined
  }): Run => {
    const { purpose, replaces } = options
    const task: Task = {
      epoch,
      manualEpoch,
      purpose,
      request: {
        app,
        isRefresh: purpose === "refresh",
        dropped: new Set(cache.dropped.get(app)),
        passedOver: undefined,
        longerThan: options.longerThan,
        storageTimedOut: false,
        environmentMissed: false
      },
      chain: options.chain ?? shared.chain,
      replaces
    }
    if (purpose === "refreshAhead" && replaces !== undefined) {
      replaces.fastUntil = RefreshPolicy.joinFrom(replaces.expiresAt)
    }
    const resolving = Effect.withSpan(turn.withPermit(resolve(task)), "FlyTokens.resolve", {
      attributes: { app, purpose }
    })
    const run: Run = { ...task, fiber: forkHere(Effect.andThen(attendance.hold, resolving)) }
    current = run
    // An observer also sees a fiber that was interrupted before its first step, or that has ended already.
    run.fiber.addObserver(() => {
      if (current === run) current = undefined
      if (replaces !== undefined) replaces.fastUntil = replaces.expiresAt
      attendance.settle()
    })
    return run
  }

  const running = (): Run | undefined => current?.epoch === epoch ? current : undefined

  /** A token that was rejected, or dropped from the store, while its run was under way is not handed out any more. */
  const stale = (run: Run, resolved: ResolvedToken, now: number): boolean =>
    shared.isRejected(resolved.token, now) ||
    (run.epoch !== epoch && resolved.source === "storage")

  const answerOf = (run: Run): Effect.Effect<ResolvedToken, NoTokenAvailable> =>
    Effect.flatMap(
      Fiber.join(run.fiber),
      (resolved) =>
        Effect.flatMap(
          Clock.currentTimeMillis,
          (now) => resolved === undefined || stale(run, resolved, now) ? get : Effect.succeed(resolved)
        )
    )

  /** The answer of a run; if it fails, the token that is still there: a refresh left it or put it back. */
  const answerOrCurrent = (run: Run): Effect.Effect<ResolvedToken, NoTokenAvailable> =>
    Effect.catch(
      answerOf(run),
      (error) => Effect.flatMap(Clock.currentTimeMillis, (now) => validEntry(now)?.exit ?? Effect.fail(error))
    )

  const get: Effect.Effect<ResolvedToken, NoTokenAvailable> = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const entry = validEntry(now)
    if (entry !== undefined) {
      const run = running()
      return run !== undefined && now >= RefreshPolicy.joinFrom(entry.expiresAt)
        ? acquiredBy("resolver", answerOrCurrent(run))
        : acquiredBy("cache", serve(entry, now))
    }
    if (failure !== undefined && RefreshPolicy.within(failure.until, now, settings.failureCooldownMillis)) {
      return failure.exit
    }
    return acquiredBy("resolver", answerOrCurrent(running() ?? start({ purpose: "get" })))
  })

  const refreshRejected = (
    rejected: FlyToken,
    entry: TokenCache.CacheEntry | undefined,
    now: number
  ): Effect.Effect<ResolvedToken, NoTokenAvailable> => {
    if (shared.reject(app, rejected, now)) {
      shared.inBackground(app, shared.orgTokens.forgetStored(rejected.identity))
    }
    if (entry !== undefined && entry.resolved.token.identity !== rejected.identity) return serve(entry, now)
    cache.entries.delete(app)
    TokenCache.drop(cache, app, rejected.identity)
    shared.inBackground(
      app,
      Effect.tap(
        shared.writes.drop(app, "cached", rejected.identity),
        () => Effect.sync(() => TokenCache.undrop(cache, app, [rejected.identity]))
      )
    )
    return answerOf(running() ?? start({ purpose: "get" }))
  }

  const refresh = (rejected: FlyToken | undefined): Effect.Effect<ResolvedToken, NoTokenAvailable> =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      failure = undefined
      const entry = validEntry(now)
      if (rejected !== undefined) return refreshRejected(rejected, entry, now)
      const refreshing = running()
      if (refreshing?.purpose === "refresh") return answerOf(refreshing)
      epoch++
      cache.entries.delete(app)
      if (entry !== undefined) {
        TokenCache.drop(cache, app, entry.resolved.token.identity)
        shared.orgTokens.forget(entry.resolved.token.identity)
      }
      return answerOf(start({ purpose: "refresh", replaces: entry }))
    })

  const self: AppResolver = {
    get,
    refresh,
    onInvalidated: () => {
      epoch++
      attendance.settle()
    },
    onManualChanged: () => {
      manualEpoch++
      failure = undefined
      const entry = cache.entries.get(app)
      if (entry?.attended === true) forkHere(attendance.attend(entry))
    },
    status: (now) => {
      const entry = validEntry(now)
      const due = entry === undefined ? Number.POSITIVE_INFINITY : dueAt(entry, now)
      const paused = failure !== undefined && RefreshPolicy.within(failure.until, now, settings.failureCooldownMillis)
        ? failure.until
        : entry !== undefined && retry !== undefined && current === undefined && Number.isFinite(retry.at)
        ? retry.at
        : null
      return {
        app,
        source: entry?.resolved.source ?? null,
        fingerprint: entry?.resolved.token.fingerprint ?? null,
        expiresAt: entry?.resolved.expiresAt ?? null,
        refreshAt: Number.isFinite(due) ? due : null,
        inFlight: current !== undefined,
        backOffUntil: paused,
        lastFailure: lastFailure ?? null
      }
    }
  }

  yield* Effect.acquireRelease(
    Effect.sync(() => shared.live.set(app, self)),
    () =>
      Effect.sync(() => {
        if (shared.live.get(app) === self) shared.live.delete(app)
        const entry = cache.entries.get(app)
        if (entry !== undefined) entry.attended = false
      })
  )
  return self
})
