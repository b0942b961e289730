/**
 * The resolver of one app: lives in an `RcMap` entry's scope, carries out what the {@link Machine} says, runs the chain once
 * at a time, answers its callers. No rule is in here.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as MutableHashMap from "effect/MutableHashMap"
import * as Option from "effect/Option"
import * as RcMap from "effect/RcMap"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { Scheduler } from "../concurrency/Scheduler.ts"
import * as RecordKey from "../services/RecordKey.ts"
import type { NoTokenAvailable } from "../services/TokenError.ts"
import type { ResolvedToken } from "../services/TokenProvider.ts"
import * as TokenKey from "../token/TokenKey.ts"
import * as AppState from "./AppState.ts"
import * as Chain from "./Chain.ts"
import * as Machine from "./Machine.ts"
import type { Parts } from "./Parts.ts"
import * as Persisting from "./Persisting.ts"
import * as Telemetry from "./Telemetry.ts"
import type { App, Resolver, Running } from "./TokenBook.ts"

/** What all resolvers work with. */
export interface Engine extends Parts {
  readonly policy: Machine.Policy
  readonly scheduler: Scheduler<App>
  readonly resolvers: RcMap.RcMap<string, App>
}

type Answer = Effect.Effect<ResolvedToken, NoTokenAvailable>

const nowOf = ({ clock }: Engine): number => clock.currentTimeMillisUnsafe()

/** How soon the end of an app's resolver is looked at again that a call holds. */
const releaseAgainMillis = 1_000

/** Takes over a step: first the state, then what is to be done. Answers the run that it started. */
export const apply = (engine: Engine, app: App, { actions, state }: Machine.Step): Running | undefined => {
  engine.book.set(app, state, nowOf(engine))
  let started: Running | undefined
  for (const action of actions) {
    if (action._tag === "Start") started = start(engine, app, action.run)
    else perform(engine, app, action)
  }
  const at = Machine.deadline(app.state, app.lastUsed, engine.policy)
  if (at === undefined) engine.scheduler.delete(app)
  else engine.scheduler.set(app, at)
  return started
}

const perform = (engine: Engine, app: App, action: Exclude<Machine.Action, { readonly _tag: "Start" }>): void => {
  switch (action._tag) {
    case "Persist":
      return Persisting.persist(engine, app.key, action)
    case "Replace":
      return Persisting.replace(engine, app.key, action.token.identity)
    case "DropRejected":
      return Persisting.dropRejected(engine, app.key, action.token.identity)
    case "Restore":
      return Persisting.restore(engine, app.key, action.token.identity)
    case "Announce":
      return engine.telemetry.announce(action.event)
    case "LogFailure":
      return void engine.background.fork(engine.warn(...Telemetry.refreshFailed(app.key.app, action)))
    case "Release":
      return letGo(engine, app)
  }
}

/** Ends the app's resolver, unless a call is just about to use it. */
const letGo = (engine: Engine, app: App): void => {
  const { background, resolvers, scheduler } = engine
  if (isHeld(resolvers, TokenKey.id(app.key))) scheduler.set(app, nowOf(engine) + releaseAgainMillis)
  else background.fork(RcMap.invalidate(resolvers, TokenKey.id(app.key)))
}

const isHeld = ({ state }: Engine["resolvers"], id: string): boolean => {
  const held = state._tag === "Open" ? Option.getOrUndefined(MutableHashMap.get(state.map, id)) : undefined
  return held !== undefined && held.refCount > 0
}

/** Does what is due for an app. */
export const onDue = (engine: Engine, app: App, now: number): void => {
  // It was not used at a time that is still to come.
  app.lastUsed = Math.min(app.lastUsed, now)
  apply(engine, app, Machine.due(app.state, now, app.lastUsed, engine.policy))
}

/** Ends the runs, and everything that counts on the resolver. */
const release = (engine: Engine, app: App, resolver: Resolver): Effect.Effect<void> =>
  Effect.suspend(() => {
    // Closed for good: a run that begins from here on is interrupted.
    resolver.work ??= Scope.makeUnsafe()
    return Effect.andThen(
      Scope.close(resolver.work, Exit.void),
      Effect.sync(() => {
        if (app.resolver !== resolver) return
        app.resolver = undefined
        app.running = undefined
        engine.scheduler.delete(app)
        engine.book.set(app, Machine.released(app.state), nowOf(engine))
        if (app.state.token === undefined) engine.book.delete(app)
      })
    )
  })

/** What the `RcMap` looks up. */
export const make = (engine: () => Engine, id: string): Effect.Effect<App, never, Scope.Scope> =>
  Effect.flatMap(Effect.scope, (scope) => {
    const { book } = engine()
    // Made here, where it becomes active at once: an entry that nobody looks after may be swept out.
    const app = book.app(TokenKey.ofId(id))
    const resolver: Resolver = { work: undefined, turn: undefined, runs: 0 }
    app.resolver = resolver
    book.set(app, Machine.activated(app.state), nowOf(engine()))
    return Effect.as(Scope.addFinalizer(scope, release(engine(), app, resolver)), app)
  })

