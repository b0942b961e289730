/** The tokens that Fly refused a short while ago. */
import * as TimedMap from "../concurrency/TimedMap.ts"
import type { FlyToken } from "../token/FlyToken.ts"

export interface Rejections {
  readonly add: (token: FlyToken, now: number) => void
  readonly has: (token: FlyToken, now: number) => boolean
}

export const make = (ttlMillis: number): Rejections => {
  const refused = TimedMap.make<true>(ttlMillis)
  return {
    add: (token, now) => refused.set(token.identity, true, now),
    // The identity takes a digest, and mostly nothing was refused.
    has: (token, now) => refused.size() > 0 && refused.has(token.identity, now)
  }
}
