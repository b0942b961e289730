/** What happened to tokens, for dashboards and logs. Times are epoch milliseconds; no event holds a token. */
import type { AppName } from "../token/AppName.ts"
import type { LeaseError } from "./Lease.ts"
import type { SourceName } from "./SourceName.ts"
import type { NoTokenAvailable, PersistFailed } from "./TokenError.ts"

/**
 * An event.
 *
 * **Details**
 *
 * - `Acquired`: an app that had no token has one; `Refreshed`: it has another one than before.
 * - `RefreshFailed`: a refresh found nothing better. `nextTryAt` is `null` if there will be no further try without a
 *   caller; the old token serves until `expiresAt`, `null` if there is none any more.
 * - `Rejected`: a caller reported that Fly refused this token. `Invalidated`: the app's cached token was dropped.
 * - `PersistFailed`: the store did not take a write. `name` is the app or the organization.
 * - `LeaseUnavailable`: a token is minted without the lease of its organization or app, which is `name`, so other
 *   processes may mint one too.
 * - `ManualSet`, `ManualRemoved`: the app's manual token in the store.
 * - `Evicted`: the app's resolver was released for being idle; its token stays cached.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type TokenEvent =
  | {
    readonly _tag: "Acquired"
    readonly app: AppName
    readonly at: number
    readonly source: SourceName
    readonly fingerprint: string
    readonly expiresAt: number | null
  }
  | {
    readonly _tag: "Refreshed"
    /** The fingerprint of the token before. */
    readonly replaced: string
    readonly app: AppName
    readonly at: number
    readonly source: SourceName
    readonly fingerprint: string
    readonly expiresAt: number | null
  }
  | {
    readonly _tag: "RefreshFailed"
    readonly app: AppName
    readonly at: number
    readonly error: NoTokenAvailable
    readonly nextTryAt: number | null
    readonly expiresAt: number | null
  }
  | { readonly _tag: "Rejected"; readonly app: AppName; readonly at: number; readonly fingerprint: string }
  | { readonly _tag: "Invalidated"; readonly app: AppName; readonly at: number }
  | {
    readonly _tag: "PersistFailed"
    readonly name: string
    readonly at: number
    readonly reason: PersistFailed["reason"]
  }
  | { readonly _tag: "LeaseUnavailable"; readonly name: string; readonly at: number; readonly error: LeaseError }
  | { readonly _tag: "ManualSet"; readonly app: AppName; readonly at: number; readonly fingerprint: string }
  | { readonly _tag: "ManualRemoved"; readonly app: AppName; readonly at: number }
  | { readonly _tag: "Evicted"; readonly app: AppName; readonly at: number }
