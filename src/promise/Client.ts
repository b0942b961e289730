/** A client over any layer of `FlyTokens`. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Background from "../concurrency/Background.ts"
import { FlyTokens } from "../FlyTokens.ts"
import * as FastPath from "../resolver/FastPath.ts"
import type { RefreshOptions, ResolvedToken } from "../services/TokenProvider.ts"
import { FlyToken } from "../token/FlyToken.ts"
import type { CallOptions, ClientOptions, FlyTokensClient, RefusalOptions } from "./FlyTokensClient.ts"
import { FlyTokensClosed } from "./FlyTokensClosed.ts"
import * as KeepAlive from "./KeepAlive.ts"
import * as LazyLayer from "./LazyLayer.ts"
import * as Listeners from "./Listeners.ts"
import * as Report from "./Report.ts"
import * as SharedWaits from "./SharedWaits.ts"
import * as UnrefClock from "./UnrefClock.ts"
import * as Waits from "./Waits.ts"

type Service = FlyTokens["Service"]

interface Opened {
  readonly tokens: Service
  /** What calls run in: the layer's clock and loggers. */
  readonly context: Context.Context<never>
}

const nothingCached = (): undefined => undefined
const noRun = (): undefined => undefined

const refusalOf = (options: RefusalOptions | undefined): RefreshOptions => {
  const rejected = options?.rejected
  return rejected === undefined ? {} : { rejected: FlyToken.make(rejected) }
}

/** A client. The layer is built by the first call that needs it. */
export const make = (layer: Layer.Layer<FlyTokens, unknown>, options: ClientOptions = {}): FlyTokensClient => {
  const report = Report.make(options.log)
  const keepAlive = KeepAlive.make()
  const waits = Waits.make(keepAlive)
  const listeners = Listeners.make(report)
  const base = Context.make(Clock.Clock, UnrefClock.clock).pipe(
    Context.add(Logger.CurrentLoggers, new Set([Report.logger(report)]))
  )
  /** Calls of the service that have not ended, with whether they are writes. */
  const fibers = new Map<Fiber.Fiber<unknown, unknown>, boolean>()
  let opened: Opened | undefined
  let cachedNow: FastPath.FastPath["cachedNow"] = nothingCached
  let runNow: FastPath.FastPath["runNow"] | undefined
  const shared = SharedWaits.make<ResolvedToken>(() => runNow)
  let closing: Promise<void> | undefined

  const lazy = LazyLayer.make(layer, {
    context: base,
    onBuilt: (built) => {
      const tokens = Context.get(built, FlyTokens)
      const fastPath = FastPath.of(tokens)
      opened = { tokens, context: fastPath?.context ?? Context.merge(base, built) }
      cachedNow = fastPath?.cachedNow ?? nothingCached
      runNow = fastPath?.runNow ?? noRun
      listeners.attach(tokens.events, opened.context)
    },
    onReleaseFailed: (cause) => report(`fly-tokens: closing failed: ${Report.inWords(Waits.errorOf(cause))}`)
  })

  const run = <A, E>({ context, tokens }: Opened, use: (tokens: Service) => Effect.Effect<A, E>, isWrite: boolean) => {
    const fiber = Effect.runForkWith(context)(Effect.suspend(() => use(tokens)))
    fibers.set(fiber, isWrite)
    fiber.addObserver(() => fibers.delete(fiber))
    return fiber
  }

  const call = <A, E>(
    use: (tokens: Service) => Effect.Effect<A, E>,
    options: CallOptions | undefined,
    isWrite: boolean = false,
    onEnd?: () => void
  ): Promise<A> => {
    const signal = options?.signal
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (closing !== undefined) return Promise.reject(new FlyTokensClosed())
    return waits.open<A>({ signal, isWrite, onEnd }, ({ settle }) => {
      // What the closing interrupts was not the caller's doing.
      const ended = (exit: Exit.Exit<A, E>) =>
        settle(closing !== undefined && Exit.hasInterrupts(exit) ? Exit.fail(new FlyTokensClosed()) : exit)
      const begin = (opened: Opened) => void run(opened, use, isWrite).addObserver(ended)
      if (opened !== undefined) return begin(opened)
      lazy.use((built) => {
        if (Exit.isFailure(built)) settle(Exit.failCause(built.cause))
        // It may have been closed meanwhile.
        else if (opened !== undefined) begin(opened)
      })
    })
  }

  const get = (app: string, options?: CallOptions): Promise<ResolvedToken> => {
    if (options?.signal?.aborted) return Promise.reject(options.signal.reason)
    const cached = cachedNow(app)
    if (cached !== undefined) return cached
    const wait = (onEnd?: () => void) => call((tokens) => tokens.get(app), options, false, onEnd)
    // Who may leave on its own has a promise of its own.
    return options?.signal === undefined && closing === undefined ? shared.get(app, wait) : wait()
  }

  /** A call that changes which token is to be had: a `get` after it waits for nothing older. */
  const change = <A, E>(
    app: string,
    use: (tokens: Service) => Effect.Effect<A, E>,
    options: CallOptions | undefined,
    isWrite: boolean
  ): Promise<A> => {
    shared.forget(app)
    return call(use, options, isWrite)
  }

  const closeAll = Effect.suspend(() => {
    const writes = () => [...fibers].filter(([, isWrite]) => isWrite).map(([fiber]) => fiber)
    return Effect.all([Background.ended(writes), lazy.release], {
      concurrency: "unbounded",
      discard: true
    })
  })

  const close = (): Promise<void> =>
    closing ??= new Promise((resolve) => {
      const release = keepAlive.hold()
      const context = opened?.context ?? base
      cachedNow = nothingCached
      waits.abandon(new FlyTokensClosed(), { writes: opened === undefined })
      Effect.runForkWith(context)(closeAll).addObserver(() => {
        opened = undefined
        waits.abandon(new FlyTokensClosed(), { writes: true })
        for (const fiber of fibers.keys()) fiber.interruptUnsafe()
        listeners.close()
        release()
        resolve()
      })
    })

  return {
    get,
    refresh: (app, options) => change(app, (tokens) => tokens.refresh(app, refusalOf(options)), options, false),
    invalidate: (app, options) =>
      change(
        app,
        (tokens) => Effect.map(tokens.invalidate(app, refusalOf(options)), Option.getOrUndefined),
        options,
        true
      ),
    setManual: (app, token, options) =>
      change(
        app,
        (tokens) => tokens.setManual(app, FlyToken.make(token)),
        options,
        true
      ),
    removeManual: (app, options) => change(app, (tokens) => tokens.removeManual(app), options, true),
    peek: (app) => opened === undefined ? undefined : Option.getOrUndefined(opened.tokens.peek(app)),
    status: (app, options) => call((tokens) => tokens.status(app), options),
    statuses: (options) => call((tokens) => tokens.statuses, options),
    on: listeners.on as FlyTokensClient["on"],
    close,
    [Symbol.asyncDispose]: close
  }
}
