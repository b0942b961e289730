/** The checks of `doctor`. Each has its own limit of time, and one that dies does not end the others. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Flyctl from "../../layers/fly/Flyctl.ts"
import * as FlyLogin from "../../layers/fly/FlyLogin.ts"
import * as Usability from "../../policy/Usability.ts"
import { isAbsence, organizationOf } from "../../resolver/Explanation.ts"
import { config, settingsOf } from "../../resolver/Options.ts"
import { Environment } from "../../services/Environment.ts"
import { FlyCli } from "../../services/FlyCli.ts"
import { AppUnknown, fromDefect } from "../../services/MissReason.ts"
import type { AppName } from "../../token/AppName.ts"
import { FlyToken } from "../../token/FlyToken.ts"
import { mintLimits, notBefore } from "../../token/Grants.ts"
import * as UnknownVariables from "../UnknownVariables.ts"
import * as ApiFindings from "./ApiFindings.ts"
import * as BinaryFindings from "./BinaryFindings.ts"
import * as ClockFindings from "./ClockFindings.ts"
import * as ConfigFindings from "./ConfigFindings.ts"
import * as EnvironmentFindings from "./EnvironmentFindings.ts"
import { type Finding, finding, orOk, severity } from "./Finding.ts"
import * as LoginFindings from "./LoginFindings.ts"
import * as OrganizationFindings from "./OrganizationFindings.ts"
import * as ServerTime from "./ServerTime.ts"
import * as Services from "./Services.ts"
import * as StoreFindings from "./StoreFindings.ts"

/** A check and what it found, at least one finding. */
export interface Check {
  readonly name: string
  readonly findings: ReadonlyArray<Finding>
}

/** What reads files or asks a binary for its version. */
const localLimit = Duration.seconds(12)

const died = "a bug in this check, or a file of a kind that nobody expects; the other checks are not touched by it"

/** Runs a check that may take long, die, or never end. */
const guarded = <A, R>(
  effect: Effect.Effect<A, never, R>,
  limit: Duration.Duration
): Effect.Effect<Result.Result<A, Finding>, never, R> =>
  effect.pipe(
    Effect.timeoutOption(limit),
    Effect.map(Option.match({
      onNone: () => Result.fail(finding("problem", `no answer within ${Duration.toSeconds(limit)} s`, "try again")),
      onSome: (value) => Result.succeed(value)
    })),
    Effect.catchDefect((defect) => Effect.succeed(Result.fail(finding("problem", fromDefect(defect).message, died))))
  )

const check = (name: string, found: Result.Result<ReadonlyArray<Finding>, Finding>): Check => ({
  name,
  findings: Result.isSuccess(found) ? found.success : [found.failure]
})

const mend = "correct or unset the variable"

const options = Effect.gen(function*() {
  const configured = yield* Effect.result(Effect.flatMap(config(), settingsOf))
  const unknown = (yield* UnknownVariables.found).map((sentence) => finding("warning", `${sentence}: ignored`, mend))
  if (Result.isSuccess(configured)) {
    return { settings: configured.success, findings: orOk(unknown, () => "all FLY_TOKENS_* are valid") }
  }
  // The other checks go on with the defaults.
  return {
    settings: yield* Effect.orDie(settingsOf({})),
    findings: [finding("problem", configured.failure.message, mend), ...unknown]
  }
})

const organization = Effect.fnUntraced(function*(
  app: AppName | undefined,
  org: string | undefined,
  call: { readonly environmentToken: boolean; readonly needed: boolean }
) {
  const cli = yield* FlyCli
  const level = severity(call.needed)
  // One app costs two requests, the list the whole account.
  const asked = app === undefined ? undefined : yield* Effect.result(cli.orgOf(app, call))
  const missed = asked?._tag === "Failure" ? asked.failure : undefined
  if (missed !== undefined && org === undefined && isAbsence(missed)) {
    return [finding(level, missed.message, missed.hint)]
  }
  const apps = app !== undefined && asked?._tag === "Success"
    ? Result.succeed(new Map([[app as string, asked.success]]))
    : yield* Effect.result(cli.listApps(call))
  if (Result.isFailure(apps)) {
    const reason = missed ?? apps.failure
    return [finding(level, `flyctl: ${reason.message}`, reason.hint)]
  }
  if (org !== undefined) {
    const standing = organizationOf(app ?? "", org, apps.success)
    return orOk(OrganizationFindings.organization(standing, app, call.needed), () => `${org}, by FLY_TOKENS_ORG`)
  }
  if (app === undefined) {
    const orgs = new Set(apps.success.values())
    return [finding("ok", `flyctl sees ${apps.success.size} apps in ${orgs.size} organizations`)]
  }
  const listed = apps.success.get(app)
  if (listed !== undefined) return [OrganizationFindings.named(app, listed, call.needed)]
  const reason = missed ?? new AppUnknown({ name: app })
  return [finding(level, reason.message, reason.hint)]
})

