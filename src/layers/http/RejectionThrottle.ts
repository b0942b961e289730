/** Keeps an API that refuses every token from causing a mint per request: each mint leaves a record at Fly. */
import type { ResolvedToken } from "../../services/TokenProvider.ts"

const pauseMillis = 60_000

export interface RejectionThrottle {
  /** The token was sent, and not refused. */
  readonly worked: (resolved: ResolvedToken) => void
  /**
   * Whether a refused token is to be reported, so that another one takes its place. Not one that was minted within a
   * minute of the last report and never worked: the next one would not either.
   */
  readonly mayReport: (resolved: ResolvedToken, now: number) => boolean
}

export const make = (): RejectionThrottle => {
  let good: string | undefined
  let reported: { readonly identity: string; readonly at: number } | undefined
  return {
    worked: ({ token }) => void (good = token.identity),
    mayReport: ({ source, token: { identity } }, now) => {
      // Many requests may have been under way with one token.
      if (identity === reported?.identity) return true
      const justNow = reported !== undefined && now >= reported.at && now - reported.at < pauseMillis
      if (justNow && source === "cli" && identity !== good) return false
      reported = { identity, at: now }
      return true
    }
  }
}
