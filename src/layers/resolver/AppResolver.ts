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
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { ResolvedToken } from "../../services/FlyTokens.ts"
import { type Attempt, NoTokenAvailable } from "../../services/TokenError.ts"
import type { AppName } from "../../token/AppName.ts"
import type { FlyToken } from "../../token/FlyToken.ts"
import type { ResolverSettings } from "../FlyTokensOptions.ts"
import type { Background } from "./Background.ts"
import * as Chain from "./Chain.ts"
import type { OrgTokens } from "./OrgTokens.ts"
import type { PendingWrites, WriteReason } from "./PendingWrites.ts"
import { type CacheEntry, entryOf, type TokenCache } from "./TokenCache.ts"

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
  readonly cache: TokenCache
  readonly writes: PendingWrites
  readonly inBackground: (name: string, write: Effect.Effect<unknown, WriteReason>) => void
  readonly orgTokens: OrgTokens
  readonly chain: ReadonlyArray<Chain.Source>
  readonly isRejected: (token: FlyToken, now: number) => boolean
  /** Notes a refused token and drops it everywhere in memory; `false` if it was known already. */
  readonly reject: (token: FlyToken, now: number) => boolean
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
}

interface Task {
  readonly epoch: number
  readonly request: Chain.ChainRequest
  /** The entry that a refresh took out of the cache, to be put back if it finds nothing. */
  readonly replaced: CacheEntry | undefined
}

interface Run extends Task {
  readonly fiber: Fiber.Fiber<ResolvedToken, NoTokenAvailable>
}

