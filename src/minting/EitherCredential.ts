/**
 * With which credential flyctl is called: the environment's token, and what that one cannot do, with flyctl's login.
 */
import * as Effect from "effect/Effect"
import type { FlyCallOptions } from "../services/FlyCli.ts"
import type { MissReason } from "../services/MissReason.ts"

/** By reason: whether another credential may come to something else. */
const depends: Readonly<Record<Exclude<MissReason["_tag"], "HttpFailed">, boolean>> = {
  NotLoggedIn: true,
  NotAuthenticated: true,
  OrgUnknown: true,
  AppUnknown: true,
  MintRefused: true,
  Forbidden: true,
  SignOnRequired: true,
  Expired: true,
  Undischarged: true,
  // flyctl crashes where Fly shows a login nothing at all.
  Panicked: true,
  ExitCode: true,

  // The other one would meet the same program, network, files or limit.
  Disabled: false,
  BinaryNotFound: false,
  NotExecutable: false,
  NotFlyctl: false,
  OutdatedFlyctl: false,
  OrgRequired: false,
  Unreachable: false,
  HomeUnusable: false,
  InvalidExpiry: false,
  ConfigLocked: false,
  Killed: false,
  Unreadable: false,
  NotFound: false,
  NotNewer: false,
  Rejected: false,
  Insufficient: false,
  StorageFailed: false,
  Defect: false,

  // There may have been a mint: another one leaves another record at Fly.
  Malformed: false,
  OutputTooLarge: false,
  // Asking at once again makes it worse.
  TimedOut: false,
  RateLimited: false
}

/** Whether a call that failed for a reason may succeed with another credential. */
export const mayDependOnCredential = (reason: MissReason): boolean =>
  reason._tag === "HttpFailed" ? [401, 403, 404].includes(reason.status) : depends[reason._tag]

/**
 * Which of two failures is told: the login's, with which it would have worked last; without a login, or with one that is
 * over, what is wrong with the environment's token.
 */
export const moreTelling = (environment: MissReason, login: MissReason): MissReason =>
  login._tag === "NotLoggedIn" || login._tag === "NotAuthenticated" ? environment : login

/**
 * Calls flyctl, with the environment's token if it may see that; what may depend on it is tried with the login, once.
 */
export const withEither = <A>(
  call: FlyCallOptions,
  run: (call: FlyCallOptions) => Effect.Effect<A, MissReason>
): Effect.Effect<A, MissReason> =>
  call.environmentToken
    ? Effect.catchIf(
      run(call),
      mayDependOnCredential,
      (first) => Effect.mapError(run({ ...call, environmentToken: false }), (second) => moreTelling(first, second))
    )
    : run(call)
