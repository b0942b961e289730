/** Whom a token is minted for, and where it is kept. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Background } from "../concurrency/Background.ts"
import type { MintSettings } from "../policy/MintPolicy.ts"
import * as OrgRecord from "../policy/OrgRecord.ts"
import type { FlyCallOptions } from "../services/FlyCli.ts"
import { labelOf, type LeaseScope } from "../services/Lease.ts"
import type { MissReason } from "../services/MissReason.ts"
import type { AppName } from "../token/AppName.ts"
import type { AppOrganizations, Named } from "./AppOrganizations.ts"
import type { Credentials } from "./Credentials.ts"
import * as MintPauses from "./MintPauses.ts"

export interface Holding {
  /** Whom flyctl mints for. */
  readonly owner: { readonly org: string } | { readonly app: AppName }
  /** What the lease and the record are about; `undefined` if the token is kept in memory only. */
  readonly scope: LeaseScope | undefined
  readonly label: string
  /** Whose it is, if that tells organizations apart; else undefined. */
  readonly asker: Asker | undefined
}

/** Who asks, by the only credential that means this organization, and a digest of that one, if it can be told. */
export interface Asker {
  readonly by: FlyCallOptions
  readonly login: string | undefined
}

/** The holding of an owner, and of who asks, where that tells organizations apart. */
export const holdingOf = (owner: Holding["owner"], asker?: Asker): Holding => {
  const name = "app" in owner ? owner.app : OrgRecord.nameOf(owner.org, asker?.login)
  const scope = name === undefined ? undefined : "app" in owner ? owner : { org: name }
  const credential = asker?.by.environmentToken === true ? "token" : "login"
  return { owner, scope, label: scope === undefined ? `${labelOf(owner)}/${credential}` : labelOf(scope), asker }
}

/** Finds the holding that an app has a share in. */
export type Holdings = (app: AppName, call: FlyCallOptions) => Effect.Effect<Holding, MissReason>

/** The label of the question which organization an app is in. */
export const lookupLabel = (app: AppName): string => `lookup/${app}`

export const make = (options: {
  readonly settings: Pick<MintSettings, "mintFor">
  readonly organizations: Pick<AppOrganizations, "of" | "isKnown">
  readonly credentials: Credentials
  readonly pauses: MintPauses.MintPauses
  readonly fork: Background["fork"]
}): Holdings => {
  const { credentials, fork, organizations, pauses, settings } = options

  /** A question that hung is not asked again at once, as little as a mint is. */
  const ask: (app: AppName, call: FlyCallOptions) => Effect.Effect<Named, MissReason> = Effect.fnUntraced(
    function*(app, call) {
      const label = lookupLabel(app)
      const reason = yield* pauses.reason(label, credentials(call))
      if (reason !== undefined) return yield* Effect.fail(reason)
      const named = yield* Effect.result(organizations.of(app, call))
      // Only one that hung is put off: others cost nothing that lasts.
      if (Result.isSuccess(named) || named.failure._tag !== "TimedOut") pauses.end(label)
      else {
        pauses.failed(label, { reason: named.failure, at: yield* Clock.currentTimeMillis })
        // Not before, as for a mint: there are as many questions as apps, and each would read the file.
        fork(MintPauses.identifying(pauses, label, credentials(call)))
      }
      return yield* Effect.fromResult(named)
    }
  )

  return Effect.fnUntraced(function*(app, call) {
    if (settings.mintFor === "app") return holdingOf({ app })
    const { by, slug } = yield* organizations.isKnown(app) ? organizations.of(app, call) : ask(app, call)
    return holdingOf({ org: slug }, OrgRecord.isByLogin(slug) ? { by, login: yield* credentials(by) } : undefined)
  })
}
