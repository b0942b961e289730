/** A client over any layer of `FlyTokens`. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Option from "effect/Option"
import { FlyTokens } from "../FlyTokens.ts"
import * as FastPath from "../resolver/FastPath.ts"
import type { ResolvedToken } from "../services/TokenProvider.ts"
import { FlyToken } from "../token/FlyToken.ts"
import * as Calls from "./Calls.ts"
import type { CallOptions, ClientOptions, FlyTokensClient, RefreshOptions } from "./FlyTokensClient.ts"
import * as KeepAlive from "./KeepAlive.ts"
import * as Listeners from "./Listeners.ts"
import * as Report from "./Report.ts"

/** The layer from the first call on. */
interface Opening {
  readonly runtime: ManagedRuntime.ManagedRuntime<FlyTokens, unknown>
  /** What calls share as long as there are no runs yet: one promise per app, until something else is asked for it. */
  readonly waits: Map<string, object>
}

/** The service, its quick way, and what its calls run in: the layer's clock and loggers. */
interface Opened extends FastPath.FastPath {
  readonly tokens: FlyTokens["Service"]
}

/** A service of somebody else's has no quick way. */
const slowPath = { cachedNow: () => undefined, runNow: () => undefined }

const rejectedOf = (options: RefreshOptions | undefined) =>
  options?.rejected === undefined ? {} : { rejected: FlyToken.make(options.rejected) }

/** The layer is built by the first call that needs it, and again after a construction that failed. */
export const make = (layer: Layer.Layer<FlyTokens, unknown>, options: ClientOptions = {}): FlyTokensClient => {
  const report = Report.make(options.log)
  const listeners = Listeners.make(report)
  const calls = Calls.make()
  const base = Context.make(Clock.Clock, KeepAlive.clock).pipe(
    Context.add(Logger.CurrentLoggers, new Set([Report.logger(report)]))
  )
  let opening: Opening | undefined
  let opened: Opened | undefined
  let closing: Promise<void> | undefined

  const open = (): Opening =>
    opening ??= {
      runtime: ManagedRuntime.make(Layer.provideMerge(layer, Layer.succeedContext(base))),
      waits: new Map()
    }

  const release = ({ runtime }: Opening) =>
    Effect.catchCause(
      runtime.disposeEffect,
      (cause) => Effect.sync(() => report(`fly-tokens: closing failed: ${Report.inWords(Calls.errorOf(cause))}`))
    )

  const service: Effect.Effect<Opened, unknown> = Effect.suspend(() => {
    if (opened !== undefined) return Effect.succeed(opened)
    const current = open()
    return current.runtime.contextEffect.pipe(
      Effect.flatMap((built) => {
        if (closing !== undefined) return Effect.interrupt
        if (opened === undefined) {
          const tokens = Context.get(built, FlyTokens)
          opened = { tokens, ...FastPath.of(tokens) ?? { context: built, ...slowPath } }
          current.waits.clear()
          listeners.attach(tokens.events, opened.context)
        }
        return Effect.succeed(opened)
      }),
      Effect.onError(() =>
        Effect.sync(() => {
          if (opening !== current || closing !== undefined) return
          opening = undefined
          Effect.runForkWith(base)(release(current))
        })
      )
    )
  })

  const call = <A, E>(
    use: (tokens: FlyTokens["Service"]) => Effect.Effect<A, E>,
    options: CallOptions | undefined,
    isWrite: boolean = false
  ): Promise<A> => {
    const effect: Effect.Effect<A, unknown> = Effect.flatMap(
      service,
      ({ context, tokens }) => Effect.updateContext<A, E, never, never>(use(tokens), () => context)
    )
    return calls.run(() => Effect.runForkWith(opened?.context ?? base)(effect), { signal: options?.signal, isWrite })
  }

  /** A call that changes which token is to be had: a `get` after it waits for nothing older. */
  const change = <A, E>(
    app: string,
    use: (tokens: FlyTokens["Service"]) => Effect.Effect<A, E>,
    options: CallOptions | undefined,
    isWrite: boolean = true
  ): Promise<A> => {
    opening?.waits.delete(app)
    return call(use, options, isWrite)
  }

  const shared = new WeakMap<object, Promise<ResolvedToken>>()

  /** What calls wait for together: while the layer is being built an object per app, later on the app's run. */
  const waitNow = (app: string): object | undefined => {
    if (opened !== undefined) return opened.runNow(app)
    const { waits } = open()
    const wait = waits.get(app) ?? {}
    waits.set(app, wait)
    return wait
  }

  const get = (app: string, options?: CallOptions): Promise<ResolvedToken> => {
    if (options?.signal?.aborted) return Promise.reject(options.signal.reason)
    const cached = closing === undefined ? opened?.cachedNow(app) : undefined
    if (cached !== undefined) return cached
    const ask = () => call((tokens) => tokens.get(app), options)
    // Who may leave on its own has a promise of its own.
    if (options?.signal !== undefined || closing !== undefined) return ask()
    // Ten thousand who wait for one run are one promise.
    const wait = waitNow(app)
    const waiting = wait === undefined ? undefined : shared.get(wait)
    if (waiting !== undefined) return waiting
    const promise = ask()
    const begun = wait ?? waitNow(app)
    if (begun !== undefined) shared.set(begun, promise)
    return promise
  }

  const close = (): Promise<void> =>
    closing ??= new Promise((resolve) => {
      const done = KeepAlive.hold()
      calls.close({ writes: opened === undefined })
      const released = opening === undefined ? Effect.void : release(opening)
      const ended = Effect.all([calls.written, released], { concurrency: "unbounded", discard: true })
      Effect.runForkWith(opened?.context ?? base)(ended).addObserver(() => {
        opened = undefined
        calls.end()
        listeners.close()
        done()
        resolve()
      })
    })

  return {
    get,
    refresh: (app, options) => change(app, (tokens) => tokens.refresh(app, rejectedOf(options)), options, false),
    invalidate: (app, options) =>
      change(
        app,
        (tokens) => Effect.map(tokens.invalidate(app, rejectedOf(options)), Option.getOrUndefined),
        options
      ),
    setManual: (app, token, options) => change(app, (tokens) => tokens.setManual(app, FlyToken.make(token)), options),
    removeManual: (app, options) => change(app, (tokens) => tokens.removeManual(app), options),
    peek: (app) => opened === undefined ? undefined : Option.getOrUndefined(opened.tokens.peek(app)),
    status: (app, options) => call((tokens) => tokens.status(app), options),
    statuses: (options) => call((tokens) => tokens.statuses, options),
    on: listeners.on as FlyTokensClient["on"],
    close,
    [Symbol.asyncDispose]: close
  }
}