/**
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const make = Effect.fnUntraced(function*(
  app: AppName,
  shared: Shared
): Effect.fn.Return<AppResolver, never, Scope.Scope> {
  const { background, cache, settings } = shared
  const scope = yield* Effect.scope
  const turn = Semaphore.makeUnsafe(1)
  let epoch = 0
  let manualEpoch = 0
  let current: Run | undefined
  let failure: { readonly until: number; readonly exit: Exit.Exit<never, NoTokenAvailable> } | undefined
  /** Open while there is a run or a token to look after. */
  let held: Scope.Closeable | undefined
  let watchingIdleness = false

  const hold = Effect.suspend(() => {
    if (held !== undefined) return Effect.void
    held = Scope.makeUnsafe()
    return Scope.provide(shared.retain(app), held)
  })

  const isHeld = () => held !== undefined

  const letGo = () => {
    if (held === undefined) return
    const closing = held
    held = undefined
    // From a fiber outside of this scope, which may close because of it.
    background.fork(Scope.close(closing, Exit.void))
  }

  const settle = () => {
    if (current === undefined && !cache.entries.has(app)) letGo()
  }

  const validEntry = (now: number): CacheEntry | undefined => {
    const entry = cache.entries.get(app)
    return entry !== undefined && now < entry.expiresAt ? entry : undefined
  }

  const forkHere = <A, E>(effect: Effect.Effect<A, E>): Fiber.Fiber<A, E> =>
    Fiber.runIn(Effect.runForkWith(shared.context)(effect), scope)

  /** Releases this resolver when its app was not asked for as long as `idleTimeToLive`; the token stays cached. */
  const watchIdleness: Effect.Effect<void> = Effect.gen(function*() {
    while (isHeld()) {
      const entry = cache.entries.get(app)
      const idleAt = (entry?.lastUsed ?? 0) + settings.idleTimeToLiveMillis
      const wait = idleAt - (yield* Clock.currentTimeMillis)
      if (wait <= 0 && current === undefined) {
        if (entry !== undefined) entry.attended = false
        letGo()
      } else {
        // At most a minute, so that a clock that jumps is noticed.
        yield* Effect.sleep(Duration.millis(Math.min(Math.max(wait, 1), 60_000)))
      }
    }
    watchingIdleness = false
  })

  const attend = (entry: CacheEntry, now: number): Effect.Effect<void> => {
    entry.attended = true
    entry.lastUsed = now
    if (!watchingIdleness && Number.isFinite(settings.idleTimeToLiveMillis)) {
      watchingIdleness = true
      return Effect.tap(hold, () => Effect.sync(() => forkHere(watchIdleness)))
    }
    return hold
  }

  const commit = (task: Task, found: Chain.Found, now: number): Effect.Effect<ResolvedToken> => {
    const { candidate, expiresAt, source } = found
    const end = Number.isFinite(expiresAt) ? expiresAt : null
    const resolved = new ResolvedToken({
      app,
      token: candidate.token,
      source: candidate.takenFrom ?? source,
      expiresAt: end
    })
    if (task.epoch !== epoch || shared.isRejected(candidate.token, now)) return Effect.succeed(resolved)
    failure = undefined
    const entry = entryOf(resolved, now)
    cache.entries.set(app, entry)
    if (settings.persist.has(source) && source !== "storage") {
      shared.inBackground(
        app,
        shared.writes.put(app, "cached", {
          token: candidate.token.redacted,
          expiresAt: end,
          source,
          savedAt: candidate.acquiredAt
        })
      )
    } else {
      for (const identity of task.request.isRefresh ? task.request.dropped : []) {
        shared.inBackground(app, shared.writes.drop(app, "cached", identity))
      }
    }
    return Effect.as(attend(entry, now), resolved)
  }

  const fail = (task: Task, attempts: ReadonlyArray<Attempt>, now: number): Exit.Exit<never, NoTokenAvailable> => {
    const exit = Exit.fail(new NoTokenAvailable({ app, attempts: [...attempts] }))
    if (task.epoch !== epoch) return exit
    const { replaced } = task
    if (replaced !== undefined && now < replaced.expiresAt && !shared.isRejected(replaced.resolved.token, now)) {
      cache.entries.set(app, replaced)
      cache.dropped.delete(app)
    } else {
      failure = { until: now + settings.failureCooldownMillis, exit }
    }
    return exit
  }

  const demands = { ttlMillis: settings.ttlMillis, isRejected: shared.isRejected }
  const manualSource = shared.chain.filter(({ name }) => name === "manual")

  const resolve = Effect.fnUntraced(function*(task: Task): Effect.fn.Return<ResolvedToken, NoTokenAvailable> {
    const manualBefore = manualEpoch
    let outcome = yield* Chain.run(shared.chain, task.request, demands)
    if (manualEpoch !== manualBefore && (outcome._tag === "None" || outcome.source === "manual")) {
      const again = yield* Chain.run(manualSource, task.request, demands)
      outcome = again._tag === "Found" ? again : { _tag: "None", attempts: outcome.attempts }
    }
    const now = yield* Clock.currentTimeMillis
    return outcome._tag === "Found"
      ? yield* commit(task, outcome, now)
      : yield* fail(task, outcome.attempts, now)
  })

  const start = (isRefresh: boolean, replaced: CacheEntry | undefined): Run => {
    const identity = cache.dropped.get(app)
    const task: Task = {
      epoch,
      request: {
        app,
        isRefresh,
        dropped: new Set(identity === undefined ? [] : [identity]),
        storageTimedOut: false,
        environmentMissed: false
      },
      replaced
    }
    const run: Run = { ...task, fiber: forkHere(Effect.andThen(hold, turn.withPermit(resolve(task)))) }
    current = run
    // An observer also sees a fiber that was interrupted before its first step, or that has ended already.
    run.fiber.addObserver(() => {
      if (current === run) current = undefined
      settle()
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
        Effect.flatMap(Clock.currentTimeMillis, (now) => stale(run, resolved, now) ? get : Effect.succeed(resolved))
    )

  const get: Effect.Effect<ResolvedToken, NoTokenAvailable> = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const entry = validEntry(now)
    if (entry !== undefined) return Effect.andThen(attend(entry, now), entry.exit)
    if (failure !== undefined && now < failure.until) return failure.exit
    return Effect.catch(answerOf(running() ?? start(false, undefined)), (error) =>
      // A refresh that failed put its token back.
      Effect.flatMap(Clock.currentTimeMillis, (now) => validEntry(now)?.exit ?? Effect.fail(error)))
  })

  const refresh = (rejected: FlyToken | undefined): Effect.Effect<ResolvedToken, NoTokenAvailable> =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      failure = undefined
      const entry = validEntry(now)
      if (rejected !== undefined) {
        if (shared.reject(rejected, now)) {
          shared.inBackground(app, shared.writes.drop(app, "cached", rejected.identity))
          background.forkWrite(shared.orgTokens.forgetStored(rejected.identity))
        }
        if (entry !== undefined && entry.resolved.token.identity !== rejected.identity) {
          return Effect.andThen(attend(entry, now), entry.exit)
        }
        cache.entries.delete(app)
        return answerOf(running() ?? start(false, undefined))
      }
      const refreshing = running()
      if (refreshing?.request.isRefresh === true) return answerOf(refreshing)
      epoch++
      cache.entries.delete(app)
      const identity = entry?.resolved.token.identity
      if (identity !== undefined) {
        cache.dropped.set(app, identity)
        shared.orgTokens.forget(identity)
      }
      return answerOf(start(true, entry))
    })

  const self: AppResolver = {
    get,
    refresh,
    onInvalidated: () => {
      epoch++
      settle()
    },
    onManualChanged: () => {
      manualEpoch++
      failure = undefined
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
