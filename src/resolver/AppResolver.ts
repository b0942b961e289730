/**
 * The resolver of one app: lives in an `RcMap` entry's scope, runs the chain once at a time, answers its callers.
 *
 * **Details**
 *
 * Its state is one plain object and what it does are functions of it, so that a hundred thousand apps are no more than a
 * hundred thousand small objects.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as RefreshPolicy from "../policy/RefreshPolicy.ts"
import type { NoTokenAvailable } from "../services/TokenError.ts"
import type { ResolvedToken } from "../services/TokenProvider.ts"
import type { AppName } from "../token/AppName.ts"
import type { FlyToken } from "../token/FlyToken.ts"
import * as AppState from "./AppState.ts"
import * as Chain from "./Chain.ts"
import * as Settlement from "./Settlement.ts"
import type { Shared } from "./Shared.ts"
import * as Spans from "./Spans.ts"
import * as TokenCache from "./TokenCache.ts"

type State = AppState.AppState

type Answer = Effect.Effect<ResolvedToken, NoTokenAvailable>

/** Tells in the caller's span who answered. */
const acquiredBy = (acquirer: "cache" | "resolver", answer: Answer): Answer => Spans.noted(() => ({ acquirer }), answer)

const nowOf = ({ shared }: State): number => shared.clock.currentTimeMillisUnsafe()

/** Ends the runs, and everything that counts on the resolver. */
const release = (state: State): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { app, shared } = state
    // Closed for good: a run that begins from here on is interrupted.
    state.work ??= Scope.makeUnsafe()
    return Effect.andThen(
      Scope.close(state.work, Exit.void),
      Effect.sync(() => {
        shared.attendance.leave(state)
        if (shared.live.get(app) !== state) return
        shared.live.delete(app)
        const entry = shared.cache.entries.get(app)
        if (entry !== undefined) entry.attended = false
      })
    )
  })

export const make = (app: AppName, shared: Shared): Effect.Effect<State, never, Scope.Scope> =>
  Effect.flatMap(Effect.scope, (scope) => {
    const state = AppState.make(app, shared)
    shared.live.set(app, state)
    return Effect.as(Scope.addFinalizer(scope, release(state)), state)
  })

const fork = <A, E>(state: State, effect: Effect.Effect<A, E>): Fiber.Fiber<A, E> => {
  const fiber = Effect.runForkWith(state.shared.context)(effect)
  if (fiber.pollUnsafe() !== undefined) return fiber
  state.work ??= Scope.makeUnsafe()
  return Fiber.runIn(fiber, state.work)
}

/** Runs of one app take turns. */
const inTurn = <A, E>(state: State, effect: Effect.Effect<A, E>): Effect.Effect<A, E> => {
  state.turn ??= Semaphore.makeUnsafe(1)
  return state.turn.withPermit(effect)
}

/** From when on a get joins a run that is under way. A token of last resort is served to its end. */
const joinFrom = (entry: TokenCache.CacheEntry): number =>
  entry.resolved.source === "manual" ? entry.expiresAt : RefreshPolicy.joinFrom(entry.expiresAt)

const resolve = Effect.fnUntraced(function*(
  state: State,
  task: AppState.Task
): Effect.fn.Return<ResolvedToken | undefined, NoTokenAvailable> {
  const { shared } = state
  // Overtaken while it waited for its turn: those who wait for it are answered by the run that overtook it.
  if (task.epoch !== state.epoch) return undefined
  let seen = state.manualEpoch
  let outcome = yield* Chain.run(task.chain, task.request, shared.demands)
  let now = nowOf(state)
  const isUnsettled = () =>
    seen !== state.manualEpoch && (outcome._tag === "None" || outcome.source === "manual") &&
    task.chain.some(({ name }) => name === "manual")
  // No step of other fibers comes between the last look at the epoch and the commit.
  while (isUnsettled()) {
    seen = state.manualEpoch
    task.request.storageTimedOut = false
    const again = yield* Chain.run(shared.chains.manualOnly, task.request, shared.demands)
    outcome = again._tag === "Found" ? again : { _tag: "None", attempts: outcome.attempts }
    now = nowOf(state)
  }
  const source = outcome._tag === "Found" ? outcome.source : undefined
  shared.telemetry.onRun(outcome.attempts, source)
  const answer = outcome._tag === "Found"
    ? Settlement.commit(state, task, outcome, now)
    : Settlement.fail(state, task, outcome.attempts, now)
  return yield* Spans.noted(() => {
    const attempts = outcome.attempts.map(({ reason, source }) => `${source}: ${reason._tag}`)
    return source === undefined ? { attempts } : { source, attempts }
  }, answer)
})

