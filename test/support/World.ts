/**
 * A world for `FlyTokens` to live in: every source scripted, moved by hand under TestClock. Layers, no mocks.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import {
  type AppName,
  ConfigFile,
  type ConfigFileReason,
  Environment,
  type FlyCallOptions,
  FlyCli,
  type FlyCliReason,
  FlyToken,
  FlyTokens,
  type FlyTokensOptions,
  MissReason,
  Storage,
  type StorageError,
  type StorageKey,
  StorageMemory
} from "../../src/index.ts"
import * as mac from "../stand-in/macaroon.mjs"

export const hour = 3_600_000
export const day = 24 * hour

/** A token with a life of its own, in milliseconds from `now` on. */
export const tokenOf = (options: { readonly now: number; readonly life: number; readonly discharged?: boolean }) =>
  FlyToken.make(mac.orgToken({ ...options, life: options.life / 1000 }))

/** What flyctl mints for one app. */
export const deployTokenOf = (options: { readonly now: number; readonly life: number }) =>
  FlyToken.make(mac.deployToken({ ...options, life: options.life / 1000 }))

/**
 * A wall clock that can be set, beside timers that go on as they were: what a program sees when somebody sets the clock,
 * or when the machine was suspended. The timers are those of TestClock.
 */
export const settableClock = Effect.map(Clock.Clock, (timers) => {
  let offset = 0
  // What is not overridden, TestClock's own operations too, is the timers'.
  const clock: Clock.Clock = Object.assign(Object.create(timers) as Clock.Clock, {
    currentTimeMillisUnsafe: () => timers.currentTimeMillisUnsafe() + offset,
    currentTimeMillis: Effect.map(timers.currentTimeMillis, (now) => now + offset),
    currentTimeNanosUnsafe: () => timers.currentTimeNanosUnsafe() + BigInt(offset) * 1_000_000n,
    currentTimeNanos: Effect.map(timers.currentTimeNanos, (now) => now + BigInt(offset) * 1_000_000n)
  })
  return {
    layer: Layer.succeed(Clock.Clock)(clock),
    shift: (by: number) => Effect.sync(() => void (offset += by))
  }
})

export interface World {
  readonly variables: Record<string, string | undefined>
  config: Effect.Effect<FlyToken, ConfigFileReason>
  /** Runs of the config file's reader. */
  configReads: number
  mint: (org: string, call: FlyCallOptions) => Effect.Effect<FlyToken, FlyCliReason>
  mintDeploy: (app: AppName, call: FlyCallOptions) => Effect.Effect<FlyToken, FlyCliReason>
  orgOf: (app: AppName, call: FlyCallOptions) => Effect.Effect<string, FlyCliReason>
  listApps: (call: FlyCallOptions) => Effect.Effect<ReadonlyMap<string, string>, FlyCliReason>
  /** Every mint that began, with whether the child saw the environment's token. */
  readonly mints: Array<{ readonly org: string; readonly at: number; readonly environmentToken: boolean }>
  readonly deployMints: Array<{ readonly app: AppName; readonly at: number; readonly environmentToken: boolean }>
  readonly lookups: Array<string>
  running: number
  mostRunning: number
  /** Stands before each access to the store. */
  storeGate: (operation: "get" | "put" | "delete" | "list", name: string, key: StorageKey) => Effect.Effect<
    void,
    StorageError
  >
  /** Reads many records in one access; a store that cannot do that, as a file system, has none. */
  getMany: Storage["Service"]["getMany"]
  /** Stands behind each read of the store. */
  afterGet: (name: string, key: StorageKey) => Effect.Effect<void>
  readonly store: Storage["Service"]
  readonly layer: (options?: FlyTokensOptions) => ReturnType<typeof layerOf>
}

/** What the command's mints take, and how long their tokens live, in milliseconds. */
export interface Scripted extends World {
  mintTakes: number
  mintLife: number
}

const counted = <A, E>(world: World, effect: Effect.Effect<A, E>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      world.running++
      world.mostRunning = Math.max(world.mostRunning, world.running)
    }),
    () => effect,
    () => Effect.sync(() => world.running--)
  )

