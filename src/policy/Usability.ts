/** Whether a token can be used now, and until when: plain functions over plain values. */
import type { MissReason } from "../services/MissReason.ts"
import { Expired, Insufficient, Malformed, NotNewer, Rejected, Undischarged } from "../services/MissReason.ts"
import type { Candidate } from "../services/TokenSource.ts"
import type { FlyToken } from "../token/FlyToken.ts"
import * as Grants from "../token/Grants.ts"

/** What is asked of a token beside its own soundness. */
export interface Demands {
  /** Epoch milliseconds. */
  readonly now: number
  readonly ttlMillis: number
  /** Only a token that lives longer counts, epoch milliseconds. */
  readonly livesPast: number | undefined
  readonly isRejected: (token: FlyToken, now: number) => boolean
}

/** A candidate that is good until `expiresAt`, or why it cannot be taken. */
export type Judged =
  | { readonly candidate: Candidate; readonly expiresAt: number }
  | { readonly reason: MissReason; readonly candidate?: Candidate }

/**
 * When a token is to be counted as expired, in epoch milliseconds: the earlier of its own expiry and `acquiredAt + ttl`.
 * A moment of acquisition in the future (a clock that was set back) counts as now.
 */
export const expiryOf = (
  token: FlyToken,
  options: { readonly acquiredAt: number; readonly ttlMillis: number; readonly now: number }
): number =>
  Math.min(token.expiresAt ?? Number.POSITIVE_INFINITY, Math.min(options.acquiredAt, options.now) + options.ttlMillis)

/** Why a token cannot be had at all, whoever asks: malformed, undischarged or expired. */
export const whyInvalid = (
  token: FlyToken,
  expiresAt: number,
  now: number
): Malformed | Undischarged | Expired | undefined => {
  if (token.malformed !== undefined) return new Malformed({ why: token.malformed })
  if (!token.discharged) return undischarged(token.missingDischarges)
  // At its expiry a token is expired.
  return expiresAt <= now ? new Expired({ expiredAt: expiresAt }) : undefined
}

/** Locations come out of the token: only what looks like one is told. */
const undischarged = (locations: ReadonlyArray<string>): Undischarged =>
  new Undischarged({ locations: locations.filter((location) => /^https?:\/\/[a-z0-9.:/-]{1,100}$/i.test(location)) })

/** Until when a candidate is good, or why it cannot be taken. */
export const judge = (candidate: Candidate, demands: Demands): Judged => {
  const { acquiredAt, token } = candidate
  const { isRejected, livesPast, now, ttlMillis } = demands
  const expiresAt = Math.min(
    expiryOf(token, { acquiredAt, ttlMillis, now }),
    candidate.expiresAt ?? Number.POSITIVE_INFINITY
  )
  const reason = whyInvalid(token, expiresAt, now) ??
    (isRejected(token, now) ? new Rejected({ fingerprint: token.fingerprint }) : undefined) ??
    (livesPast !== undefined && expiresAt <= livesPast ? notNewer(token) : undefined)
  return reason === undefined ? { candidate, expiresAt } : { reason, candidate }
}

/** Why a token cannot serve a place, or `undefined` if it can as far as is known. */
export const unfit = (token: FlyToken, place: Grants.Place): Insufficient | Undischarged | undefined => {
  const fitness = Grants.fitness(token, place)
  switch (fitness._tag) {
    case "Fit":
      return undefined
    case "Unfit":
      return new Insufficient({ lacks: fitness.lacks })
    case "Undischarged":
      return undischarged(fitness.locations)
  }
}

/** The miss for a copy of the token that is to be replaced. */
export const notNewer = (token: FlyToken): NotNewer => new NotNewer({ fingerprint: token.fingerprint })
