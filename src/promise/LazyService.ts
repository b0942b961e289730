/** `FlyTokens` of a layer that is built when it is needed, and built again after a construction that failed. */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { FlyTokens } from "../FlyTokens.ts"
import * as FastPath from "../resolver/FastPath.ts"
import type { ResolvedToken } from "../services/TokenProvider.ts"

type Service = FlyTokens["Service"]

/** The service, its quick way, and what its calls run in: the layer's clock and loggers. */
export interface Opened extends FastPath.FastPath {
  readonly tokens: Service
}

export interface LazyService {
  /** Runs a call. Whoever comes first has the layer built. */
  readonly fork: <A, E>(use: (tokens: Service) => Effect.Effect<A, E>) => Fiber.Fiber<A, unknown>
  /** The service, once it is there and until it is closed. */
  readonly opened: () => Opened | undefined
  /** The promise of who waits for the same already, or the one that `ask` makes. */
  readonly share: (app: string, ask: () => Promise<ResolvedToken>) => Promise<ResolvedToken>
  /** Whoever comes from now on does not share what was begun before. */
  readonly forget: (app: string) => void
  /** Releases what was built, or ends its construction. */
  readonly close: Effect.Effect<void>
}

interface Opening {
  readonly runtime: ManagedRuntime.ManagedRuntime<FlyTokens, unknown>
  /** What those wait for who come while the layer is being built: one thing per app, until something else is asked. */
  readonly waits: Map<string, object>
}

/** A service of somebody else's has no quick way. */
const slowPath = { cachedNow: () => undefined, runNow: () => undefined }

export const make = (
  layer: Layer.Layer<FlyTokens, unknown>,
  /** What the layer is built in. */
  base: Context.Context<never>,
  onOpened: (opened: Opened) => void,
  onReleaseFailed: (cause: Cause.Cause<never>) => void
): LazyService => {
  let opening: Opening | undefined
  let opened: Opened | undefined
  let isClosed = false

  const start = (): Opening =>
    opening ??= {
      runtime: ManagedRuntime.make(Layer.provideMerge(layer, Layer.succeedContext(base))),
      waits: new Map()
    }

  const release = ({ runtime }: Opening) =>
    Effect.catchCause(runtime.disposeEffect, (cause) => Effect.sync(() => onReleaseFailed(cause)))

  const found = (built: Context.Context<FlyTokens>, { waits }: Opening): Opened => {
    const tokens = Context.get(built, FlyTokens)
    opened = { tokens, ...FastPath.of(tokens) ?? { context: built, ...slowPath } }
    waits.clear()
    onOpened(opened)
    return opened
  }

  const open = (): Effect.Effect<Opened, unknown> => {
    const current = start()
    return current.runtime.contextEffect.pipe(
      Effect.flatMap((built) => isClosed ? Effect.interrupt : Effect.succeed(opened ?? found(built, current))),
      Effect.onError(() =>
        Effect.sync(() => {
          if (opening !== current || isClosed) return
          opening = undefined
          Effect.runForkWith(base)(release(current))
        })
      )
    )
  }

  const shared = new WeakMap<object, Promise<ResolvedToken>>()

  const waitNow = (app: string): object | undefined => {
    if (opened !== undefined) return opened.runNow(app)
    const { waits } = start()
    const wait = waits.get(app) ?? {}
    waits.set(app, wait)
    return wait
  }

  return {
    fork: (use) => {
      if (opened === undefined) {
        return Effect.runForkWith(base)(
          Effect.flatMap(open(), ({ context, tokens }) => Effect.updateContext(use(tokens), () => context))
        )
      }
      const { context, tokens } = opened
      return Effect.runForkWith(context)(Effect.suspend(() => use(tokens)))
    },
    opened: () => opened,
    share: (app, ask) => {
      const wait = waitNow(app)
      const waiting = wait === undefined ? undefined : shared.get(wait)
      if (waiting !== undefined) return waiting
      const promise = ask()
      const begun = wait ?? waitNow(app)
      if (begun !== undefined) shared.set(begun, promise)
      return promise
    },
    forget: (app) => void opening?.waits.delete(app),
    close: Effect.suspend(() => {
      isClosed = true
      return opening === undefined ? Effect.void : release(opening)
    }).pipe(Effect.ensuring(Effect.sync(() => {
      opened = undefined
    })))
  }
}
