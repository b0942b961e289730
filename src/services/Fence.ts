/** Fences: numbers by which a store tells an older writer from a newer one. */

/** Of a record: what decides whether another one may replace it. Times are epoch milliseconds. */
export interface Fenced {
  /** The number of the right to mint under which its token was minted. */
  readonly fence?: number
  readonly expiresAt: number | null
  readonly savedAt: number
}

/**
 * How far the clocks of two machines may differ, in milliseconds. A record that is from further ahead was written by a
 * clock that has been set back since.
 */
export const clockTolerance = 300_000

/**
 * The fence that follows one: the time in epoch milliseconds, and always more than before. So fences of different
 * scopes compare, and numbers go up also when whoever counted them was wiped.
 */
export const after = (previous: number | undefined, now: number): number =>
  Math.max((previous ?? 0) + 1, Math.floor(now))

/**
 * Whether `incoming` is older than the record that is there. Without a fence on both there is nothing to compare; a
 * record that has expired, or that comes from a clock since set back, holds nobody up.
 */
export const isOutdated = (incoming: Fenced, present: Fenced, now: number): boolean =>
  incoming.fence !== undefined && present.fence !== undefined && incoming.fence < present.fence &&
  (present.expiresAt === null || now < present.expiresAt) && present.savedAt <= now + clockTolerance
