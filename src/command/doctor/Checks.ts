/** The checks of `doctor`. Each has its own limit of time, and one that dies does not end the others. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Flyctl from "../../layers/fly/Flyctl.ts"
import * as FlyLogin from "../../layers/fly/FlyLogin.ts"
import { organizationOf } from "../../minting/MintExplanation.ts"
import { isAbsence } from "../../policy/CliReasons.ts"
import { type ResolverSettings, settingsOf } from "../../policy/Options.ts"
import { Environment } from "../../services/Environment.ts"
import { type FlyCallOptions, FlyCli } from "../../services/FlyCli.ts"
import { AppUnknown } from "../../services/MissReason.ts"
import type { AppName } from "../../token/AppName.ts"
import { FlyToken } from "../../token/FlyToken.ts"
import { mintLimits, notBefore } from "../../token/Grants.ts"
import { configuredSettings } from "../ConfiguredSettings.ts"
import type * as StoredRecords from "../StoredRecords.ts"
import * as UnknownVariables from "../UnknownVariables.ts"
import * as Facts from "./Facts.ts"
import { because, type Finding, finding, orOk, severity } from "./Finding.ts"
import * as FlyctlFindings from "./FlyctlFindings.ts"
import * as ServerTime from "./ServerTime.ts"
import * as StoreFindings from "./StoreFindings.ts"
import * as TokenFindings from "./TokenFindings.ts"

/** A check and what it found, at least one finding. */
export interface Check {
  readonly name: string
  readonly findings: ReadonlyArray<Finding>
}

/** The options, those that are wrong by their defaults. */
const options = Effect.gen(function*() {
  const mend = "correct or unset the variable"
  const configured = yield* Effect.result(configuredSettings)
  const unknown = (yield* UnknownVariables.found).map((sentence) => finding("warning", `${sentence}: ignored`, mend))
  return Result.isSuccess(configured)
    ? { settings: configured.success, findings: orOk(unknown, "all FLY_TOKENS_* are valid") }
    : {
      settings: yield* Effect.orDie(settingsOf({})),
      findings: [finding("problem", configured.failure.message, mend), ...unknown]
    }
})

const organization = Effect.fnUntraced(function*(
  app: AppName | undefined,
  settings: ResolverSettings,
  call: FlyCallOptions,
  needed: boolean
) {
  const cli = yield* FlyCli
  const level = severity(needed)
  const org = settings.org(app ?? ("" as AppName))
  // One app costs two requests, the list the whole account.
  const asked = app === undefined ? undefined : yield* Effect.result(cli.orgOf(app, call))
  const missed = asked?._tag === "Failure" ? asked.failure : undefined
  if (missed !== undefined && org === undefined && isAbsence(missed)) return [because(level, missed)]
  const apps = app !== undefined && asked?._tag === "Success"
    ? Result.succeed(new Map([[app as string, asked.success]]))
    : yield* Effect.result(cli.listApps(call))
  if (Result.isFailure(apps)) {
    const reason = missed ?? apps.failure
    return [finding(level, `flyctl: ${reason.message}`, reason.hint)]
  }
  if (org !== undefined) {
    const found = organizationOf(app ?? "", org, apps.success)
    return orOk(FlyctlFindings.organization(found, app, needed), `${org}, by FLY_TOKENS_ORG`)
  }
  if (app === undefined) {
    const orgs = new Set(apps.success.values())
    return [finding("ok", `flyctl sees ${apps.success.size} apps in ${orgs.size} organizations`)]
  }
  const listed = apps.success.get(app)
  return [
    listed === undefined
      ? because(level, missed ?? new AppUnknown({ app: app }))
      : FlyctlFindings.named(app, listed, needed)
  ]
})

const momentsOf = ({ key, name, stored }: StoredRecords.StoredRecord): ReadonlyArray<ServerTime.PastMoment> =>
  Result.isFailure(stored) ? [] : [
    [`the ${key} record of ${name} was stored`, stored.success.savedAt],
    [`the ${key} token of ${name} begins to be valid`, notBefore(FlyToken.make(stored.success.token))]
  ]