/** Runs of one app take turns. */
const inTurn = <A, E>(resolver: Resolver, effect: Effect.Effect<A, E>): Effect.Effect<A, E> => {
  resolver.turn ??= Semaphore.makeUnsafe(1)
  return resolver.turn.withPermit(effect)
}

const fork = <A, E>(engine: Engine, resolver: Resolver, effect: Effect.Effect<A, E>): Fiber.Fiber<A, E> => {
  const fiber = Effect.runForkWith(engine.context)(effect)
  if (fiber.pollUnsafe() !== undefined) return fiber
  resolver.work ??= Scope.makeUnsafe()
  return Fiber.runIn(fiber, resolver.work)
}

const ask = (engine: Engine, app: App, run: AppState.Run, isWanted: (source: Chain.Source) => boolean) =>
  Chain.run(
    engine.sources.filter(isWanted),
    { key: app.key, isRefresh: run.purpose === "refresh", livesPast: run.livesPast },
    engine.judging
  )

const resolve = Effect.fnUntraced(function*(
  engine: Engine,
  app: App,
  run: AppState.Run
): Effect.fn.Return<ResolvedToken | undefined, NoTokenAvailable> {
  // Overtaken while it waited for its turn: those who wait for it are answered by the run that overtook it.
  if (run.generation !== app.state.generation) return undefined
  let seen = app.state.lastResortRevision
  let outcome = yield* ask(engine, app, run, ({ lastResort }) => run.lastResort || !lastResort)
  // No step of other fibers comes between the last look and the end of the run.
  while (Machine.isUnsettled(app.state, run, seen, outcome, engine.policy)) {
    seen = app.state.lastResortRevision
    const again = yield* ask(engine, app, run, ({ lastResort }) => lastResort)
    outcome = again.found === undefined ? { ...outcome, found: undefined } : { ...again, misses: outcome.misses }
  }
  const now = nowOf(engine)
  engine.telemetry.onRun(outcome)
  // Behind the callers' backs nobody asked: the app is as idle as before.
  if (run.purpose !== "refreshAhead" && run.purpose !== "keep") app.lastUsed = now
  const { answer, ...step } = Machine.ended(app.state, run, outcome, now, engine.policy)
  apply(engine, app, step)
  yield* Telemetry.noted(() => Telemetry.attributesOf(outcome))
  return yield* answer
})

/** Starts a run: a fiber of the resolver, which no caller owns. */
const start = (engine: Engine, app: App, run: AppState.Run): Running => {
  const resolver = app.resolver ?? { work: undefined, turn: undefined, runs: 0 }
  const { app: name } = app.key
  const resolving = Telemetry.traced(
    "FlyTokens.resolve",
    { app: name, purpose: run.purpose },
    resolve(engine, app, run)
  )
  const answered = Deferred.makeUnsafe<ResolvedToken, NoTokenAvailable>()
  resolver.runs++
  const running: Running = {
    run,
    fiber: fork(engine, resolver, inTurn(resolver, resolving)),
    waiting: Deferred.await(answered)
  }
  // Who listens to what it told may have begun the next one already.
  if (app.running === undefined || app.running.run.id < run.id) app.running = running
  // An observer also sees a fiber that was interrupted before its first step, or that has ended already.
  running.fiber.addObserver((exit) => {
    if (--resolver.runs === 0) resolver.turn = undefined
    if (app.running === running) app.running = undefined
    apply(engine, app, { state: Machine.withoutRun(app.state, run), actions: [] })
    // Each who waited looks once more when it goes on: another one may have reported the token by then.
    Deferred.doneUnsafe(answered, Effect.suspend(() => answerOrCurrent(engine, app, run, exit)))
  })
  return running
}

/** The answer of a run that has ended. One that was overtaken, or that is not to be handed out any more, is no answer. */
const answer = (
  engine: Engine,
  app: App,
  run: AppState.Run,
  exit: Exit.Exit<ResolvedToken | undefined, NoTokenAvailable>
): Answer => {
  const isNone = Exit.isSuccess(exit) &&
    (exit.value === undefined || Machine.isStale(app.state, run, exit.value, nowOf(engine), engine.policy))
  return isNone ? get(engine, app.key) : exit as Exit.Exit<ResolvedToken, NoTokenAvailable>
}