const layerOf = (world: World, storage: Storage["Service"], options: FlyTokensOptions = {}) =>
  FlyTokens.layer(options).pipe(
    Layer.provideMerge(Layer.mergeAll(
      Layer.succeed(Environment)({ get: (name) => world.variables[name] }),
      Layer.succeed(Storage)({
        get: (name, key) =>
          Effect.suspend(() => world.storeGate("get", name, key)).pipe(
            Effect.andThen(storage.get(name, key)),
            Effect.tap(() => world.afterGet(name, key))
          ),
        put: (name, key, record) =>
          Effect.andThen(Effect.suspend(() => world.storeGate("put", name, key)), storage.put(name, key, record)),
        delete: (name, key) =>
          Effect.andThen(Effect.suspend(() => world.storeGate("delete", name, key)), storage.delete(name, key)),
        list: (key) => Effect.andThen(Effect.suspend(() => world.storeGate("list", "", key)), storage.list(key)),
        ...(world.getMany === undefined ? {} : { getMany: world.getMany })
      }),
      Layer.succeed(ConfigFile)({
        accessToken: Effect.suspend(() => {
          world.configReads++
          return world.config
        })
      }),
      Layer.succeed(FlyCli)({
        mintReadonly: (org, call) =>
          Effect.flatMap(Clock.currentTimeMillis, (at) => {
            world.mints.push({ org, at, environmentToken: call.environmentToken })
            return counted(world, Effect.suspend(() => world.mint(org, call)))
          }),
        mintDeploy: (app, call) =>
          Effect.flatMap(Clock.currentTimeMillis, (at) => {
            world.deployMints.push({ app, at, environmentToken: call.environmentToken })
            return counted(world, Effect.suspend(() => world.mintDeploy(app, call)))
          }),
        listApps: (call) =>
          counted(
            world,
            Effect.suspend(() => {
              world.lookups.push("list")
              return world.listApps(call)
            })
          ),
        orgOf: (app, call) =>
          counted(
            world,
            Effect.suspend(() => {
              world.lookups.push(app)
              return world.orgOf(app, call)
            })
          )
      })
    ))
  )

/**
 * A world in which nothing is set, nobody is logged in through the config file, and the command mints tokens of 24 h
 * after `mintTakes` milliseconds; every app is in the organization `acme`.
 */
export const make: Effect.Effect<Scripted> = Effect.gen(function*() {
  const storage = yield* Effect.provide(Storage, StorageMemory.layer)
  const world: Scripted = {
    variables: {},
    config: Effect.fail(new MissReason.NotFound({ what: "no config file" })),
    configReads: 0,
    mintTakes: 0,
    mintLife: day,
    mint: () =>
      Effect.flatMap(
        Effect.andThen(world.mintTakes > 0 ? Effect.sleep(world.mintTakes) : Effect.void, Clock.currentTimeMillis),
        (now) => Effect.sync(() => tokenOf({ now, life: world.mintLife }))
      ),
    mintDeploy: () =>
      Effect.flatMap(
        Effect.andThen(world.mintTakes > 0 ? Effect.sleep(world.mintTakes) : Effect.void, Clock.currentTimeMillis),
        (now) => Effect.sync(() => deployTokenOf({ now, life: world.mintLife }))
      ),
    orgOf: () => Effect.succeed("acme"),
    listApps: () => Effect.succeed(new Map()),
    mints: [],
    deployMints: [],
    lookups: [],
    running: 0,
    mostRunning: 0,
    storeGate: () => Effect.void,
    getMany: undefined,
    afterGet: () => Effect.void,
    store: storage,
    layer: (options) => layerOf(world, storage, options)
  }
  return world
})

/**
 * A scenario with `FlyTokens` over a world of its own. The layer is built before the first line: what it reads when it is
 * built, a test sets by {@link make} and `layer`.
 */
export const scenario = <Eff extends Effect.Effect<unknown, unknown, unknown>, A>(
  options: FlyTokensOptions,
  body: (given: { readonly tokens: FlyTokens["Service"]; readonly world: Scripted }) => Generator<Eff, A, never>
) =>
  Effect.flatMap(make, (world) =>
    Effect.flatMap(FlyTokens, (tokens) => Effect.gen(() => body({ tokens, world }))).pipe(
      Effect.provide(world.layer(options))
    ))
