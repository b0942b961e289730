/**
 * The tokens that Fly refused a short while ago.
 *
 * @since 0.1.0
 */
import type { FlyToken } from "../../token/FlyToken.ts"

/** More than this many refused tokens within one `rejectionTtl` means that something else is wrong. */
const capacity = 1_000

/**
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface Rejections {
  readonly add: (token: FlyToken, now: number) => void
  readonly has: (token: FlyToken, now: number) => boolean
}

/**
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const make = (ttlMillis: number): Rejections => {
  const until = new Map<string, number>()
  return {
    add: (token, now) => {
      // Re-inserted, so that the oldest entry stands first.
      until.delete(token.identity)
      until.set(token.identity, now + ttlMillis)
      for (const [identity, end] of until) {
        if (end > now && until.size <= capacity) break
        until.delete(identity)
      }
    },
    has: (token, now) => {
      if (until.size === 0) return false
      const end = until.get(token.identity)
      if (end === undefined || now >= end) return false
      // The clock was set back: that neither lifts a rejection nor stretches it.
      if (end - now > ttlMillis) until.set(token.identity, now + ttlMillis)
      return true
    }
  }
}
