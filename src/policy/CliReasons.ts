/** What follows from how a call of flyctl failed. */
import type { MissReason } from "../services/MissReason.ts"

type Consequence =
  /** Another credential may come to something else. */
  | "credential"
  /** The list of all apps may know an app for which the question failed. `status` asks the Machines API too. */
  | "listed"
  /** flyctl was cut off, or printed what is no token: what it did at Fly stays. */
  | "traces"
  /** A mint fails as the question did. */
  | "fatal"

const nothing: ReadonlyArray<Consequence> = []

const consequences: Readonly<Record<MissReason["_tag"], ReadonlyArray<Consequence>>> = {
  NotLoggedIn: ["credential", "fatal"],
  NotAuthenticated: ["credential", "listed", "fatal"],
  Forbidden: ["credential", "listed"],
  OrgUnknown: ["credential"],
  AppUnknown: ["credential"],
  MintRefused: ["credential"],
  SignOnRequired: ["credential"],
  Expired: ["credential"],
  Undischarged: ["credential"],
  // flyctl crashes where Fly shows a login nothing at all.
  Panicked: ["credential"],
  ExitCode: ["credential", "listed"],
  // Whether by credential, its status tells.
  HttpFailed: ["listed"],

  // Not by credential: after a mint another one leaves another record at Fly.
  Malformed: ["listed", "traces"],
  OutputTooLarge: ["listed", "traces"],
  TimedOut: ["traces"],

  // The other credential would meet the same program, network, files or limit.
  RateLimited: ["listed"],
  Unreachable: ["listed", "fatal"],
  Disabled: ["fatal"],
  BinaryNotFound: ["fatal"],
  NotExecutable: ["fatal"],
  NotFlyctl: ["fatal"],
  HomeUnusable: ["fatal"],
  OutdatedFlyctl: nothing,
  OrgRequired: nothing,
  InvalidExpiry: nothing,
  ConfigLocked: nothing,
  Killed: nothing,

  // Said of other sources.
  Unreadable: nothing,
  NotFound: nothing,
  NotNewer: nothing,
  Rejected: nothing,
  Insufficient: nothing,
  StorageFailed: nothing,
  Defect: nothing
}

const has = (consequence: Consequence) => ({ _tag }: MissReason): boolean => consequences[_tag].includes(consequence)

const byCredential = has("credential")

/** Whether a call that failed for a reason may succeed with another credential. */
export const mayDependOnCredential = (reason: MissReason): boolean =>
  reason._tag === "HttpFailed" ? [401, 403, 404].includes(reason.status) : byCredential(reason)

export const mayBeListed = has("listed")

/**
 * Whether a run of flyctl that failed so may have left something at Fly, so that it is not repeated at once. What was
 * minted and is of no use for another reason lasts until somebody does something: the next mint would come to the same.
 */
export const leavesTraces = has("traces")

export const isFatal = has("fatal")

/** Whether Fly said that there is no such app or organization for this login. */
export const isAbsence = ({ _tag }: MissReason): boolean => _tag === "AppUnknown" || _tag === "OrgUnknown"

/** Whether it is what is said of an organization that the app is not in any more. */
export const mayHaveMoved = ({ _tag }: MissReason): boolean => _tag === "OrgUnknown" || _tag === "Forbidden"

/** Nobody answered: the next question would only find out the same. */
export const isByTime = (reason: MissReason): boolean =>
  reason._tag === "TimedOut" || (reason._tag === "Unreachable" && reason.by === "timedOut")

/**
 * Which of two failures is told: the login's, with which it would have worked last; without a login, or with one that is
 * over, what is wrong with the environment's token.
 */
export const moreTelling = (environment: MissReason, login: MissReason): MissReason =>
  login._tag === "NotLoggedIn" || login._tag === "NotAuthenticated" ? environment : login