/** The same for a `get`: if the run failed, the token that is still there: a refresh left it or put it back. */
const answerOrCurrent = (
  engine: Engine,
  app: App,
  run: AppState.Run,
  exit: Exit.Exit<ResolvedToken | undefined, NoTokenAvailable>
): Answer => {
  const isFailure = Exit.isFailure(exit) && !Exit.hasInterrupts(exit)
  const current = isFailure && AppState.validToken(app.state, nowOf(engine)) !== undefined ? app.exit : undefined
  return current ?? answer(engine, app, run, exit)
}

/** What comes of a run for who wants a newer token. */
const answerOf = (engine: Engine, app: App, { fiber, run }: Running): Answer =>
  Effect.flatMap(Fiber.await(fiber), (exit) => answer(engine, app, run, exit))

/** Holds the resolver of an app, made if there is none, while it is used. */
const withApp = <A, E>(
  engine: Engine,
  span: string,
  key: TokenKey.TokenKey,
  use: (app: App) => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Telemetry.traced(
    span,
    { app: key.app },
    Effect.scoped(Effect.flatMap(RcMap.get(engine.resolvers, TokenKey.id(key)), use))
  )

/** Gives what a step replied. `wait` is how this caller waits for a run. */
const replied = (engine: Engine, app: App, step: Machine.Replied, wait: (running: Running) => Answer): Answer => {
  const started = apply(engine, app, step)
  const { reply } = step
  switch (reply._tag) {
    case "Token":
      app.lastUsed = nowOf(engine)
      return Telemetry.answeredBy("cache", Effect.succeed(reply.token.resolved))
    case "Failure":
      return Effect.fail(reply.failure.error)
    case "Wait": {
      const running = started ?? app.running
      return running === undefined ? get(engine, app.key) : Telemetry.answeredBy("resolver", wait(running))
    }
  }
}

/** The app's token: the current one, that of the run that is under way, or that of a new one. */
export const get = (engine: Engine, key: TokenKey.TokenKey): Answer =>
  withApp(
    engine,
    "FlyTokens.get",
    key,
    (app) =>
      Effect.suspend(() =>
        replied(engine, app, Machine.get(app.state, nowOf(engine), engine.policy), ({ waiting }) => waiting)
      )
  )

/** Keeps the app's token until the scope closes. */
export const keep = (engine: Engine, key: TokenKey.TokenKey): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(Effect.acquireRelease(
    withApp(engine, "FlyTokens.keep", key, (app) =>
      Effect.sync(() => {
        apply(engine, app, Machine.keep(app.state, nowOf(engine)))
        return app
      })),
    (app) => Effect.sync(() => apply(engine, app, Machine.unkeep(app.state)))
  ))

/** Another token than the current one; than `rejected`, which Fly refused, if that is named. */
export const refresh = (
  engine: Engine,
  key: TokenKey.TokenKey,
  rejected: ResolvedToken["token"] | undefined
): Answer =>
  withApp(engine, "FlyTokens.refresh", key, (app) =>
    Effect.suspend(() => {
      const now = nowOf(engine)
      if (rejected === undefined) {
        // Fly mostly answers 404 where a token has no access, so that nobody rejects it: this may be why.
        engine.minted.forgetOrg(key.app)
        return replied(engine, app, Machine.refresh(app.state, now), (running) => answerOf(engine, app, running))
      }
      const isNews = reject(engine, app, rejected, now)
      const step = Machine.refreshRejected(app.state, rejected, now)
      if (isNews) Persisting.deleteMinted(engine, key, rejected.identity)
      return replied(engine, app, step, (running) => answerOf(engine, app, running))
    }))

/**
 * Notes that Fly refused a token: every app that has it loses it, for apps of one organization share one. Answers whether
 * that is news.
 */
export const reject = (engine: Engine, by: App, token: ResolvedToken["token"], now: number): boolean => {
  const { book, minted, telemetry } = engine
  const isNews = book.reject(token, now)
  book.deny(token.identity, "minted", now)
  minted.forget(token.identity)
  if (!isNews) return false
  // Once for a token: those who report it after are many of one organization, this app may be one that moved.
  minted.forgetOrg(by.key.app)
  for (const app of book.holders(token)) {
    // Its record may have it too.
    book.deny(token.identity, RecordKey.id(RecordKey.cached(app.key)), now)
    minted.forgetPlace(app.key.app)
    apply(engine, app, Machine.rejected(app.state))
  }
  telemetry.announce(() => ({ _tag: "Rejected", app: by.key.app, at: now, fingerprint: token.fingerprint }))
  return true
}

/** The run that a `get` waits for, if there is no token and one is under way; the shortest way to wait. */
export const joinable = ({ book, clock }: Engine, id: string): Running | undefined => {
  const app = book.apps.get(id)
  if (app?.running === undefined) return undefined
  const { running, state } = app
  if (AppState.joinable(state) !== running.run) return undefined
  const hasToken = state.token !== undefined && clock.currentTimeMillisUnsafe() < state.token.expiresAt
  return hasToken ? undefined : running
}
