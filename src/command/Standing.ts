/** How apps and organizations stand by what is stored: plain functions over records. */
import * as OrgRecord from "../policy/OrgRecord.ts"
import * as RefreshPolicy from "../policy/RefreshPolicy.ts"
import * as Usability from "../policy/Usability.ts"
import type { SourceName } from "../services/SourceName.ts"
import type { StoredToken } from "../services/Storage.ts"
import { FlyToken } from "../token/FlyToken.ts"

/** The options that it depends on. */
export interface StandingSettings extends RefreshPolicy.RefreshSettings {
  readonly chain: ReadonlyArray<SourceName>
  readonly ttlMillis: number
}

/** What was read for a record: nothing, a record, or why it could not be read. */
export type Reading = StoredToken | { readonly problem: string } | undefined

/** A stored token without its secret. Times are epoch milliseconds. */
export interface StoredStanding {
  readonly source: string
  readonly fingerprint: string
  readonly savedAt: number
  readonly expiresAt: number
  /** When its refresh is due at the latest; `null` if none will be. */
  readonly refreshAt: number | null
  /** Why it is not handed out; `null` if it is. */
  readonly unusable: string | null
}

export type Standing = StoredStanding | { readonly problem: string } | null

/**
 * Judges a record as the sources do: from when its life counts differs, a manual token is not older for having been set
 * long ago.
 */
export const standing = (
  reading: Reading,
  countsFrom: "savedAt" | "now",
  now: number,
  settings: StandingSettings
): Standing => {
  if (reading === undefined) return null
  if ("problem" in reading) return reading
  const token = FlyToken.make(reading.token)
  const acquiredAt = countsFrom === "now" ? now : reading.savedAt
  const expiresAt = Usability.expiryOf(token, { acquiredAt, ttlMillis: settings.ttlMillis, now })
  const defect = Usability.whyInvalid(token, expiresAt, now)
  const refreshAt = RefreshPolicy.refreshAt({ acquiredAt, expiresAt }, now, settings, 0)
  return {
    source: reading.source,
    fingerprint: token.fingerprint,
    savedAt: reading.savedAt,
    expiresAt,
    refreshAt: defect === undefined && Number.isFinite(refreshAt) ? refreshAt : null,
    unusable: defect === undefined ? null : defect.message
  }
}

/** How an app stands. */
export interface AppStanding {
  readonly app: string
  /** What of the store a `get` would be served with, if no source before it has a token. */
  readonly serves: "cached" | "manual" | null
  readonly cached: Standing
  readonly manual: Standing
}

const isUsable = (standing: Standing): boolean =>
  standing !== null && !("problem" in standing) && standing.unusable === null

export const appStanding = (
  app: string,
  read: { readonly cached: Reading; readonly manual: Reading },
  now: number,
  settings: StandingSettings
): AppStanding => {
  const cached = standing(read.cached, "savedAt", now, settings)
  const manual = standing(read.manual, "now", now, settings)
  const first = settings.chain.find((source) =>
    (source === "storage" && isUsable(cached)) || (source === "manual" && isUsable(manual))
  )
  const serves = first === undefined ? null : first === "manual" ? "manual" : "cached"
  return { app, serves, cached, manual }
}

/** How the token of an organization stands, which serves all its apps. */
export interface OrgStanding {
  readonly org: string
  readonly token: Standing
}

export const orgStanding = (org: string, reading: Reading, now: number, settings: StandingSettings): OrgStanding => ({
  org: OrgRecord.slugOf(org),
  token: standing(reading, "savedAt", now, settings)
})
