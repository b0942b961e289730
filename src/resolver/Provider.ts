/** `FlyTokens` over the services that its sources are. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as RcMap from "effect/RcMap"
import type * as Scope from "effect/Scope"
import * as Background from "../concurrency/Background.ts"
import * as Scheduler from "../concurrency/Scheduler.ts"
import { type FlyTokensOptions, settingsOf } from "../policy/Options.ts"
import * as Usability from "../policy/Usability.ts"
import type { ConfigFile } from "../services/ConfigFile.ts"
import type { Environment } from "../services/Environment.ts"
import type { FlyCli } from "../services/FlyCli.ts"
import { Malformed } from "../services/MissReason.ts"
import * as RecordKey from "../services/RecordKey.ts"
import type { Storage } from "../services/Storage.ts"
import { InvalidAppName, type InvalidOption, PersistFailed, UnusableToken } from "../services/TokenError.ts"
import type { RefreshOptions, ResolvedToken, TokenProvider } from "../services/TokenProvider.ts"
import { type AppName, isAppName } from "../token/AppName.ts"
import { FlyToken } from "../token/FlyToken.ts"
import * as TokenKey from "../token/TokenKey.ts"
import * as AppState from "./AppState.ts"
import * as FastPath from "./FastPath.ts"
import * as Machine from "./Machine.ts"
import * as Parts from "./Parts.ts"
import * as Persisting from "./Persisting.ts"
import * as Resolver from "./Resolver.ts"
import * as Manual from "./sources/Manual.ts"
import { isTraced } from "./Telemetry.ts"
import type * as TokenBook from "./TokenBook.ts"

/** What is no token refuses nothing: whoever hands it over would get the refused token back. */
const rejectedOf = (
  app: AppName,
  options: RefreshOptions | undefined
): Effect.Effect<FlyToken | undefined, UnusableToken> => {
  if (options?.rejected === undefined) return Effect.undefined
  const token = FlyToken.make(options.rejected)
  return token.malformed === undefined
    ? Effect.succeed(token)
    : Effect.fail(new UnusableToken({ app, reason: new Malformed({ why: token.malformed }) }))
}

/** No source is asked for what is no app name. */
const named = <A, E>(app: string, use: (app: AppName) => Effect.Effect<A, E>): Effect.Effect<A, E | InvalidAppName> =>
  Effect.suspend((): Effect.Effect<A, E | InvalidAppName> =>
    isAppName(app) ? use(app) : Effect.fail(InvalidAppName.of(app))
  )

/** Drops the current token in memory and in the store. Answers the one that is current then. */
const invalidate = Effect.fnUntraced(function*(
  engine: Resolver.Engine,
  key: TokenKey.TokenKey,
  rejected: FlyToken | undefined
) {
  const { book } = engine
  const app = book.app(key)
  const now = yield* Clock.currentTimeMillis
  const current = AppState.validToken(app.state, now)
  if (rejected !== undefined) {
    Resolver.reject(engine, app, rejected, now)
    if (current !== undefined && current.resolved.token.identity !== rejected.identity) return app.some
  }
  /** In one synchronous step; a run that is under way cannot bring the token back. */
  const drop = (token: string | undefined, isCurrent: boolean) => {
    engine.minted.forgetOrg(key.app)
    // While the store is slow, the entry from before may have been swept out.
    const app = book.app(key)
    Resolver.apply(engine, app, Machine.invalidated(app.state, isCurrent))
    if (token !== undefined) Persisting.replace(engine, key, token)
  }
  const known = rejected?.identity ?? current?.resolved.token.identity
  // A rejected token that is not the current one is refused by every run anyway: nothing under way is disturbed.
  if (rejected === undefined || current !== undefined) drop(known, true)
  else book.deny(rejected.identity, RecordKey.id(RecordKey.cached(key)), now)
  engine.telemetry.announce(() => ({ _tag: "Invalidated", app: key.app, at: now }))
  yield* Persisting.invalidate(engine, key, rejected?.identity, known, (deleted) => {
    // A call that came while the store was slow may have taken what was still stored.
    if (known === undefined) drop(deleted, book.app(key).state.token?.resolved.token.identity === deleted)
  })
  return Option.none<ResolvedToken>()
})

/** Durable before it is said, at once, whatever a resolver is doing. */
const setManual = Effect.fnUntraced(function*(engine: Resolver.Engine, app: AppName, token: FlyToken) {
  const now = yield* Clock.currentTimeMillis
  const reason = Usability.whyInvalid(token, token.expiresAt ?? Number.POSITIVE_INFINITY, now)
  if (reason !== undefined) return yield* new UnusableToken({ app, reason })
  const record = { token: token.redacted, expiresAt: token.expiresAt, source: Manual.name, savedAt: now }
  yield* Effect.mapError(
    engine.writes.put(RecordKey.manual(app), record),
    (reason) => new PersistFailed({ app, operation: "setManual", reason })
  )
  engine.book.manual.set(app, token)
  engine.minted.askAgain()
  onManualChanged(engine, app, token)
  engine.telemetry.announce(() => ({ _tag: "ManualSet", app, at: now, fingerprint: token.fingerprint }))
})

