/**
 * The resolver of one app: lives in an `RcMap` entry's scope, runs the chain once at a time, answers its callers.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as RefreshPolicy from "../../policy/RefreshPolicy.ts"
import type { ResolvedToken } from "../../services/FlyTokens.ts"
import type { NoTokenAvailable } from "../../services/TokenError.ts"
import type { AppName } from "../../token/AppName.ts"
import type { FlyToken } from "../../token/FlyToken.ts"
import * as AppState from "./AppState.ts"
import * as Attendance from "./Attendance.ts"
import * as Chain from "./Chain.ts"
import * as Settlement from "./Settlement.ts"
import type { AppResolver, Shared } from "./Shared.ts"
import * as TokenCache from "./TokenCache.ts"

type Answer = Effect.Effect<ResolvedToken, NoTokenAvailable>

/** Tells in the caller's span who answered. */
const acquiredBy = (acquirer: "cache" | "resolver", answer: Answer): Answer =>
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
  const state = AppState.make(app, shared)
  const turn = Semaphore.makeUnsafe(1)
  const manualOnly = shared.chain.filter(({ name }) => name === "manual")
  const withoutManual = shared.chain.filter(({ name }) => name !== "manual")

  const forkHere = <A, E>(effect: Effect.Effect<A, E>): Fiber.Fiber<A, E> =>
    Fiber.runIn(Effect.runForkWith(shared.context)(effect), scope)

  /** From when on a get joins a run that is under way. A token of last resort is served to its end. */
  const joinFrom = (entry: TokenCache.CacheEntry): number =>
    entry.resolved.source === "manual" ? entry.expiresAt : RefreshPolicy.joinFrom(entry.expiresAt)

  const refreshAhead = (entry: TokenCache.CacheEntry, now: number): void => {
    // Planned beforehand, so that a run that changes nothing is no loop.
    AppState.planRetry(state, entry, now, AppState.failuresOf(state, entry) + 1)
    // From here on a get joins, if it is the last minute.
    entry.fastUntil = joinFrom(entry)
    // A token of last resort gives way to any better one, and never takes the place of one that still works.
    const isManual = entry.resolved.source === "manual"
    const chain = isManual ? shared.chain : withoutManual
    const { fiber } = start("refreshAhead", {
      replaces: entry,
      chain,
      longerThan: isManual ? undefined : entry.expiresAt
    })
    fiber.addObserver(() => {
      entry.fastUntil = entry.expiresAt
    })
  }

  const attendance = Attendance.make({
    entry: () => cache.entries.get(app),
    run: () => state.current?.fiber,
    dueAt: (entry, now) => AppState.dueAt(state, entry, now),
    refresh: refreshAhead,
    forget: (entry) => {
      if (cache.entries.get(app) === entry) cache.entries.delete(app)
    },
    onClockSetBack: (entry, now) => Settlement.rebase(state, entry, now),
    onEvicted: (at) => telemetry.announce({ _tag: "Evicted", app, at }),
    idleTimeToLiveMillis: settings.idleTimeToLiveMillis,
    fork: forkHere,
    forkOutside: background.fork,
    retain: shared.retain(app)
  })

  const demands = { ttlMillis: settings.ttlMillis, isRejected: shared.isRejected }

  const resolve = Effect.fnUntraced(function*(
    task: AppState.Task
  ): Effect.fn.Return<ResolvedToken | undefined, NoTokenAvailable> {
    // Overtaken while it waited for its turn: those who wait for it are answered by the run that overtook it.
    if (task.epoch !== state.epoch) return undefined
    let seen = state.manualEpoch
    let outcome = yield* Chain.run(task.chain, task.request, demands)
    let now = yield* Clock.currentTimeMillis
    const isUnsettled = () =>
      seen !== state.manualEpoch && (outcome._tag === "None" || outcome.source === "manual") &&
      task.chain.some(({ name }) => name === "manual")
    // No step of other fibers comes between the last look at the epoch and the commit.
    while (isUnsettled()) {
      seen = state.manualEpoch
      task.request.storageTimedOut = false
      const again = yield* Chain.run(manualOnly, task.request, demands)
      outcome = again._tag === "Found" ? again : { _tag: "None", attempts: outcome.attempts }
      now = yield* Clock.currentTimeMillis
    }
    const source = outcome._tag === "Found" ? outcome.source : undefined
    telemetry.onRun(outcome.attempts, source)
    const answer = outcome._tag === "Found"
      ? Settlement.commit(state, task, outcome, now, attendance.attend)
      : Settlement.fail(state, task, outcome.attempts, now, attendance.attend)
    const attempts = outcome.attempts.map(({ reason, source }) => `${source}: ${reason._tag}`)
    return yield* Effect.andThen(
      Effect.annotateCurrentSpan(source === undefined ? { attempts } : { source, attempts }),
      answer
    )
  })

  const start = (
    purpose: AppState.Purpose,
    options: {
      readonly replaces?: TokenCache.CacheEntry | undefined
      readonly chain?: ReadonlyArray<Chain.Source>
      readonly longerThan?: number | undefined
      readonly before?: string
    } = {}
  ): AppState.Run => {
    const { epoch, manualEpoch } = state
    const task: AppState.Task = {
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
      replaces: options.replaces,
      before: options.before ?? options.replaces?.resolved.token.fingerprint
    }
    const resolving = Effect.withSpan(turn.withPermit(resolve(task)), "FlyTokens.resolve", {
      attributes: { app, purpose }
    })
    const run: AppState.Run = { ...task, fiber: forkHere(Effect.andThen(attendance.hold, resolving)) }
    state.current = run
    // An observer also sees a fiber that was interrupted before its first step, or that has ended already.
    run.fiber.addObserver(() => {
      if (state.current === run) state.current = undefined
      attendance.settle()
    })
    return run
  }

  const serve = (entry: TokenCache.CacheEntry, now: number): Answer => {
    entry.lastUsed = now
    return entry.attended
      ? entry.exit as Exit.Success<ResolvedToken>
      : Effect.andThen(attendance.attend(entry), entry.exit)
  }

  /** A token that was rejected, or dropped from the store, while its run was under way is not handed out any more. */
  const isStale = (run: AppState.Run, resolved: ResolvedToken, now: number): boolean =>
    shared.isRejected(resolved.token, now) || (run.epoch !== state.epoch && resolved.source === "storage")

  const answerOf = (run: AppState.Run): Answer =>
    Effect.flatMap(Fiber.join(run.fiber), (resolved) =>
      Effect.flatMap(
        Clock.currentTimeMillis,
        (now) => resolved === undefined || isStale(run, resolved, now) ? get : Effect.succeed(resolved)
      ))

  /** The answer of a run; if it fails, the token that is still there: a refresh left it or put it back. */
  const answerOrCurrent = (run: AppState.Run): Answer =>
    Effect.catch(answerOf(run), (error) =>
      Effect.flatMap(
        Clock.currentTimeMillis,
        (now) => AppState.validEntry(state, now)?.exit ?? Effect.fail(error)
      ))

  const get: Answer = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const entry = AppState.validEntry(state, now)
    const run = AppState.running(state)
    if (entry !== undefined) {
      return run !== undefined && now >= joinFrom(entry)
        ? acquiredBy("resolver", answerOrCurrent(run))
        : acquiredBy("cache", serve(entry, now))
    }
    return AppState.pause(state, now)?.exit ?? acquiredBy("resolver", answerOrCurrent(run ?? start("get")))
  })

  const refreshRejected = (rejected: FlyToken, entry: TokenCache.CacheEntry | undefined, now: number): Answer => {
    const { identity } = rejected
    if (shared.reject(app, rejected, now)) shared.inBackground(app, shared.mintedTokens.forgetStored(identity))
    if (entry !== undefined && entry.resolved.token.identity !== identity) return serve(entry, now)
    cache.entries.delete(app)
    TokenCache.drop(cache, app, identity)
    const gone = Effect.sync(() => TokenCache.undrop(cache, app, [identity]))
    shared.inBackground(app, Effect.andThen(shared.writes.drop(app, "cached", identity), gone))
    return answerOf(AppState.running(state) ?? start("replaceRejected", { before: rejected.fingerprint }))
  }

  const refresh = (rejected: FlyToken | undefined): Answer =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      state.failure = undefined
      const entry = AppState.validEntry(state, now)
      if (rejected !== undefined) return refreshRejected(rejected, entry, now)
      const run = AppState.running(state)
      if (run?.purpose === "refresh") return answerOf(run)
      state.epoch++
      cache.entries.delete(app)
      if (entry !== undefined) {
        TokenCache.drop(cache, app, entry.resolved.token.identity)
        shared.mintedTokens.forget(entry.resolved.token.identity)
      }
      return answerOf(start("refresh", { replaces: entry }))
    })

  const self: AppResolver = {
    get,
    refresh,
    onInvalidated: () => {
      state.epoch++
      attendance.settle()
    },
    onManualChanged: (now) => {
      state.manualEpoch++
      state.failure = undefined
      const entry = AppState.validEntry(state, now)
      if (entry === undefined || entry.resolved.source !== "manual") return
      AppState.adopt(state, entry, now)
      if (entry.attended) forkHere(attendance.attend(entry))
    },
    status: (now) => AppState.status(state, now)
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
