/**
 * The resolver layer: `FlyTokens` over any environment, storage, config file and command.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as RcMap from "effect/RcMap"
import type * as Scope from "effect/Scope"
import * as Background from "../concurrency/Background.ts"
import * as Warnings from "../concurrency/Warnings.ts"
import * as AppPlaces from "../minting/AppPlaces.ts"
import * as MintedTokens from "../minting/MintedTokens.ts"
import * as CheckedStorage from "../records/CheckedStorage.ts"
import * as PendingWrites from "../records/PendingWrites.ts"
import * as StoreGate from "../records/StoreGate.ts"
import * as StoreReads from "../records/StoreReads.ts"
import { ConfigFile } from "../services/ConfigFile.ts"
import { Environment } from "../services/Environment.ts"
import { FlyCli } from "../services/FlyCli.ts"
import { Lease, type LeaseError, whyAt } from "../services/Lease.ts"
import { Malformed } from "../services/MissReason.ts"
import { Storage } from "../services/Storage.ts"
import { InvalidAppName, type InvalidOption, UnusableToken } from "../services/TokenError.ts"
import type { RefreshOptions, TokenProvider, TokenStatus } from "../services/TokenProvider.ts"
import { type AppName, isAppName } from "../token/AppName.ts"
import { FlyToken } from "../token/FlyToken.ts"
import { told } from "../token/Redaction.ts"
import * as AppResolver from "./AppResolver.ts"
import * as AppState from "./AppState.ts"
import * as Attendance from "./Attendance.ts"
import * as FastPath from "./FastPath.ts"
import * as Invalidation from "./Invalidation.ts"
import * as ManualTokens from "./ManualTokens.ts"
import { type FlyTokensOptions, settingsOf } from "./Options.ts"
import * as Rejections from "./Rejections.ts"
import * as Settlement from "./Settlement.ts"
import type { Shared } from "./Shared.ts"
import * as Sources from "./Sources.ts"
import * as Spans from "./Spans.ts"
import * as Telemetry from "./Telemetry.ts"
import * as TokenCache from "./TokenCache.ts"

/** What is no token refuses nothing: whoever hands it over would get the refused token back. */
const rejectedOf = (
  app: AppName,
  refusal: RefreshOptions | undefined
): Effect.Effect<FlyToken | undefined, UnusableToken> => {
  if (refusal?.rejected === undefined) return Effect.undefined
  const token = FlyToken.make(refusal.rejected)
  return token.malformed === undefined
    ? Effect.succeed(token)
    : Effect.fail(new UnusableToken({ app, reason: new Malformed({ why: token.malformed }) }))
}

/** No source is asked for what is no app name. */
const named = <A, E>(app: string, use: (app: AppName) => Effect.Effect<A, E>): Effect.Effect<A, E | InvalidAppName> =>
  Effect.suspend((): Effect.Effect<A, E | InvalidAppName> =>
    isAppName(app) ? use(app) : Effect.fail(InvalidAppName.of(app))
  )

