/**
 * What time it is at the Machines API.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Environment } from "../../services/Environment.ts"

/**
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface ServerTime {
  readonly host: string
  /** Epoch milliseconds. */
  readonly time: number
  /** The time here in the middle of the exchange. */
  readonly here: number
}

const limit = "3 seconds"

const ask = Effect.fnUntraced(function*(url: URL) {
  // Loaded here, so that no other call of the command waits for it.
  const [FetchHttpClient, HttpClient] = yield* Effect.promise(() =>
    Promise.all([import("effect/http/FetchHttpClient"), import("effect/http/HttpClient")])
  )
  const exchange = Effect.gen(function*() {
    const began = yield* Clock.currentTimeMillis
    const { headers } = yield* HttpClient.head(url)
    const ended = yield* Clock.currentTimeMillis
    // The header says whole seconds.
    const time = Date.parse(headers["date"] ?? "") + 500
    return Number.isNaN(time) ? undefined : { host: url.host, time, here: (began + ended) / 2 }
  })
  return yield* Effect.provide(exchange, FetchHttpClient.layer)
})

/**
 * Asks with one request without a token, of `FLY_FLAPS_BASE_URL` or the public API. `undefined` if there is no answer
 * within 3 s.
 *
 * @category asking
 * @since 0.1.0
 * @stability stable
 */
export const get: Effect.Effect<ServerTime | undefined, never, Environment> = Effect.gen(function*() {
  const base = (yield* Environment).get("FLY_FLAPS_BASE_URL") || "https://api.machines.dev"
  const url = URL.canParse(base) ? new URL(base) : undefined
  if (url === undefined) return undefined
  // A URL of a proxy may have a password in it, which is not for the API.
  url.username = ""
  url.password = ""
  return yield* ask(url).pipe(
    Effect.timeoutOption(limit),
    Effect.map(Option.getOrUndefined),
    Effect.catchCause(() => Effect.undefined)
  )
})
