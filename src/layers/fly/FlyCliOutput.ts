/**
 * What flyctl printed, read: plain functions from text to a token or a reason. No text of a child leaves this file.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import {
  ConfigLocked,
  ExitCode,
  HttpFailed,
  InvalidExpiry,
  Killed,
  Malformed,
  MintRefused,
  NotAuthenticated,
  NotLoggedIn,
  OrgRequired,
  OrgUnknown,
  OutdatedFlyctl,
  Panicked
} from "../../services/MissReason.ts"
import { isAppName } from "../../token/AppName.ts"
import { FlyToken } from "../../token/FlyToken.ts"

/**
 * How a child ended.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface Ended {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/**
 * Why flyctl failed: what flyctl v0.4.87 says, matched by prefix and without case, because inner texts changed over
 * time.
 *
 * @category decoding
 * @since 0.1.0
 * @stability stable
 */
export const failureOf = ({ exitCode, stderr, stdout }: Ended, subject: string) => {
  const lines = `${stderr}\n${stdout}`.toLowerCase().split("\n").map((line) => line.trim())
  const errors = lines.filter((line) => line.startsWith("error:")).map((line) => line.slice("error:".length).trim())
  const starts = (prefix: string) => errors.some((error) => error.startsWith(prefix))
  const holds = (text: string) => errors.some((error) => error.includes(text))

  if (lines.some((line) => line.startsWith("panic:"))) return new Panicked()
  if (starts("no access token available")) return new NotLoggedIn()
  if (holds("you must be authenticated")) return new NotAuthenticated()
  for (const error of errors) {
    const status = /(?:non-200 status code:|returned error) (\d{3})\b/.exec(error)
    if (status !== null) return new HttpFailed({ status: Number(status[1]) })
  }
  if (starts("failed retrieving org slug")) return new OrgRequired()
  if (starts("failed retrieving org") || holds("could not find app")) return new OrgUnknown({ name: subject })
  if (starts("failed creating token") && holds("not authorized")) return new MintRefused()
  if (starts("invalid argument") && holds("--expiry")) return new InvalidExpiry()
  if (starts("unknown flag") || starts("unknown shorthand flag") || starts("unknown command")) {
    return new OutdatedFlyctl()
  }
  if (exitCode === 126 && starts("context deadline exceeded")) return new ConfigLocked()
  // A shell that finds no command ends with 127 too, but says so.
  if (exitCode === 127 && stderr.trim() === "") return new Killed()
  if (exitCode === 3) return new Panicked()
  return new ExitCode({ code: exitCode })
}

const maxStarts = 64

/** The JSON that ends an output; lines of noise may stand before it (of debug logs, of a broken config). */
const lastJson = (stdout: string): Option.Option<unknown> => {
  const text = stdout.trim()
  let start = 0
  for (let starts = 0; starts < maxStarts;) {
    const head = text[start]
    if (head === "{" || head === "[") {
      starts++
      const value = Result.try({ try: () => JSON.parse(text.slice(start)) as unknown, catch: () => "not JSON" })
      if (Result.isSuccess(value)) return Option.some(value.success)
    }
    const next = text.indexOf("\n", start)
    if (next === -1) break
    start = next + 1
  }
  return Option.none()
}

const decodeToken = Schema.decodeUnknownOption(Schema.Struct({ token: Schema.String }))

/**
 * The token of a successful `tokens create … --json`. Exit code 0 alone proves nothing: there must be JSON with a token,
 * the token must have macaroons, and they must decode.
 *
 * @category decoding
 * @since 0.1.0
 * @stability stable
 */
export const mintedToken = (stdout: string): Result.Result<FlyToken, Malformed> => {
  if (stdout.trim() === "") return Result.fail(new Malformed({ why: "flyctl printed nothing" }))
  const printed = Option.flatMap(lastJson(stdout), decodeToken)
  if (Option.isNone(printed)) return Result.fail(new Malformed({ why: "flyctl printed something else than a token" }))
  const token = FlyToken.make(printed.value.token)
  if (token.malformed !== undefined) return Result.fail(new Malformed({ why: `flyctl's answer: ${token.malformed}` }))
  return token.size.macaroons === 0
    ? Result.fail(new Malformed({ why: "flyctl's answer has no macaroon" }))
    : Result.succeed(token)
}