const start = (
  state: State,
  purpose: AppState.Purpose,
  options: {
    readonly replaces?: TokenCache.CacheEntry | undefined
    readonly chain?: ReadonlyArray<Chain.Source>
    readonly longerThan?: number | undefined
    /** The token before, if it is in the cache no more. */
    readonly before?: FlyToken
    readonly onEnd?: () => void
  } = {}
): AppState.Run => {
  const { app, epoch, manualEpoch, shared } = state
  const task: AppState.Task = {
    epoch,
    manualEpoch,
    purpose,
    request: {
      app,
      isRefresh: purpose === "refresh",
      dropped: new Set(TokenCache.droppedOf(shared.cache, app, nowOf(state))),
      passedOver: undefined,
      longerThan: options.longerThan,
      place: shared.placeOf(app),
      storageTimedOut: false,
      environmentMissed: false
    },
    chain: options.chain ?? shared.chains.all,
    replaces: options.replaces,
    before: options.before ?? options.replaces?.resolved.token
  }
  const resolving = Spans.traced("FlyTokens.resolve", { app, purpose }, inTurn(state, resolve(state, task)))
  const answered = Deferred.makeUnsafe<ResolvedToken, NoTokenAvailable>()
  state.runs++
  const run: AppState.Run = {
    ...task,
    fiber: fork(state, Effect.andThen(shared.attendance.hold(state), resolving)),
    waiting: Deferred.await(answered)
  }
  // Who listens to what it told may have begun the next one already.
  if (AppState.running(state) === undefined) state.current = run
  // An observer also sees a fiber that was interrupted before its first step, or that has ended already.
  run.fiber.addObserver((exit) => {
    if (state.current === run) state.current = undefined
    if (--state.runs === 0) state.turn = undefined
    options.onEnd?.()
    shared.attendance.look(state)
    // Each who waited looks once more when it goes on: another one may have reported the token by then.
    Deferred.doneUnsafe(answered, Effect.suspend(() => answerOrCurrent(state, run, exit)))
  })
  return run
}

/** Takes a newer token ahead of the expiry, behind the callers' backs. */
export const refreshAhead = (state: State, entry: TokenCache.CacheEntry, now: number): void => {
  const { chains } = state.shared
  // Planned beforehand, so that a run that changes nothing is no loop.
  AppState.planRetry(state, entry, now, AppState.failuresOf(state, entry) + 1)
  // From here on a get joins, if it is the last minute.
  entry.fastUntil = joinFrom(entry)
  // A token of last resort gives way to any better one, and never takes the place of one that still works.
  const isManual = entry.resolved.source === "manual"
  start(state, "refreshAhead", {
    replaces: entry,
    chain: isManual ? chains.all : chains.withoutManual,
    longerThan: isManual ? undefined : entry.expiresAt,
    onEnd: () => {
      entry.fastUntil = entry.expiresAt
    }
  })
}

const serve = (state: State, entry: TokenCache.CacheEntry, now: number): Answer => {
  entry.lastUsed = now
  return entry.attended
    ? entry.exit as Exit.Success<ResolvedToken>
    : Effect.andThen(state.shared.attendance.attend(state), entry.exit)
}

/** A token that was rejected, or dropped from the store, while its run was under way is not handed out any more. */
const isStale = (state: State, run: AppState.Run, resolved: ResolvedToken, now: number): boolean =>
  state.shared.isRejected(resolved.token, now) || (run.epoch !== state.epoch && resolved.source === "storage")

/** The answer of a run that has ended. One that was overtaken, or that is not to be handed out any more, is no answer. */
const answer = (
  state: State,
  run: AppState.Run,
  exit: Exit.Exit<ResolvedToken | undefined, NoTokenAvailable>
): Answer => {
  const isNone = Exit.isSuccess(exit) &&
    (exit.value === undefined || isStale(state, run, exit.value, nowOf(state)))
  return isNone ? state.shared.get(state.app) : exit as Exit.Exit<ResolvedToken, NoTokenAvailable>
}

