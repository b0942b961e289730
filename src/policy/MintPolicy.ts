/** When not to mint again: each mint leaves a record at Fly, and so does each that is cut off. */
import type { MissReason } from "../services/MissReason.ts"
import { SignOnRequired } from "../services/MissReason.ts"
import type { AppName } from "../token/AppName.ts"
import type { FlyToken } from "../token/FlyToken.ts"
import * as CliReasons from "./CliReasons.ts"
import type { RefreshSettings } from "./RefreshPolicy.ts"
import * as RefreshPolicy from "./RefreshPolicy.ts"
import * as Usability from "./Usability.ts"

/** A cause that nobody here sees end (a setting at Fly) is looked for once a day. */
const longestPause = 24 * 3_600_000

/** A clock that was set back by more than this is another one than that by which a token was unusable. */
const clockTolerance = 60_000

/** Who signs people on. */
const signOnLocation = "https://auth.fly.io"

/** The settings that minting depends on. */
export interface MintSettings extends RefreshSettings {
  readonly ttlMillis: number
  readonly cliTimeoutMillis: number
  readonly cliConcurrency: number
  readonly storageTimeoutMillis: number
  readonly configFileTimeoutMillis: number
  readonly leaseWaitMillis: number
  readonly org: (app: AppName) => string | undefined
  readonly mintFor: "organization" | "app"
  /** Whether the store is a source. */
  readonly readsStore: boolean
  /** Whether what is minted is left in the store. */
  readonly persistsMinted: boolean
}

/** A mint that gave no token: when (epoch milliseconds), and with which logins; none if that is not known. */
export interface Failure {
  readonly reason: MissReason
  readonly at: number
  readonly logins: ReadonlyArray<string>
}

/** For a while no token is minted, because of the last mint. Times are epoch milliseconds. */
export interface Pause extends Failure {
  /** How many mints in a row gave none. */
  readonly failures: number
  readonly until: number
  /** When somebody who asks for another try gets one. */
  readonly soonest: number
}

const isSignOn = (location: string): boolean => location === signOnLocation || location.startsWith(`${signOnLocation}/`)

/** Why a token was of no use already when it was minted, or `undefined` if it was. */
export const unusable = (token: FlyToken, mintedAt: number, ttlMillis: number): MissReason | undefined => {
  const expiresAt = Usability.expiryOf(token, { acquiredAt: mintedAt, ttlMillis, now: mintedAt })
  const defect = Usability.whyInvalid(token, expiresAt, mintedAt)
  return defect?._tag === "Undischarged" && token.missingDischarges.some(isSignOn) ? new SignOnRequired() : defect
}

/**
 * The pause after a mint that gave no token, and after the one before. Its back-off is that of a refresh: 30 s, doubling
 * to 10 min. What lasts is not tried again by itself for a day, and after that back-off if somebody asks for it.
 */
export const pauseAfter = (
  before: Pause | undefined,
  failure: Failure,
  settings: RefreshSettings,
  random: number
): Pause => {
  const { at, reason } = failure
  const failures = (before?.failures ?? 0) + 1
  const soonest = at + RefreshPolicy.backOff(failures, settings, random)
  return { ...failure, failures, soonest, until: CliReasons.leavesTraces(reason) ? soonest : at + longestPause }
}

/**
 * What is left of a pause after a mint that failed for a cause that leaves nothing at Fly: one that lasts, which that
 * says nothing about. Whoever asked for another try has had it.
 */
export const outlasting = (pause: Pause): Pause | undefined =>
  CliReasons.leavesTraces(pause.reason) ? undefined : { ...pause, until: pause.at + longestPause }

/** The same pause for somebody who asks for another try. */
export const hastened = (pause: Pause): Pause => ({ ...pause, until: Math.min(pause.until, pause.soonest) })

/** Whether what a pause hangs on is another one by now: somebody else is logged in, or the clock was set back. */
export const isOutdated = (pause: Pause, now: number, login: string | undefined): boolean =>
  (pause.logins.length > 0 && login !== undefined && !pause.logins.includes(login)) ||
  pause.at - now > clockTolerance

/** Of so many logins it is remembered that what they mint is of no use: more would make the record long. */
const mostLogins = 100

/**
 * With which logins mints of an organization are of no use: this one's, and those of the pause that the store told of.
 *
 * **Details**
 *
 * Machines that share a store have logins of their own, and one record tells of all of them. If each named itself only,
 * each would take the other's word away, and mint again. Whether a login is signed on is its own: that one's token needs
 * a sign-on tells nothing about another one, which may have it, so each of them tries once, and whoever logs in anew does.
 */
export const loginsAfter = (before: Failure | undefined, login: string, now: number) => {
  const others = before !== undefined && now < before.at + longestPause ? before.logins : []
  return [...new Set([login, ...others])].slice(0, mostLogins)
}
