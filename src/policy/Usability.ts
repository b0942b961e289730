/** Whether a token can be used now, and until when: plain functions over plain values. */
import type { MissReason } from "../services/MissReason.ts"
import { Expired, Insufficient, Malformed, NotNewer, Rejected, Undischarged } from "../services/MissReason.ts"
import type { FlyToken } from "../token/FlyToken.ts"
import * as Grants from "../token/Grants.ts"

/** What is asked of a token beside its own soundness. */
export interface Demands {
  /** Epoch milliseconds. */
  readonly now: number
  readonly isRejected: (token: FlyToken) => boolean
}

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
export const defectOf = (
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

/** Why a token cannot be used, or `undefined` if it can. */
export const unusable = (token: FlyToken, expiresAt: number, demands: Demands): MissReason | undefined =>
  defectOf(token, expiresAt, demands.now) ??
    (demands.isRejected(token) ? new Rejected({ fingerprint: token.fingerprint }) : undefined)

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

/** The miss for a stored copy of the token that is to be replaced. */
export const notNewer = (token: FlyToken): NotNewer => new NotNewer({ fingerprint: token.fingerprint })
