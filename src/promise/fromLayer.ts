/** A client over any layer of `FlyTokens`. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import type { FlyTokens } from "../FlyTokens.ts"
import type { ResolvedToken } from "../services/TokenProvider.ts"
import { FlyToken } from "../token/FlyToken.ts"
import * as Calls from "./Calls.ts"
import * as EventLoop from "./EventLoop.ts"
import type { CallOptions, ClientOptions, FlyTokensClient, RefreshOptions } from "./FlyTokensClient.ts"
import * as LazyService from "./LazyService.ts"
import * as Listeners from "./Listeners.ts"
import * as Report from "./Report.ts"

const rejectedOf = (options: RefreshOptions | undefined) =>
  options?.rejected === undefined ? {} : { rejected: FlyToken.make(options.rejected) }

/**
 * A client over a layer of your own: another storage, other sources, a test's scripted ones.
 *
 * **Details**
 *
 * The layer is built by the first call; if that fails, its calls reject with the error and the next one tries again. Its
 * log goes where `log` says, unless it brings loggers, and its sleeps do not keep Node running, unless it brings a clock.
 *
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const fromLayer = (layer: Layer.Layer<FlyTokens, unknown>, options: ClientOptions = {}): FlyTokensClient => {
  const report = Report.make(options.log)
  const listeners = Listeners.make(report)
  const calls = Calls.make()
  const base = Context.make(Clock.Clock, EventLoop.unrefClock).pipe(
    Context.add(Logger.CurrentLoggers, new Set([Report.logger(report)]))
  )
  const lazy = LazyService.make(
    layer,
    base,
    ({ context, tokens }) => listeners.attach(tokens.events, context),
    (cause) => report(`fly-tokens: closing failed: ${Report.inWords(Calls.errorOf(cause))}`)
  )
  let closing: Promise<void> | undefined

  const call = <A, E>(
    use: (tokens: FlyTokens["Service"]) => Effect.Effect<A, E>,
    options: CallOptions | undefined,
    isWrite: boolean = false
  ): Promise<A> => calls.run(() => lazy.fork(use), { signal: options?.signal, isWrite })

  /** A call that changes which token is to be had: a `get` after it waits for nothing older. */
  const change = <A, E>(
    app: string,
    use: (tokens: FlyTokens["Service"]) => Effect.Effect<A, E>,
    options: CallOptions | undefined,
    isWrite: boolean = true
  ): Promise<A> => {
    lazy.forget(app)
    return call(use, options, isWrite)
  }

  const get = (app: string, options?: CallOptions): Promise<ResolvedToken> => {
    if (options?.signal?.aborted) return Promise.reject(options.signal.reason)
    const cached = closing === undefined ? lazy.opened()?.cachedNow(app) : undefined
    if (cached !== undefined) return cached
    const ask = () => call((tokens) => tokens.get(app), options)
    // Who may leave on its own has a promise of its own; ten thousand others who wait for one run are one promise.
    return options?.signal === undefined && closing === undefined ? lazy.share(app, ask) : ask()
  }

  const close = (): Promise<void> =>
    closing ??= new Promise((resolve) => {
      const release = EventLoop.hold()
      const opened = lazy.opened()
      calls.close({ writes: opened === undefined })
      const ended = Effect.all([calls.written, lazy.close], { concurrency: "unbounded", discard: true })
      Effect.runForkWith(opened?.context ?? base)(ended).addObserver(() => {
        calls.end()
        listeners.close()
        release()
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
    peek: (app) => Option.getOrUndefined(lazy.opened()?.tokens.peek(app) ?? Option.none()),
    status: (app, options) => call((tokens) => tokens.status(app), options),
    statuses: (options) => call((tokens) => tokens.statuses, options),
    on: listeners.on as FlyTokensClient["on"],
    close,
    [Symbol.asyncDispose]: close
  }
}
