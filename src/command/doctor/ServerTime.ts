/** Whether Fly's API can be reached, what time it is there, and whether the clock of this machine is right. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { Environment } from "../../services/Environment.ts"
import { Unreachable } from "../../services/MissReason.ts"
import * as Render from "../Render.ts"
import { type Finding, finding } from "./Finding.ts"

/** What came of asking the API for its time. Times are epoch milliseconds. */
export interface Asked {
  /** `undefined` if `FLY_FLAPS_BASE_URL` names none. */
  readonly host: string | undefined
  /** What its server says, and the time here in the middle of the exchange. */
  readonly time: { readonly there: number; readonly here: number } | undefined
  /** What stands in the way, if there was no answer. */
  readonly unreachable: Unreachable | undefined
  /** Whether flyctl goes another way: by a proxy, which is not used here. */
  readonly proxied: boolean
}

/** The codes of Node and of its `fetch`, and the word of Bun. */
const causes: Readonly<Record<string, Unreachable["by"]>> = {
  ECONNREFUSED: "refused",
  ConnectionRefused: "refused",
  ENOTFOUND: "notFound",
  EAI_AGAIN: "notFound",
  EAI_FAIL: "notFound",
  ETIMEDOUT: "timedOut",
  UND_ERR_CONNECT_TIMEOUT: "timedOut",
  UND_ERR_HEADERS_TIMEOUT: "timedOut",
  // Something answered that does not speak TLS, or no HTTP.
  ERR_SSL_WRONG_VERSION_NUMBER: "portal",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "portal"
}

/** Errors stand within errors: Effect's around that of `fetch`, around the system's. At most so many. */
const maxDepth = 8

const codeIn = (error: unknown, depth = 0): string | undefined => {
  if (typeof error !== "object" || error === null || depth > maxDepth) return undefined
  const { cause, code, errors, reason } = error as Record<string, unknown>
  if (typeof code === "string" && code !== "") return code
  for (const each of [cause, reason, Array.isArray(errors) ? errors[0] : undefined]) {
    const found = codeIn(each, depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}

/** Why a request got no answer, by the codes in an error; nothing of its text. */
export const unreachable = (error: unknown): Unreachable => {
  const code = codeIn(error) ?? ""
  const isCertificate = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)
  return new Unreachable({
    by: causes[code] ?? (isCertificate ? "certificate" : code.startsWith("HPE_") ? "portal" : "network")
  })
}

const exchange = Effect.fnUntraced(function*(url: URL) {
  const began = yield* Clock.currentTimeMillis
  const { headers } = yield* Effect.tryPromise((signal) => fetch(url, { method: "HEAD", signal }))
  const ended = yield* Clock.currentTimeMillis
  // The header says whole seconds.
  const there = Date.parse(headers.get("date") ?? "") + 500
  return Number.isNaN(there) ? undefined : { there, here: (began + ended) / 2 }
})

const proxies = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]

/** Asks with one request without a token, of `FLY_FLAPS_BASE_URL` or the public API, for at most 3 s. */
export const ask: Effect.Effect<Asked, never, Environment> = Effect.gen(function*() {
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
  return yield* exchange(url).pipe(
    Effect.timeoutOrElse({ duration: "3 seconds", orElse: () => Effect.fail({ code: "ETIMEDOUT" }) }),
    Effect.map((time) => ({ ...asked, time })),
    Effect.catchCause((cause) => Effect.succeed({ ...asked, unreachable: unreachable(Cause.squash(cause)) }))
  )
})

/** A warning at most: whether tokens depend on it, the organization's check says, which asks by flyctl. */
export const api = ({ host, proxied, unreachable }: Asked): Finding => {
  if (host === undefined) {
    return finding("warning", "FLY_FLAPS_BASE_URL is no URL", "unset it, or set it to one that begins with https://")
  }
  if (unreachable === undefined) return finding("ok", `${host} answers`)
  return proxied
    ? finding("note", `${unreachable.message} (${host}, asked without the proxy, which flyctl uses)`)
    : finding("warning", `${unreachable.message} (${host})`, unreachable.hint)
}

/** By how much a clock may be off, in milliseconds: tokens that live for minutes stand that. */
const tolerance = 60_000

const hint =
  "set the clock (on Linux `timedatectl set-ntp true`): with a wrong one good tokens seem expired or not yet valid"

/** A moment that has passed by every right clock, and what happened then, as the beginning of a sentence. */
export type PastMoment = readonly [what: string, at: number | null]

/** Moments of the past that are still to come by this clock, so that it has been set back, or was ahead before. */
export const fromTheFuture = (moments: ReadonlyArray<PastMoment>, now: number): ReadonlyArray<Finding> =>
  moments.flatMap(([what, at]) => {
    if (at === null || at <= now + tolerance) return []
    const when = Render.fromNow(at, now)
    const message = `the clock may be wrong: ${what} ${when}, by the clock of this machine (${Render.isoTime(now)})`
    return [finding("problem", message, hint)]
  })

export const clock = ({ host, time }: Asked): Finding => {
  if (time === undefined) return finding("skipped", "not compared: the Machines API gave no time within 3 s")
  const { here, there } = time
  if (Math.abs(here - there) <= tolerance) return finding("ok", `within ${tolerance / 1000} s of that of ${host}`)
  const distance = Render.fromNow(there, here).replace(/^in | ago$/g, "")
  const direction = here > there ? "ahead of" : "behind"
  const times = `here ${Render.isoTime(here)}, there ${Render.isoTime(there)}`
  return finding("problem", `the clock is ${distance} ${direction} that of ${host} (${times})`, hint)
}
