/** What every source would answer now: the chain without an end at the first token, and without a mint. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Background from "../concurrency/Background.ts"
import * as AppOrganizations from "../minting/AppOrganizations.ts"
import * as CliGate from "../minting/CliGate.ts"
import * as Credentials from "../minting/Credentials.ts"
import * as EitherCredential from "../minting/EitherCredential.ts"
import * as Holdings from "../minting/Holdings.ts"
import * as MintPauses from "../minting/MintPauses.ts"
import * as MintRecords from "../minting/MintRecords.ts"
import * as OrgRecord from "../policy/OrgRecord.ts"
import * as CheckedStorage from "../records/CheckedStorage.ts"
import * as StoreGate from "../records/StoreGate.ts"
import * as StoreReads from "../records/StoreReads.ts"
import { ConfigFile } from "../services/ConfigFile.ts"
import { Environment, tokenOf } from "../services/Environment.ts"
import { type FlyCallOptions, FlyCli } from "../services/FlyCli.ts"
import { Disabled, MintRefused, type MissReason, NotLoggedIn } from "../services/MissReason.ts"
import type { SourceName } from "../services/SourceName.ts"
import { Storage } from "../services/Storage.ts"
import type { AppName } from "../token/AppName.ts"
import type { FlyToken } from "../token/FlyToken.ts"
import { mintLimits } from "../token/Grants.ts"
import * as Chain from "./Chain.ts"
import type { ResolverSettings } from "./Options.ts"
import * as Sources from "./Sources.ts"

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

/** What a source has. `token` of a miss is the token that cannot be used, if there is one. */
export type Answer =
  | { readonly _tag: "Usable"; readonly candidate: Chain.Candidate; readonly expiresAt: number }
  | {
    readonly _tag: "WouldMint"
    readonly mintFor: ResolverSettings["mintFor"]
    readonly organization: Organization
  }
  | {
    readonly _tag: "Miss"
    readonly reason: MissReason
    readonly candidate: Chain.Candidate | undefined
    readonly organization: Organization | undefined
  }

export interface Explained {
  readonly source: SourceName
  readonly answer: Answer
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
 * with it the login of the config file, as {@link MintedTokens} does it.
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

/**
 * Asks every source of the chain, in its order.
 *
 * **Details**
 *
 * Judged as a `get` of a process that just started judges. `cli` asks flyctl for the organization and looks for what
 * was minted for it; it never mints and takes no lease. Provide a storage that sets nothing aside to change nothing at
 * all.
 */
export const explain = Effect.fnUntraced(function*(app: AppName, settings: ResolverSettings) {
  const cli = yield* FlyCli
  const configFile = yield* ConfigFile
  const environment = yield* Environment
  const storage = CheckedStorage.make(yield* Storage)
  const background = yield* Background.make
  const demands: Chain.Demands = { ttlMillis: settings.ttlMillis, isRejected: () => false }
  const gate = CliGate.make(background, settings, () => {})
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
  const limitMillis = settings.storageTimeoutMillis
  const storeGate = StoreGate.make({ fork: background.fork, limitMillis })
  const read = StoreReads.make({ storage, gate: storeGate, limitMillis })
  const pauses = MintPauses.make(settings, () => 0)
  const records = MintRecords.make({
    read,
    readToWrite: read,
    writes: { put: () => Effect.succeed(false) },
    pauses,
    demands
  })
  const sources = Sources.make({
    environment,
    read,
    configFile,
    mintedTokens: { acquire: () => Effect.fail(new Disabled()) },
    background,
    settings,
    cache: { manual: new Map() },
    isRejected: demands.isRejected
  })
  const request: Chain.ChainRequest = {
    app,
    isRefresh: false,
    passedOver: undefined,
    dropped: new Set(),
    longerThan: undefined,
    place: undefined,
    storageTimedOut: false,
    environmentMissed: false
  }

  const credentials = Credentials.make({ environment, configFile, background, settings })

  /** Whether flyctl would be given the environment's token. */
  const callOf = () => ({ environmentToken: !request.environmentMissed && Option.isSome(tokenOf(environment)) })

  const asked = Effect.fnUntraced(function*(name: SourceName): Effect.fn.Return<Answer> {
    const source = sources[name]
    let candidate: Chain.Candidate | undefined
    const watched: Chain.Source = {
      name,
      ask: (request) =>
        Effect.tap(source.ask(request), (found) =>
          Effect.sync(() => {
            candidate = found
          }))
    }
    const judged = yield* Chain.ask(watched, request, demands)
    return "candidate" in judged
      ? { _tag: "Usable", ...judged }
      : { _tag: "Miss", reason: judged.reason, candidate, organization: undefined }
  })

  /** What another process minted, or why nothing is minted now because that was of no use. */
  const minted = Effect.fnUntraced(function*(org: string, by: FlyCallOptions): Effect.fn.Return<Answer | undefined> {
    if (!settings.chain.includes("storage")) return undefined
    const asker = OrgRecord.isByLogin(org) ? { by, login: yield* credentials(by) } : undefined
    const holding = Holdings.holdingOf(isForApp ? { app } : { org }, asker)
    const candidate = yield* records.read(holding, request)
    // An app's own is what the source storage has.
    if (candidate !== undefined && !isForApp) {
      const judged = Chain.judge(candidate, yield* Clock.currentTimeMillis, undefined, demands)
      if ("candidate" in judged) return { _tag: "Usable", ...judged }
    }
    const reason = yield* pauses.reason(holding.label, credentials(by))
    return reason === undefined ? undefined : { _tag: "Miss", reason, candidate, organization: undefined }
  })

  /** The organization, by flyctl's word as far as it can be had, and with which credential it is called so. */
  const organization = Effect.fnUntraced(function*(
    call: FlyCallOptions
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

  const askedCli = Effect.fnUntraced(function*(): Effect.fn.Return<Answer> {
    const found = yield* Effect.result(Effect.flatMap(Effect.exit(organization(callOf())), Background.typed))
    if (Result.isFailure(found)) {
      return { _tag: "Miss", reason: found.failure, candidate: undefined, organization: undefined }
    }
    const [place, by] = found.success
    const had = yield* minted(place.slug, by)
    if (had !== undefined) return had
    const environmentToken = request.environmentMissed ? Option.none() : tokenOf(environment)
    const login = yield* Effect.result(
      Background.within(background, configFile.accessToken, {
        option: "configFileTimeout",
        millis: settings.configFileTimeoutMillis
      })
    )
    const reason = place._tag === "Unchecked" && fatal.has(place.reason._tag)
      ? place.reason
      : mintRefusal(Option.getOrUndefined(environmentToken), login)
    return reason === undefined
      ? { _tag: "WouldMint", mintFor: settings.mintFor, organization: place }
      : { _tag: "Miss", reason, candidate: undefined, organization: place }
  })

  const explained: Array<Explained> = []
  for (const source of settings.chain) {
    explained.push({ source, answer: yield* source === "cli" ? askedCli() : asked(source) })
  }
  return explained
}, Effect.scoped)
