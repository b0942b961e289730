/** Whether the clock of this machine is right. */
import { fromNow, isoTime } from "../Render.ts"
import { type Finding, finding } from "./Finding.ts"

/** By how much a clock may be off, in milliseconds: tokens that live for minutes stand that. */
export const tolerance = 60_000

const hint =
  "set the clock (on Linux `timedatectl set-ntp true`): with a wrong one good tokens seem expired or not yet valid"

/** A moment that has passed by every right clock. */
export interface PastMoment {
  /** What happened then, as the beginning of a sentence. */
  readonly what: string
  readonly at: number | null
}

/** Moments of the past that are still to come by this clock, so that it has been set back, or was ahead before. */
export const fromTheFuture = (moments: ReadonlyArray<PastMoment>, now: number): ReadonlyArray<Finding> =>
  moments.flatMap(({ at, what }) =>
    at !== null && at > now + tolerance
      ? [
        finding(
          "problem",
          `the clock may be wrong: ${what} ${fromNow(at, now)}, by the clock of this machine (${isoTime(now)})`,
          hint
        )
      ]
      : []
  )

/** What a server's time shows. */
export const against = (server: { readonly host: string; readonly time: number }, now: number): Finding => {
  const ahead = now - server.time
  return Math.abs(ahead) > tolerance
    ? finding(
      "problem",
      `the clock is ${fromNow(server.time, now).replace(/^in | ago$/g, "")} ${
        ahead > 0 ? "ahead of" : "behind"
      } that of ${server.host} (here ${isoTime(now)}, there ${isoTime(server.time)})`,
      hint
    )
    : finding("ok", `within ${tolerance / 1000} s of that of ${server.host}`)
}