const removeManual = Effect.fnUntraced(function*(engine: Resolver.Engine, app: AppName) {
  yield* Effect.mapError(
    engine.writes.drop(RecordKey.manual(app)),
    (reason) => new PersistFailed({ app, operation: "removeManual", reason })
  )
  engine.book.manual.delete(app)
  const at = yield* Clock.currentTimeMillis
  onManualChanged(engine, app, undefined)
  engine.telemetry.announce(() => ({ _tag: "ManualRemoved", app, at }))
})

const onManualChanged = (engine: Resolver.Engine, name: AppName, token: FlyToken | undefined): void => {
  const app = engine.book.apps.get(TokenKey.id(TokenKey.of(name)))
  if (app === undefined) return
  const now = engine.clock.currentTimeMillisUnsafe()
  Resolver.apply(engine, app, Machine.lastResortChanged(app.state, Manual.name, token, now, engine.policy))
}

const engineOf = Effect.fnUntraced(function*(options: FlyTokensOptions): Effect.fn.Return<
  Resolver.Engine,
  InvalidOption,
  Environment | Storage | ConfigFile | FlyCli | Scope.Scope
> {
  const settings = yield* settingsOf(options)
  const parts = yield* Parts.make(settings)
  const { background, book, clock, random, sources } = parts
  const engine: Resolver.Engine = {
    ...parts,
    policy: {
      ...settings,
      hasLastResort: sources.some(({ lastResort }) => lastResort),
      hasBetter: sources[0]?.lastResort === false,
      random,
      isRejected: book.isRejected
    },
    scheduler: Scheduler.make({ clock, fork: background.fork, onDue: (app, now) => Resolver.onDue(engine, app, now) }),
    // What looks after an app ends when the scheduler says so.
    resolvers: yield* RcMap.make({
      lookup: (id: string) => Resolver.make(() => engine, id),
      idleTimeToLive: Duration.infinity
    })
  }
  return engine
})

export const make = Effect.fnUntraced(function*(options: FlyTokensOptions): Effect.fn.Return<
  TokenProvider,
  InvalidOption,
  Environment | Storage | ConfigFile | FlyCli | Scope.Scope
> {
  const engine = yield* engineOf(options)
  const { background, book, clock, context, telemetry } = engine
  const statusOf = (app: AppName) =>
    Effect.sync(() => {
      const { state } = book.apps.get(app) ?? { state: AppState.make(TokenKey.of(app)) }
      return Machine.status(state, clock.currentTimeMillisUnsafe(), engine.policy)
    })
  const finishing = <A, E>(effect: Effect.Effect<A, E>) => Background.finishing(background, effect)

  const provider: TokenProvider = {
    // Time is told by the layer's clock, here as in what goes on without a caller.
    get: (app) =>
      Effect.withFiber((fiber) => {
        const hit = book.hit(app, clock)
        if (hit?.exit !== undefined) return hit.exit
        const running = isTraced(fiber) ? undefined : Resolver.joinable(engine, app)
        // What is no app name may be anything, a token too: it does not get into a span.
        return running?.waiting ?? named(app, (app) => Resolver.get(engine, TokenKey.of(app)))
      }),
    refresh: (app, options) =>
      named(
        app,
        (app) =>
          Effect.flatMap(rejectedOf(app, options), (rejected) => Resolver.refresh(engine, TokenKey.of(app), rejected))
      ),
    invalidate: (app, options) =>
      named(app, (app) =>
        Effect.flatMap(rejectedOf(app, options), (rejected) =>
          Effect.mapError(
            finishing(invalidate(engine, TokenKey.of(app), rejected)),
            (reason) => new PersistFailed({ app, operation: "invalidate", reason })
          ))),
    setManual: (app, token) => named(app, (app) => finishing(setManual(engine, app, FlyToken.make(token)))),
    removeManual: (app) => named(app, (app) => finishing(removeManual(engine, app))),
    keep: (app) => isAppName(app) ? Resolver.keep(engine, TokenKey.of(app)) : Effect.fail(InvalidAppName.of(app)),
    peek: (app) => {
      const entry = book.apps.get(app)
      const token = entry?.state.token
      if (entry === undefined || token === undefined) return Option.none()
      const now = clock.currentTimeMillisUnsafe()
      // With the clock set back, only a resolver knows how long the token is good.
      if (now >= token.expiresAt || (now < token.since && !entry.state.active)) return Option.none()
      entry.lastUsed = now
      return entry.some
    },
    status: (app) => named(app, statusOf),
    statuses: Effect.suspend(() =>
      Effect.forEach([...book.apps.values()].filter(isKnown), ({ key: { app } }) => statusOf(app))
    ),
    events: telemetry.events
  }
  FastPath.register(provider, {
    context,
    runNow: (app) => Resolver.joinable(engine, app),
    cachedNow: (app) => {
      const hit = book.hit(app, clock)
      return hit === undefined ? undefined : hit.promise ??= promiseOf(hit)
    }
  })
  return provider
})

const promiseOf = ({ state: { token } }: TokenBook.App): Promise<ResolvedToken> | undefined =>
  token === undefined ? undefined : Promise.resolve(token.resolved)

const isKnown = ({ state }: { readonly state: AppState.AppState }): boolean => state.token !== undefined || state.active