const skipped = (why: string) => finding("skipped", why)

export const run = Effect.fnUntraced(function*(app: AppName | undefined, offline: boolean) {
  const environment = yield* Environment
  const now = yield* Clock.currentTimeMillis
  const { findings, settings } = yield* options

  const variable = TokenFindings.variableOf(environment)
  const environmentToken = variable !== undefined && TokenFindings.defectOf(variable.token, now) === undefined
  const asksCli = settings.chain.includes("cli")
  /** Whether there is no token but from flyctl. */
  const needed = asksCli && !(environmentToken && settings.chain.includes("env"))

  const { directory, inspected, listed, login, places, server } = yield* Effect.all({
    inspected: Facts.find(Effect.flatMap(Facts.binary, Flyctl.inspect)),
    login: Facts.find(FlyLogin.read),
    directory: Facts.find(StoreFindings.directory),
    listed: Facts.find(StoreFindings.list),
    server: offline ? Effect.undefined : Facts.find(ServerTime.ask),
    places: offline || !asksCli ? Effect.undefined : Facts.find(
      organization(app, settings, { environmentToken }, needed),
      // `status`, and `apps list` for an app that it does not tell of.
      Duration.millis(2 * settings.cliTimeoutMillis)
    )
  }, { concurrency: "unbounded" })

  const byLogin = (login: FlyLogin.FlyLogin) => {
    if (environmentToken && mintLimits(variable.token).length === 0) {
      return finding("ok", `flyctl uses the token of ${variable.name}, whatever its login is`)
    }
    const days = Math.max(0, Math.floor((now - (login.lastLogin ?? now)) / 86_400_000))
    return orOk(TokenFindings.login(login, now, needed), `last login ${days} days ago`)
  }
  const noFlyctl = Result.isSuccess(inspected) && inspected.success.used._tag === "Missing"
  const noStore = Result.isSuccess(directory) && directory.success.level === "problem"
  const future = ServerTime.fromTheFuture([
    ["flyctl's last login was", Result.isSuccess(login) ? login.success.lastLogin : null],
    [`the token of ${variable?.name} begins to be valid`, variable === undefined ? null : notBefore(variable.token)],
    [
      "flyctl's token begins to be valid",
      Result.match(Result.flatMap(login, ({ token }) => token), { onFailure: () => null, onSuccess: notBefore })
    ],
    ...(Result.isSuccess(listed) ? listed.success.flatMap(momentsOf) : [])
  ], now)
  const notAsked = skipped("not checked, by --offline")
  const unused = skipped("the option `chain` leaves flyctl out")
  const time = server === undefined ? [notAsked] : Facts.show(server, ServerTime.clock)

  const checks = {
    options: findings,
    environment: TokenFindings.environment(environment, now, app),
    binary: asksCli ? Facts.show(inspected, (each) => FlyctlFindings.binary(each, needed)) : [unused],
    version: asksCli ? Facts.show(inspected, (each) => FlyctlFindings.version(each, needed)) : [unused],
    "config file": Facts.show(login, (each) => TokenFindings.config(each, now)),
    login: asksCli ? Facts.show(login, byLogin) : [unused],
    organization: !asksCli
      ? [unused]
      : noFlyctl
      ? [skipped("there is no flyctl to ask")]
      : places === undefined
      ? [notAsked]
      : Facts.show(places, (findings) => findings),
    "Fly's API": server === undefined ? [notAsked] : Facts.show(server, ServerTime.api),
    store: Facts.show(directory, (finding) => finding),
    records: noStore
      ? [skipped("the store cannot be used")]
      : Facts.show(listed, (each) => StoreFindings.records(each, now)),
    clock: time.some(({ level }) => level === "problem") ? time : [...future, ...time]
  }
  return Object.entries(checks).map(([name, findings]): Check => ({ name, findings }))
})
