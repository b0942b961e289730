/** What the source `cli` would do for an app now, without doing it: no mint, and no lease. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Background from "../concurrency/Background.ts"
import type { MintSettings } from "../policy/MintPolicy.ts"
import * as OrgRecord from "../policy/OrgRecord.ts"
import * as Usability from "../policy/Usability.ts"
import type { ConfigFile } from "../services/ConfigFile.ts"
import { type Environment, tokenOf } from "../services/Environment.ts"
import type { FlyCallOptions, FlyCli } from "../services/FlyCli.ts"
import { MintRefused, type MissReason, NotLoggedIn } from "../services/MissReason.ts"
import type { Candidate, TokenRequest } from "../services/TokenSource.ts"
import type { FlyToken } from "../token/FlyToken.ts"
import { mintLimits } from "../token/Grants.ts"
import * as AppOrganizations from "./AppOrganizations.ts"
import type { CliGate } from "./CliGate.ts"
import type { Credentials } from "./Credentials.ts"
import * as EitherCredential from "./EitherCredential.ts"
import * as Holdings from "./Holdings.ts"
import type { MintPauses } from "./MintPauses.ts"
import type { MintRecords } from "./MintRecords.ts"

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

/** With one of these a mint fails as the question did. */
const fatal = new Set<MissReason["_tag"]>([
  "Disabled",
  "BinaryNotFound",
  "NotExecutable",
  "NotFlyctl",
  "NotLoggedIn",
  "NotAuthenticated",
  "Unreachable",
  "HomeUnusable"
])

/** Whether Fly said that there is no such app or organization for this login. */
export const isAbsence = ({ _tag }: MissReason): boolean => _tag === "AppUnknown" || _tag === "OrgUnknown"

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
export const mintRefusal = (
  environmentToken: FlyToken | undefined,
  login: Result.Result<FlyToken, MissReason>
): MissReason | undefined => {
  if (environmentToken !== undefined && mintLimits(environmentToken).length === 0) return undefined
  if (Result.isSuccess(login)) return mintLimits(login.success).length === 0 ? undefined : new MintRefused()
  // Without a token flyctl's answer is what counts; with a limited one its answer was about that one.
  return environmentToken !== undefined && login.failure._tag === "NotFound"
    ? EitherCredential.moreTelling(new MintRefused(), new NotLoggedIn())
    : undefined
}

const miss = (reason: MissReason, organization?: Organization, candidate?: Candidate): Answer => ({
  _tag: "Miss",
  reason,
  candidate,
  organization
})

export const make = (options: {
  readonly cli: FlyCli["Service"]
  readonly environment: Environment["Service"]
  readonly configFile: ConfigFile["Service"]
  readonly settings: MintSettings
  readonly background: Background.Background
  readonly gate: CliGate
  readonly records: Pick<MintRecords, "read">
  readonly pauses: MintPauses
  readonly credentials: Credentials
  readonly isRejected: Usability.Demands["isRejected"]
  readonly callOf: (request: TokenRequest) => FlyCallOptions
}): (request: TokenRequest) => Effect.Effect<Answer> => {
  const { background, cli, configFile, credentials, environment, gate, pauses, records, settings } = options
  const isForApp = settings.mintFor === "app"
  // A mint for the app does not look at the option `org`; whether flyctl sees the app is worth knowing.
  const configured = isForApp ? () => undefined : settings.org
  const organizations = AppOrganizations.make({
    cli,
    gate,
    fork: background.fork,
    configured: () => undefined,
    cliConcurrency: settings.cliConcurrency
  })

  /** What another process minted, or why nothing is minted now because that was of no use. */
  const minted = Effect.fnUntraced(
    function*(org: string, by: FlyCallOptions, { before, key: { app } }: TokenRequest): Effect.fn.Return<
      Answer | undefined
    > {
      if (!settings.readsStore) return undefined
      const asker = OrgRecord.isByLogin(org) ? { by, login: yield* credentials(by) } : undefined
      const holding = Holdings.holdingOf(isForApp ? { app } : { org }, asker)
      const candidate = yield* records.read(holding, before)
      // An app's own is what the source storage has.
      if (candidate !== undefined && !isForApp) {
        const now = yield* Clock.currentTimeMillis
        const { isRejected } = options
        const judged = Usability.judge(candidate, {
          now,
          ttlMillis: settings.ttlMillis,
          livesPast: undefined,
          isRejected
        })
        if ("expiresAt" in judged) return { _tag: "Usable", ...judged }
      }
      const reason = yield* pauses.reason(holding.label, credentials(by))
      return reason === undefined ? undefined : miss(reason, undefined, candidate)
    }
  )

  /** The organization, by flyctl's word as far as it can be had, and with which credential it is called so. */
  const organization = Effect.fnUntraced(function*(
    call: FlyCallOptions,
    { key: { app } }: TokenRequest
  ): Effect.fn.Return<readonly [Organization, FlyCallOptions], MissReason> {
    const slug = yield* Effect.sync(() => configured(app))
    if (slug === undefined) {
      const { by, slug } = yield* organizations.of(app, call)
      return [{ _tag: "Confirmed", slug }, by]
    }
    const asked = yield* Effect.result(organizations.of(app, call))
    if (Result.isSuccess(asked)) return [organizationOf(app, slug, new Map([[app, asked.success.slug]])), call]
    if (!isAbsence(asked.failure)) return [{ _tag: "Unchecked", slug, reason: asked.failure }, call]
    // Only the list, which takes the whole account, shows whether it is the app that is not there or the organization.
    const apps = yield* Effect.result(gate(() => cli.listApps(call)))
    return Result.isSuccess(apps)
      ? [organizationOf(app, slug, apps.success), call]
      : [{ _tag: "Unchecked", slug, reason: apps.failure }, call]
  })

  return Effect.fnUntraced(function*(request) {
    const call = options.callOf(request)
    const found = yield* Effect.result(
      Effect.flatMap(Effect.exit(organization(call, request)), Background.typed)
    )
    if (Result.isFailure(found)) return miss(found.failure)
    const [place, by] = found.success
    const left = yield* minted(place.slug, by, request)
    if (left !== undefined) return left
    const login = yield* Effect.result(
      Background.within(background, configFile.accessToken, {
        option: "configFileTimeout",
        millis: settings.configFileTimeoutMillis
      })
    )
    const given = call.environmentToken ? Option.getOrUndefined(tokenOf(environment)) : undefined
    const reason = place._tag === "Unchecked" && fatal.has(place.reason._tag)
      ? place.reason
      : mintRefusal(given, login)
    return reason === undefined
      ? { _tag: "WouldMint", mintFor: settings.mintFor, organization: place }
      : miss(reason, place)
  })
}
