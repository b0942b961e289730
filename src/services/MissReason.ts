/**
 * Why a source gave no usable token: one tagged value per cause, each with a sentence and a hint that a person can act on.
 *
 * **Details**
 *
 * The causes that flyctl prints are those of flyctl v0.4.87. No reason carries text of a child
 * process, of a file or of an error of other people's code: such text may hold a token.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import {
  AppUnknown,
  BinaryNotFound,
  ConfigLocked,
  ExitCode,
  Forbidden,
  HomeUnusable,
  HttpFailed,
  InvalidExpiry,
  Killed,
  MintRefused,
  NotAuthenticated,
  NotExecutable,
  NotFlyctl,
  NotLoggedIn,
  OrgRequired,
  OrgUnknown,
  OutdatedFlyctl,
  OutputTooLarge,
  Panicked,
  RateLimited,
  SignOnRequired,
  Unreachable
} from "./reasons/FlyctlReason.ts"
import { Defect, Disabled, NotFound, StorageFailed, TimedOut, Unreadable } from "./reasons/SourceReason.ts"
import { Expired, Insufficient, Malformed, NotNewer, Rejected, Undischarged } from "./reasons/TokenReason.ts"

export * from "./reasons/FlyctlReason.ts"
export * from "./reasons/SourceReason.ts"
export * from "./reasons/TokenReason.ts"

const reasons = [
  NotFound,
  Disabled,
  Expired,
  Undischarged,
  Insufficient,
  Malformed,
  Rejected,
  NotNewer,
  TimedOut,
  Unreadable,
  BinaryNotFound,
  NotExecutable,
  NotFlyctl,
  OutdatedFlyctl,
  NotLoggedIn,
  NotAuthenticated,
  OrgRequired,
  OrgUnknown,
  AppUnknown,
  MintRefused,
  HttpFailed,
  Unreachable,
  Forbidden,
  RateLimited,
  SignOnRequired,
  HomeUnusable,
  InvalidExpiry,
  ConfigLocked,
  Killed,
  Panicked,
  OutputTooLarge,
  ExitCode,
  StorageFailed,
  Defect
] as const

/**
 * Every cause for which a source can give no token.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export const MissReason = Schema.Union(reasons)

/**
 * One of the causes for which a source gives no token.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type MissReason = typeof MissReason.Type