/** The same for a `get`: if the run failed, the token that is still there: a refresh left it or put it back. */
const answerOrCurrent = (
  state: State,
  run: AppState.Run,
  exit: Exit.Exit<ResolvedToken | undefined, NoTokenAvailable>
): Answer =>
  (Exit.isFailure(exit) && !Exit.hasInterrupts(exit) ? AppState.validEntry(state, nowOf(state))?.exit : undefined) ??
    answer(state, run, exit)

/** What comes of a run for who wants a newer token. */
const answerOf = (state: State, run: AppState.Run): Answer =>
  Effect.flatMap(Fiber.await(run.fiber), (exit) => answer(state, run, exit))

/** The app's token: the cached one, that of the run that is under way, or that of a new one. */
export const get = (state: State): Answer =>
  Effect.suspend(() => {
    const now = nowOf(state)
    const entry = AppState.validEntry(state, now)
    const run = AppState.running(state)
    if (entry !== undefined) {
      return run !== undefined && now >= joinFrom(entry)
        ? acquiredBy("resolver", run.waiting)
        : acquiredBy("cache", serve(state, entry, now))
    }
    return AppState.pause(state, now)?.exit ?? acquiredBy("resolver", (run ?? start(state, "get")).waiting)
  })

/**
 * The run that a `get` waits for, if there is no token and one is under way; the shortest way to wait. Whoever takes it
 * need not hold the resolver: the run does.
 */
export const joinable = (state: State): AppState.Run | undefined => {
  const run = AppState.running(state)
  if (run === undefined) return undefined
  const entry = state.shared.cache.entries.get(state.app)
  return entry === undefined || nowOf(state) >= entry.expiresAt ? run : undefined
}

const refreshRejected = (
  state: State,
  rejected: FlyToken,
  entry: TokenCache.CacheEntry | undefined,
  now: number
): Answer => {
  const { app, shared } = state
  const { identity } = rejected
  if (shared.reject(app, rejected, now)) shared.inBackground(app, shared.mintedTokens.forgetStored(identity))
  if (entry !== undefined && entry.resolved.token.identity !== identity) return serve(state, entry, now)
  shared.cache.entries.delete(app)
  TokenCache.drop(shared.cache, app, identity, now)
  const gone = Effect.sync(() => TokenCache.undrop(shared.cache, app, [identity]))
  shared.inBackground(app, Effect.andThen(shared.writes.drop(app, "cached", identity), gone))
  return answerOf(
    state,
    AppState.running(state) ?? start(state, "replaceRejected", { before: rejected })
  )
}

/** Drops the current token, if it is the rejected one or none is named, and gets another one. */
export const refresh = (state: State, rejected: FlyToken | undefined): Answer =>
  Effect.suspend(() => {
    const { app, shared: { cache, forgetPlace, mintedTokens } } = state
    const now = nowOf(state)
    AppState.endPause(state)
    const entry = AppState.validEntry(state, now)
    if (rejected !== undefined) return refreshRejected(state, rejected, entry, now)
    const run = AppState.running(state)
    if (run?.purpose === "refresh") return answerOf(state, run)
    state.epoch++
    // Fly mostly answers 404 where a token has no access, so that nobody rejects it: this may be why.
    forgetPlace(app)
    cache.entries.delete(app)
    if (entry !== undefined) {
      TokenCache.drop(cache, app, entry.resolved.token.identity, now)
      mintedTokens.forget(entry.resolved.token.identity, now)
    }
    return answerOf(state, start(state, "refresh", { replaces: entry }))
  })

/** The cached token was dropped: what is under way must not bring it back. */
export const onInvalidated = (state: State): void => {
  state.epoch++
  state.shared.attendance.look(state)
}

/** The manual token in the store is another one now. */
export const onManualChanged = (state: State, now: number): void => {
  state.manualEpoch++
  AppState.endPause(state)
  const entry = AppState.validEntry(state, now)
  if (entry === undefined || entry.resolved.source !== "manual") return
  AppState.adopt(state, entry, now)
  if (entry.attended) state.shared.attendance.look(state)
}
