/**
 * Whom a token is minted for, and where it is kept.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as OrgRecord from "../../policy/OrgRecord.ts"
import type { CallOptions } from "../../services/FlyCli.ts"
import { labelOf, type LeaseScope } from "../../services/Lease.ts"
import type { MissReason } from "../../services/MissReason.ts"
import type { StorageKey } from "../../services/Storage.ts"
import type { AppName } from "../../token/AppName.ts"
import type { ResolverSettings } from "../FlyTokensOptions.ts"
import type { AppOrganizations } from "./AppOrganizations.ts"
import type { Credentials } from "./Credentials.ts"
import * as MintPauses from "./MintPauses.ts"

/**
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface Holding {
  /** Whom flyctl mints for. */
  readonly owner: { readonly org: string } | { readonly app: AppName }
  /** What the lease and the record are about; `undefined` if the token is kept in memory only. */
  readonly scope: LeaseScope | undefined
  readonly label: string
  /** Whose it is, if that tells organizations apart. */
  readonly login: string | undefined
}

/**
 * The holding of an owner; `login` names who asks, where that tells organizations apart.
 *
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const holdingOf = (owner: Holding["owner"], login: string | undefined): Holding => {
  const name = "app" in owner ? owner.app : OrgRecord.nameOf(owner.org, login)
  const scope = name === undefined ? undefined : "app" in owner ? owner : { org: name }
  return { owner, scope, label: labelOf(scope ?? owner), login }
}

/**
 * Where a token is stored. An app's is the app's record, so that it is not kept twice.
 *
 * @category conversions
 * @since 0.1.0
 * @stability stable
 */
export const keyOf = (scope: LeaseScope): StorageKey => "org" in scope ? "org" : "cached"

/**
 * Finds the holding that an app has a share in.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type Holdings = (app: AppName, call: CallOptions) => Effect.Effect<Holding, MissReason>

/**
 * The label of the question which organization an app is in.
 *
 * @category conversions
 * @since 0.1.0
 * @stability stable
 */
export const lookupLabel = (app: AppName): string => `lookup/${app}`

/**
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const make = (options: {
  readonly settings: Pick<ResolverSettings, "mintFor">
  readonly organizations: Pick<AppOrganizations, "of">
  readonly credentials: Credentials
  readonly pauses: MintPauses.MintPauses
  readonly fork: (effect: Effect.Effect<void>) => unknown
}): Holdings => {
  const { credentials, organizations, pauses, settings } = options

  /** The organization's slug. A question that hung is not asked again at once, as little as a mint is. */
  const organizationOf: (app: AppName, call: CallOptions) => Effect.Effect<string, MissReason> = Effect.fnUntraced(
    function*(app, call) {
      const label = lookupLabel(app)
      const reason = yield* pauses.reason(label, credentials(call))
      if (reason !== undefined) return yield* Effect.fail(reason)
      const slug = yield* Effect.result(organizations.of(app, call))
      // Only one that hung is put off: others cost nothing that lasts.
      if (Result.isSuccess(slug) || slug.failure._tag !== "TimedOut") pauses.end(label)
      else {
        pauses.failed(label, { reason: slug.failure, at: yield* Clock.currentTimeMillis })
        options.fork(MintPauses.identifying(pauses, label, credentials(call)))
      }
      return yield* Effect.fromResult(slug)
    }
  )

  return Effect.fnUntraced(function*(app, call) {
    if (settings.mintFor === "app") return holdingOf({ app }, undefined)
    const org = yield* organizationOf(app, call)
    return holdingOf({ org }, OrgRecord.isByLogin(org) ? yield* credentials(call) : undefined)
  })
}
