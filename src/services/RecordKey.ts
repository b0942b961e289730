/** Where a record is kept: of which kind it is, and its name among those. */
import type { AppName } from "../token/AppName.ts"
import type { TokenKey } from "../token/TokenKey.ts"
import type { LeaseScope } from "./Lease.ts"
import type { StorageKey } from "./Storage.ts"

export interface RecordKey {
  readonly kind: StorageKey
  readonly name: string
}

/** The token that was minted for an app, or persisted for it. */
export const cached = ({ app }: TokenKey): RecordKey => ({ kind: "cached", name: app })

/** The token that a person set for an app. */
export const manual = (app: AppName): RecordKey => ({ kind: "manual", name: app })

/** What is minted under a lease. An app's own is the app's record, so that it is not kept twice. */
export const minted = (scope: LeaseScope): RecordKey =>
  "org" in scope ? { kind: "org", name: scope.org } : { kind: "cached", name: scope.app }

/** The key as a text, for maps. */
export const id = ({ kind, name }: RecordKey): string => `${kind}/${name}`