/** Runs all checks. */
export const run = Effect.fnUntraced(function*(request: {
  readonly app: AppName | undefined
  readonly offline: boolean
}) {
  const { app, offline } = request
  const environment = yield* Environment
  const now = yield* Clock.currentTimeMillis
  const { findings: optionFindings, settings } = yield* options
  const cliLimit = Duration.millis(settings.cliTimeoutMillis)

  const variable = EnvironmentFindings.variableOf(environment)
  const environmentUsable = variable !== undefined &&
    Usability.defectOf(variable.token, variable.token.expiresAt ?? Number.POSITIVE_INFINITY, now) === undefined
  const asksCli = settings.chain.includes("cli")
  /** Whether there is no token but from flyctl. */
  const needed = asksCli && !(environmentUsable && settings.chain.includes("env"))
  const loginNeeded = !environmentUsable || mintLimits(variable.token).length > 0

  const binary = yield* Services.binary
  const found = yield* Effect.all({
    inspected: guarded(Flyctl.inspect(binary), localLimit),
    login: guarded(FlyLogin.read, localLimit),
    directory: guarded(StoreFindings.directory, localLimit),
    listed: guarded(StoreFindings.list, localLimit),
    server: offline ? Effect.undefined : guarded(ServerTime.get, localLimit),
    organization: offline || !asksCli ? Effect.undefined : guarded(
      organization(app, settings.org(app ?? ("" as AppName)), { environmentToken: environmentUsable, needed }),
      // `status`, and `apps list` for an app that it does not tell of.
      Duration.times(cliLimit, 2)
    )
  }, { concurrency: "unbounded" })
  const { directory, inspected, listed, login, server } = found

  const unused = [finding("skipped", "the option `chain` leaves flyctl out")]
  const offlineFinding = finding("skipped", "not checked, by --offline")

  const loginFindings = Result.map(login, (login) => {
    if (!loginNeeded) {
      return [finding("ok", `flyctl uses the token of ${variable.name}, whatever its login is`)]
    }
    return orOk(
      LoginFindings.login(login, { now, needed }),
      () => `last login ${Math.max(0, Math.floor((now - (login.lastLogin ?? now)) / 86_400_000))} days ago`
    )
  })

  const future = ClockFindings.fromTheFuture([
    { what: "flyctl's last login was", at: Result.isSuccess(login) ? login.success.lastLogin : null },
    ...(variable === undefined
      ? []
      : [{ what: `the token of ${variable.name} begins to be valid`, at: notBefore(variable.token) }]),
    ...(Result.isSuccess(login) && Result.isSuccess(login.success.token)
      ? [{ what: "flyctl's token begins to be valid", at: notBefore(login.success.token.success) }]
      : []),
    ...(Result.isSuccess(listed) ? listed.success : []).flatMap(({ key, name, record }) =>
      Result.isSuccess(record)
        ? [
          { what: `the ${key} record of ${name} was stored`, at: record.success.savedAt },
          { what: `the ${key} token of ${name} begins to be valid`, at: notBefore(FlyToken.make(record.success.token)) }
        ]
        : []
    )
  ], now)
  const measured = server === undefined
    ? offlineFinding
    : Result.isFailure(server)
    ? server.failure
    : server.success.time === undefined
    ? finding("skipped", "not compared: the Machines API gave no time within 3 s")
    : ClockFindings.against(server.success.time, server.success.time.here)

  const checks: ReadonlyArray<Check> = [
    { name: "options", findings: optionFindings },
    { name: "environment", findings: EnvironmentFindings.environment(environment, now, app) },
    check(
      "binary",
      asksCli ? Result.map(inspected, (each) => BinaryFindings.binary(each, needed)) : Result.succeed(unused)
    ),
    check(
      "version",
      asksCli ? Result.map(inspected, (each) => [BinaryFindings.version(each, needed)]) : Result.succeed(unused)
    ),
    check("config file", Result.map(login, (each) => ConfigFindings.config(each, now))),
    check("login", asksCli ? loginFindings : Result.succeed(unused)),
    check(
      "organization",
      !asksCli
        ? Result.succeed(unused)
        : Result.isSuccess(inspected) && inspected.success.used._tag === "Missing"
        ? Result.succeed([finding("skipped", "there is no flyctl to ask")])
        : found.organization ?? Result.succeed([offlineFinding])
    ),
    check("Fly's API", server === undefined ? Result.succeed([offlineFinding]) : Result.map(server, ApiFindings.api)),
    check("store", directory),
    check(
      "records",
      Result.isSuccess(directory) && directory.success.some(({ level }) => level === "problem")
        ? Result.succeed([finding("skipped", "the store cannot be used")])
        : Result.map(listed, (each) => StoreFindings.records(each, now))
    ),
    { name: "clock", findings: measured.level === "problem" ? [measured] : [...future, measured] }
  ]
  return checks
})
