/** Whether the Machines API can be reached, and what time it is there. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Environment } from "../../services/Environment.ts"
import { Unreachable } from "../../services/MissReason.ts"
import * as Obstacle from "./Obstacle.ts"

export interface ServerTime {
  readonly host: string
  /** Epoch milliseconds. */
  readonly time: number
  /** The time here in the middle of the exchange. */
  readonly here: number
}

/** What came of asking. */
export interface Asked {
  /** `undefined` if `FLY_FLAPS_BASE_URL` names none. */
  readonly host: string | undefined
  readonly time: ServerTime | undefined
  /** What stands in the way, if there was no answer. */
  readonly unreachable: Unreachable | undefined
  /** Whether flyctl goes another way: by a proxy, which is not used here. */
  readonly proxied: boolean
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

const proxies = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]

/** Asks with one request without a token, of `FLY_FLAPS_BASE_URL` or the public API, for at most 3 s. */
export const get: Effect.Effect<Asked, never, Environment> = Effect.gen(function*() {
  const environment = yield* Environment
  const base = environment.get("FLY_FLAPS_BASE_URL") || "https://api.machines.dev"
  const url = URL.canParse(base) ? new URL(base) : undefined
  const asked = {
    host: url?.host,
    time: undefined,
    unreachable: undefined,
    proxied: proxies.some((name) => Boolean(environment.get(name)))
  }
  if (url === undefined) return asked
  // A URL of a proxy may have a password in it, which is not for the API.
  url.username = ""
  url.password = ""
  return yield* ask(url).pipe(
    Effect.timeoutOption(limit),
    Effect.map(Option.match({
      onNone: () => ({ ...asked, unreachable: new Unreachable({ by: "timedOut" }) }),
      onSome: (time) => ({ ...asked, time })
    })),
    Effect.catchCause((cause) => Effect.succeed({ ...asked, unreachable: Obstacle.of(Cause.squash(cause)) }))
  )
})
