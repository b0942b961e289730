/**
 * Very many apps over an instant stand-in for flyctl: what is left is what the library itself takes. The store keeps
 * nothing, so that memory is the library's own, and each mint is another token of 800 characters and more.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { ConfigFile, Environment, FlyCli, FlyToken, FlyTokens, Storage } from "../../dist/index.js"
import { TestToken } from "../../dist/testing.js"

export interface Flyctl {
  mints: number
  running: number
  /** The most children that there were at once. */
  mostRunning: number
}

/** Where the random part of the tail stands, from the end: any bytes there make a token that decodes. */
const fromTheEnd = 20

/** Another token at each call, made by changing bytes of a real one: making one anew takes longer than what is measured. */
const minter = Effect.gen(function*() {
  const [permission, discharge] = (yield* TestToken.make({ life: "48 hours" })).value.slice("FlyV1 ".length).split(",")
  const bytes = Buffer.from(permission!.slice("fm2_".length), "base64")
  let rest = `,${discharge}`
  while (permission!.length + rest.length < 800) rest += `,${discharge}`
  let serial = 0
  return () => {
    bytes.write(String(serial++).padStart(12, "0"), bytes.length - fromTheEnd, "latin1")
    return FlyToken.make(`FlyV1 fm2_${bytes.toString("base64")}${rest}`)
  }
})

const nothingStored = Layer.succeed(Storage)({
  get: () => Effect.succeedNone,
  put: () => Effect.void,
  delete: () => Effect.void,
  list: () => Effect.succeed([])
})

export interface Fleet {
  readonly apps: ReadonlyArray<string>
  readonly flyctl: Flyctl
  readonly tokens: FlyTokens["Service"]
  readonly run: <A, E>(effect: Effect.Effect<A, E>) => Promise<A>
  /** Gets a token for each of them, all at once. */
  readonly resolveAll: () => Promise<void>
  readonly close: () => Promise<void>
}

export const open = async (options: {
  readonly apps: number
  /** Whether each app is in an organization of its own, and so needs a mint of its own. */
  readonly each: boolean
  readonly ttl?: Duration.Input
  /** A clock in the place of the system's. */
  readonly clock?: Clock.Clock
  /** A mint that takes a turn of the event loop, so that several can be under way. */
  readonly takesTurns?: boolean
}): Promise<Fleet> => {
  const apps = Array.from({ length: options.apps }, (_, n) => `app-${n.toString(36).padStart(6, "0")}`)
  const flyctl: Flyctl = { mints: 0, running: 0, mostRunning: 0 }
  const make = await Effect.runPromise(minter)
  const begin = Effect.sync(() => {
    flyctl.mostRunning = Math.max(flyctl.mostRunning, ++flyctl.running)
  })
  const end = Effect.sync(() => {
    flyctl.running--
    flyctl.mints++
    return make()
  })
  const mint = options.takesTurns === true
    ? Effect.andThen(Effect.andThen(begin, Effect.yieldNow), end)
    : Effect.andThen(begin, end)
  const cli = Layer.succeed(FlyCli)({
    mintReadonly: () => mint,
    mintDeploy: () => mint,
    listApps: () => Effect.succeed(new Map()),
    orgOf: () => Effect.succeed("personal")
  })
  const sources = Layer.mergeAll(Environment.layerRecord({}), nothingStored, ConfigFile.layerDisabled, cli)
  const layer = FlyTokens.layer({
    org: options.each ? (app) => app : "acme",
    ...(options.ttl === undefined ? {} : { ttl: options.ttl })
  }).pipe(
    Layer.provide(sources),
    Layer.provide(options.clock === undefined ? Layer.empty : Layer.succeed(Clock.Clock)(options.clock))
  )
  const runtime = ManagedRuntime.make(layer)
  const tokens = await runtime.runPromise(FlyTokens.use(Effect.succeed))
  return {
    apps,
    flyctl,
    tokens,
    run: (effect) => runtime.runPromise(effect),
    resolveAll: () =>
      runtime.runPromise(
        Effect.forEach(apps, (app) => tokens.get(app), { concurrency: "unbounded", discard: true })
      ),
    close: () => runtime.dispose()
  }
}

/** A clock that stands still until it is put forward; sleeps take as long as they do. */
export const standing = async () => {
  const system = await Effect.runPromise(Effect.clockWith(Effect.succeed))
  let now = system.currentTimeMillisUnsafe()
  const clock: Clock.Clock = Object.assign(Object.create(system), {
    currentTimeMillisUnsafe: () => now,
    currentTimeMillis: Effect.sync(() => now)
  })
  return {
    clock,
    putForward: (by: Duration.Input) => {
      now += Duration.toMillis(by)
    }
  }
}