const AppRow = Schema.Struct({ Name: Schema.String, Organization: Schema.Struct({ Slug: Schema.String }) })
const decodeRows = Schema.decodeUnknownOption(Schema.Array(Schema.Unknown))
const decodeRow = Schema.decodeUnknownOption(AppRow)
const decodeStatus = Schema.decodeUnknownOption(Schema.Struct({ Organization: AppRow.fields.Organization }))

/**
 * The organizations of `apps list --json`, by app. A row that is none, or names no organization, is left out.
 *
 * @category decoding
 * @since 0.1.0
 * @stability stable
 */
export const listedApps = (stdout: string): Option.Option<ReadonlyMap<string, string>> =>
  Option.flatMap(Option.flatMap(lastJson(stdout), decodeRows), (rows) => {
    const apps = new Map<string, string>()
    for (const row of rows) {
      const app = decodeRow(row)
      if (Option.isNone(app) || !isAppName(app.value.Name) || !isAppName(app.value.Organization.Slug)) continue
      apps.set(app.value.Name, app.value.Organization.Slug)
    }
    return rows.length > 0 && apps.size === 0 ? Option.none() : Option.some(apps)
  })

/**
 * The organization of `status --json`.
 *
 * @category decoding
 * @since 0.1.0
 * @stability stable
 */
export const statusOrg = (stdout: string): Option.Option<string> =>
  Option.flatMap(lastJson(stdout), decodeStatus).pipe(
    Option.map((status): string => status.Organization.Slug),
    Option.filter(isAppName)
  )

const decodeIdentity = Schema.decodeUnknownOption(Schema.Struct({ Name: Schema.String, Version: Schema.String }))
const decodeVersion = Schema.decodeUnknownOption(
  Schema.Struct({ Version: Schema.String.pipe(Schema.check(Schema.isPattern(/^v?\d[A-Za-z0-9.+-]{0,40}$/))) })
)

/**
 * The version in the answer to `version --json`.
 *
 * @category decoding
 * @since 0.1.0
 * @stability stable
 */
export const versionOf = (stdout: string): Option.Option<string> =>
  Option.map(Option.flatMap(lastJson(stdout), decodeVersion), ({ Version }) => Version.replace(/^v/, ""))

/**
 * What an answer to `version --json` shows of a program.
 *
 * **Details**
 *
 * - `flyctl`: it says its name, which is that of its file whatever that is called, and its version.
 * - `another`: it answered something else, or does not know the question, as Concourse's client; flyctl knows it always.
 * - `nothing`: a shell says that there is no program, or a shim that there is none now.
 * - `unclear`: it failed, and flyctl may fail so too: without a config file that it can read and a directory that it can
 *   write it says nothing.
 *
 * @category decoding
 * @since 0.1.0
 * @stability stable
 */
export const identityOf = ({ exitCode, stderr, stdout }: Ended): "flyctl" | "another" | "nothing" | "unclear" => {
  if (exitCode === 0) return Option.isSome(Option.flatMap(lastJson(stdout), decodeIdentity)) ? "flyctl" : "another"
  const said = `${stderr}\n${stdout}`
  if (/\bunknown command\b|\bunknown flag `/i.test(said)) return "another"
  return (exitCode === 126 || exitCode === 127) && said.trim() !== "" && !/^\s*error\b/im.test(said)
    ? "nothing"
    : "unclear"
}

/**
 * A duration as Go writes it, in whole seconds: `24h0m0s`. Go has no days.
 *
 * @category encoding
 * @since 0.1.0
 * @stability stable
 */
export const goDuration = (millis: number): string => {
  const seconds = Math.max(1, Math.floor(millis / 1000))
  return `${Math.floor(seconds / 3600)}h${Math.floor(seconds / 60) % 60}m${seconds % 60}s`
}
