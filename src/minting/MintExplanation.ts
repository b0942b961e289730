/** What the source `cli` would do for an app now, without doing it: no mint, and no lease. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Background from "../concurrency/Background.ts"
import * as CliReasons from "../policy/CliReasons.ts"
import type { MintSettings } from "../policy/MintPolicy.ts"
import * as Usability from "../policy/Usability.ts"
import type { FlyCallOptions } from "../services/FlyCli.ts"
import { MintRefused, type MissReason, NotLoggedIn } from "../services/MissReason.ts"
import type { Candidate, TokenRequest } from "../services/TokenSource.ts"
import type { AppName } from "../token/AppName.ts"
import { mintLimits } from "../token/Grants.ts"
import type * as CliCalls from "./CliCalls.ts"
import type { MintPauses } from "./MintPauses.ts"
import type { MintRecords } from "./MintRecords.ts"
import type * as Targets from "./Targets.ts"

/** What is known of the organization that a mint would be for. */
export type Organization =
  /** flyctl says that the app is in it. */
  | { readonly _tag: "Confirmed"; readonly slug: string }
  /** The option `org` says so, and flyctl says that the app is in another one. */
  | { readonly _tag: "Contradicted"; readonly slug: string; readonly actual: string }
  /** The option `org` says so, and flyctl sees apps of it, not this one. */
  | { readonly _tag: "AppUnseen"; readonly slug: string }
  /** The option `org` says so, and flyctl sees no app of it. */
  | { readonly _tag: "Unseen"; readonly slug: string }
  /** The option `org` says so; whether it is right was not to be learned. */
  | { readonly _tag: "Unchecked"; readonly slug: string; readonly reason: MissReason }

/** What a source has, or would do. `candidate` of a miss is the token that cannot be used, if there is one. */
export type Answer =
  | { readonly _tag: "Usable"; readonly candidate: Candidate; readonly expiresAt: number }
  | {
    readonly _tag: "WouldMint"
    readonly mintFor: MintSettings["mintFor"]
    readonly organization: Organization
  }
  | {
    readonly _tag: "Miss"
    readonly reason: MissReason
    readonly candidate: Candidate | undefined
    readonly organization: Organization | undefined
  }

/** Whether what flyctl lists agrees with the option `org`. */
export const organizationOf = (app: string, slug: string, apps: ReadonlyMap<string, string>): Organization => {
  const actual = apps.get(app)
  if (actual === slug) return { _tag: "Confirmed", slug }
  if (actual !== undefined) return { _tag: "Contradicted", slug, actual }
  return [...apps.values()].includes(slug) ? { _tag: "AppUnseen", slug } : { _tag: "Unseen", slug }
}

/**
 * Why the tokens that flyctl would mint with may not mint, or `undefined` if one may: first the environment's, refused
 * with it the login of the config file, as a mint does it.
 */
const mintRefusal = ({ given, login }: CliCalls.Credentials): MissReason | undefined => {
  if (given !== undefined && mintLimits(given).length === 0) return undefined
  if (Result.isSuccess(login)) return mintLimits(login.success).length === 0 ? undefined : new MintRefused()
  // Without a token flyctl's answer is what counts; with a limited one its answer was about that one.
  return given !== undefined && login.failure._tag === "NotFound"
    ? CliReasons.moreTelling(new MintRefused(), new NotLoggedIn())
    : undefined
}

interface Options {
  readonly cli: CliCalls.CliCalls
  readonly targets: Pick<Targets.Targets, "in" | "told">
  readonly records: Pick<MintRecords, "read">
  readonly pauses: MintPauses
  readonly settings: MintSettings
  readonly isRejected: Usability.Demands["isRejected"]
}

const miss = (reason: MissReason, organization?: Organization, candidate?: Candidate): Answer => ({
  _tag: "Miss",
  reason,
  candidate,
  organization
})

/** What another process minted, or why nothing is minted now because that was of no use. */
const minted = Effect.fnUntraced(function*(
  { cli, isRejected, pauses, records, settings, targets }: Options,
  named: Targets.Named,
  { key: { app }, misses }: TokenRequest
): Effect.fn.Return<Answer | undefined> {
  if (!settings.readsStore) return undefined
  const target = yield* targets.in(app, named)
  const candidate = yield* records.read(target, misses)
  // An app's own is what the source storage has.
  if (candidate !== undefined && settings.mintFor !== "app") {
    const now = yield* Clock.currentTimeMillis
    const judged = Usability.judge(candidate, { now, ttlMillis: settings.ttlMillis, livesPast: undefined, isRejected })
    if ("expiresAt" in judged) return { _tag: "Usable", ...judged }
  }
  const reason = yield* pauses.reason(target.label, cli.login(named.by))
  return reason === undefined ? undefined : miss(reason, undefined, candidate)
})

/** The organization, by flyctl's word as far as it can be had, and with which credential it is called so. */
const organization = Effect.fnUntraced(function*(
  { cli, settings, targets }: Options,
  call: FlyCallOptions,
  app: AppName
): Effect.fn.Return<readonly [Organization, FlyCallOptions], MissReason> {
  // A mint for the app does not look at the option `org`; whether flyctl sees the app is worth knowing.
  const slug = settings.mintFor === "app" ? undefined : settings.org(app)
  if (slug === undefined) {
    const { by, slug } = yield* targets.told(app, call)
    return [{ _tag: "Confirmed", slug }, by]
  }
  const asked = yield* Effect.result(targets.told(app, call))
  if (Result.isSuccess(asked)) return [organizationOf(app, slug, new Map([[app, asked.success.slug]])), call]
  if (!CliReasons.isAbsence(asked.failure)) return [{ _tag: "Unchecked", slug, reason: asked.failure }, call]
  // Only the list, which takes the whole account, shows whether it is the app that is not there or the organization.
  const apps = yield* Effect.result(cli.listApps(call))
  return Result.isSuccess(apps)
    ? [organizationOf(app, slug, apps.success), call]
    : [{ _tag: "Unchecked", slug, reason: apps.failure }, call]
})

export const make = (options: Options): (request: TokenRequest) => Effect.Effect<Answer> => {
  const { cli, settings } = options
  return Effect.fnUntraced(function*(request) {
    const call = cli.optionsFor(request)
    const found = yield* Effect.result(
      Effect.flatMap(Effect.exit(organization(options, call, request.key.app)), Background.typed)
    )
    if (Result.isFailure(found)) return miss(found.failure)
    const [place, by] = found.success
    const left = yield* minted(options, { slug: place.slug, by }, request)
    if (left !== undefined) return left
    const reason = place._tag === "Unchecked" && CliReasons.isFatal(place.reason)
      ? place.reason
      : mintRefusal(yield* cli.credentials(call))
    return reason === undefined
      ? { _tag: "WouldMint", mintFor: settings.mintFor, organization: place }
      : miss(reason, place)
  })
}