export const make = Effect.fnUntraced(function*(
  options: FlyTokensOptions
): Effect.fn.Return<
  TokenProvider,
  InvalidOption,
  Environment | Storage | ConfigFile | FlyCli | Scope.Scope
> {
  const settings = yield* settingsOf(options)
  const environment = yield* Environment
  const storage = CheckedStorage.make(yield* Storage)
  const configFile = yield* ConfigFile
  const cli = yield* FlyCli
  const context = yield* Effect.context<never>()
  const clock = yield* Clock.Clock
  const warn = yield* Warnings.make
  const background = yield* Background.make
  const cache = TokenCache.make(settings.ttlMillis)
  const rejections = Rejections.make(settings.rejectionTtlMillis)
  const writes = PendingWrites.make(background, storage, settings.storageTimeoutMillis)
  const gate = StoreGate.make({ fork: background.fork, limitMillis: settings.storageTimeoutMillis })
  const read = StoreReads.make({
    storage,
    gate,
    limitMillis: settings.storageTimeoutMillis,
    fork: background.fork
  })
  const live = new Map<AppName, AppState.AppState>()

  const telemetry = yield* Telemetry.make({ hits: () => cache.hits, resolvers: () => live.size })
  const random = yield* Random.Random

  const inBackground: Shared["inBackground"] = (name, write) => {
    const report = (reason: PendingWrites.WriteReason) => {
      telemetry.announce(() => ({ _tag: "PersistFailed", name, at: clock.currentTimeMillisUnsafe(), reason }))
      return warn(
        `not written: ${Warnings.causeOf(reason)}`,
        told`fly-tokens: the store did not take what was to be written for ${name}: ${reason.message}`
      )
    }
    return background.forkWrite(Effect.catch(write, report))
  }

  const onLeaseMissing = (name: string, error: LeaseError) =>
    Effect.suspend(() => {
      telemetry.announce(() => ({ _tag: "LeaseUnavailable", name, at: clock.currentTimeMillisUnsafe(), error }))
      return warn(
        `without a lease: ${error.why}`,
        told`fly-tokens: a token for ${name} is minted without a lease: ${whyAt(error)}`
      )
    })

  const places = AppPlaces.make()
  const mintedTokens = MintedTokens.make({
    cli,
    environment,
    configFile,
    storage,
    read,
    writes,
    background,
    settings,
    random: () => random.nextDoubleUnsafe(),
    places,
    isRejected: rejections.has,
    onCliEnd: telemetry.onCliEnd,
    inBackground,
    lease: yield* Lease,
    onLeaseMissing
  })

  const forgetPlace = (app: AppName) => {
    mintedTokens.forgetOrg(app)
    places.forget(app)
  }

  const reject = (app: AppName, token: FlyToken, now: number): boolean => {
    const known = rejections.has(token, now)
    rejections.add(token, now)
    mintedTokens.forget(token.identity, now)
    if (!known) {
      // Once for a token: those who report it after are many of one organization, this app may be one that moved.
      forgetPlace(app)
      // Apps of one organization share a token.
      for (const [app, entry] of cache.entries) {
        if (entry.resolved.token.identity !== token.identity) continue
        cache.entries.delete(app)
        places.forget(app as AppName)
        const resolver = live.get(app as AppName)
        if (resolver !== undefined) attendance.look(resolver)
      }
      telemetry.announce(() => ({ _tag: "Rejected", app, at: now, fingerprint: token.fingerprint }))
    }
    return !known
  }

  const sources = Sources.make({
    environment,
    read,
    configFile,
    mintedTokens,
    background,
    settings,
    cache,
    isRejected: rejections.has
  })

  const chain = settings.chain.map((name) => sources[name])

  const attendance: Attendance.Attendance = Attendance.make({
    clock,
    entry: ({ app }) => cache.entries.get(app),
    dueAt: AppState.dueAt,
    refresh: AppResolver.refreshAhead,
    onClockSetBack: Settlement.rebase,
    forget: ({ app }, entry) => {
      if (cache.entries.get(app) === entry) cache.entries.delete(app)
    },
    onEvicted: ({ app }, at) => telemetry.announce(() => ({ _tag: "Evicted", app, at })),
    idleTimeToLiveMillis: settings.idleTimeToLiveMillis,
    fork: background.fork,
    retain: ({ app }) => RcMap.get(resolvers, app)
  })

  const shared: Shared = {
    settings,
    context,
    clock,
    background,
    cache,
    writes,
    telemetry,
    random: () => random.nextDoubleUnsafe(),
    inBackground,
    warn,
    mintedTokens,
    placeOf: places.of,
    forgetPlace,
    chains: {
      all: chain,
      manualOnly: chain.filter(({ name }) => name === "manual"),
      withoutManual: chain.filter(({ name }) => name !== "manual")
    },
    demands: { ttlMillis: settings.ttlMillis, isRejected: rejections.has },
    isRejected: rejections.has,
    reject,
    live,
    attendance,
    get: (app) => withResolver("FlyTokens.get", app, AppResolver.get)
  }

  // A resolver without a token is kept as long as its failure is remembered; one with a token holds itself.
  const resolvers: RcMap.RcMap<AppName, AppState.AppState> = yield* RcMap.make({
    lookup: (app: AppName) => AppResolver.make(app, shared),
    idleTimeToLive: Duration.millis(settings.failureCooldownMillis)
  })

  const withResolver = <A, E>(
    span: string,
    app: AppName,
    use: (resolver: AppState.AppState) => Effect.Effect<A, E>
  ): Effect.Effect<A, E> => Spans.traced(span, { app }, Effect.scoped(Effect.flatMap(RcMap.get(resolvers, app), use)))

  const joinable = (app: string) => {
    const resolver = live.get(app as AppName)
    return resolver === undefined ? undefined : AppResolver.joinable(resolver)
  }

  // Time is told by the layer's clock, here as in what goes on without a caller.
  const get: TokenProvider["get"] = (app) =>
    Effect.withFiber((fiber) => {
      const entry = TokenCache.hit(cache, app, clock)
      if (entry !== undefined) return entry.exit
      const run = Spans.isTraced(fiber) ? undefined : joinable(app)
      // What is no app name may be anything, a token too: it does not get into a span.
      return run?.waiting ?? named(app, shared.get)
    })

  const statusOf = (app: AppName): Effect.Effect<TokenStatus> =>
    Effect.sync(() => {
      const now = clock.currentTimeMillisUnsafe()
      const resolver = live.get(app)
      if (resolver !== undefined) return AppState.status(resolver, now)
      const entry = cache.entries.get(app)
      return AppState.statusAtRest(app, entry !== undefined && now < entry.expiresAt ? entry.resolved : undefined)
    })

  const invalidation = Invalidation.make(shared)
  const manual = ManualTokens.make(shared)

  const service: TokenProvider = {
    get,
    refresh: (app, refusal) =>
      named(
        app,
        (app) =>
          Effect.flatMap(rejectedOf(app, refusal), (rejected) =>
            withResolver("FlyTokens.refresh", app, (resolver) => AppResolver.refresh(resolver, rejected)))
      ),
    invalidate: (app, refusal) =>
      named(
        app,
        (app) => Effect.flatMap(rejectedOf(app, refusal), (rejected) => invalidation.invalidate(app, rejected))
      ),
    setManual: (app, token) => named(app, (app) => manual.set(app, FlyToken.make(token))),
    removeManual: (app) => named(app, manual.remove),
    peek: (app) => {
      const entry = cache.entries.get(app)
      if (entry === undefined) return Option.none()
      const now = clock.currentTimeMillisUnsafe()
      // With the clock set back, only a resolver knows how long the token is good.
      if (now >= entry.expiresAt || (now < entry.since && !entry.attended)) return Option.none()
      entry.lastUsed = now
      return entry.some
    },
    status: (app) => named(app, statusOf),
    statuses: Effect.suspend(() =>
      Effect.forEach(new Set([...cache.entries.keys(), ...live.keys()]), (app) => statusOf(app as AppName))
    ),
    events: telemetry.events
  }
  FastPath.register(service, {
    context,
    runNow: joinable,
    cachedNow: (app) => {
      const entry = TokenCache.hit(cache, app, clock)
      return entry === undefined ? undefined : entry.promise ??= Promise.resolve(entry.resolved)
    }
  })
  return service
})
