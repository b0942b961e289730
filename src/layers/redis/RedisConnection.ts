/**
 * A Redis that may come later, go, and come back.
 *
 * @since 0.1.0
 * @stability stable
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Redis from "effect/persistence/Redis"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as Warnings from "../../concurrency/Warnings.ts"
import { whyOf } from "./RedisFailure.ts"

/**
 * The options of {@link layer}.
 *
 * @category models
 */
export interface RedisConnectionOptions {
  /** How often a connection is asked whether it is alive, and how long it may take to answer. Default 5 s. */
  readonly checkEvery?: Duration.Input | undefined
}

/** A connection that has not come within this is given up. */
const connectWithin = Duration.seconds(10)

/** How long a program waits for the first connection before it starts without: other sources wait for that too. */
const startWithin = Duration.seconds(1)

/** How long closing waits for commands that are under way. */
const closeWithin = Duration.seconds(1)

const firstPause = 100
const longestPause = 2_000

interface Connected {
  readonly redis: Redis.Redis["Service"]
  readonly scope: Scope.Closeable
  /** Ends what is under way on a connection that was given up. */
  readonly lost: Deferred.Deferred<never, Redis.RedisError>
}

const errorOf = (code: string) => new Redis.RedisError({ cause: { code } })

const make = Effect.fnUntraced(function*<E>(
  connection: Layer.Layer<Redis.Redis, E>,
  options: RedisConnectionOptions
) {
  const checkEvery = Duration.fromInputUnsafe(options.checkEvery ?? "5 seconds")
  const context = yield* Effect.context<never>()
  const warn = yield* Warnings.make
  /** What it logs of each try is one line here. A layer is built once, but for fresh ones. */
  const quiet = Layer.fresh(Layer.provide(connection, Logger.layer([])))
  let current: Connected | undefined
  let away = errorOf("ENOTCONN")

  /** By itself: closing a connection waits for its commands, which may never be answered. */
  const close = (scope: Scope.Closeable) => Effect.runForkWith(context)(Scope.close(scope, Exit.void))

  const connect: Effect.Effect<Connected, Redis.RedisError> = Effect.gen(function*() {
    const scope = yield* Scope.make()
    const building = Effect.timeoutOption(Layer.buildWithScope(quiet, scope), connectWithin)
    const built = yield* Effect.exit(building).pipe(Effect.onInterrupt(() => Effect.sync(() => void close(scope))))
    if (Exit.isSuccess(built) && Option.isSome(built.value)) {
      const redis = yield* Effect.provideContext(Redis.Redis, built.value.value)
      return { redis, scope, lost: Deferred.makeUnsafe() }
    }
    close(scope)
    if (Exit.isSuccess(built)) return yield* errorOf("ETIMEDOUT")
    const failure = built.cause.reasons.find((reason) => reason._tag === "Fail")?.error
    return yield* failure instanceof Redis.RedisError ? failure : new Redis.RedisError({ cause: failure })
  })

  /** Ends when the connection does not answer any more: also one that nobody has closed, behind a firewall for example. */
  const watch = Effect.fnUntraced(function*({ redis }: Connected) {
    for (;;) {
      yield* Effect.sleep(checkEvery)
      const answer = yield* Effect.exit(Effect.timeoutOption(redis.send("PING"), checkEvery))
      if (Exit.isFailure(answer) || Option.isNone(answer.value)) return
    }
  })

  const drop = Effect.sync(() => {
    if (current === undefined) return
    const { lost, scope } = current
    current = undefined
    away = errorOf("ETIMEDOUT")
    Deferred.doneUnsafe(lost, Exit.fail(away))
    close(scope)
  })

  const first = yield* Deferred.make<void>()
  const keep = Effect.gen(function*() {
    for (let pause = firstPause;; pause = Math.min(2 * pause, longestPause)) {
      const connected = yield* Effect.result(connect)
      if (connected._tag === "Success") {
        current = connected.success
        pause = firstPause
      } else {
        away = connected.failure
        yield* warn("Redis is away", `fly-tokens: ${whyOf(away)}; it is tried again until it can`)
      }
      yield* Deferred.succeed(first, undefined)
      if (current !== undefined) yield* watch(current)
      yield* drop
      yield* Effect.sleep(Duration.millis(pause))
    }
  })
  const keeping = yield* Effect.forkScoped(keep)
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      keeping.interruptUnsafe()
      return current === undefined
        ? Effect.void
        : Effect.timeoutOption(Fiber.await(close(current.scope)), closeWithin)
    })
  )
  // With a Redis that is there, the first read finds it.
  yield* Effect.timeoutOption(Deferred.await(first), startWithin)

  const use = <A>(f: (redis: Redis.Redis["Service"]) => Effect.Effect<A, Redis.RedisError>) =>
    Effect.suspend((): Effect.Effect<A, Redis.RedisError> =>
      current === undefined ? Effect.fail(away) : Effect.raceFirst(f(current.redis), Deferred.await(current.lost))
    )

  return Redis.Redis.of({
    send: <A>(command: string, ...args: ReadonlyArray<string>) => use((redis) => redis.send<A>(command, ...args)),
    eval: (script) => (...params) => use((redis) => redis.eval(script)(...params)),
    reserve: Effect.suspend(() => current === undefined ? Effect.fail(away) : current.redis.reserve),
    subscribe: (channel) =>
      Effect.suspend(() =>
        current !== undefined
          ? current.redis.subscribe(channel)
          : Effect.tap(Queue.unbounded<Redis.RedisMessage, Redis.RedisError>(), (queue) => Queue.fail(queue, away))
      )
  })
})

/**
 * Keeps a connection, made by another layer, in the background.
 *
 * **Details**
 *
 * It waits for the first try only, and at most 1 s. While there is no connection, what is asked fails at once, and a new one is tried with
 * a back-off of at most 2 s. A connection that does not answer within `checkEvery` is replaced, although nobody closed it.
 *
 * **Example** (A Redis that may be down when the program starts)
 *
 * ```ts
 * import * as NodeRedis from "@effect/platform-node/NodeRedis"
 * import { RedisConnection } from "effect-fly-tokens/redis"
 *
 * const redis = RedisConnection.layer(
 *   NodeRedis.layer({ url: "redis://localhost:6379", disableOfflineQueue: true, socket: { socketTimeout: 30_000 } })
 * )
 * ```
 *
 * @category layers
 */
export const layer = <E>(
  connection: Layer.Layer<Redis.Redis, E>,
  options: RedisConnectionOptions = {}
): Layer.Layer<Redis.Redis> => Layer.effect(Redis.Redis, make(connection, options))
