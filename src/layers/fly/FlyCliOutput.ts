/**
 * What flyctl printed, read: plain functions from text to a token or a reason. No text of a child leaves this file.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Malformed } from "../../services/MissReason.ts"
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
const decodeApps = Schema.decodeUnknownOption(Schema.Array(AppRow))
const decodeStatus = Schema.decodeUnknownOption(Schema.Struct({ Organization: AppRow.fields.Organization }))

/**
 * The organizations of `apps list --json`, by app.
 *
 * @category decoding
 * @since 0.1.0
 * @stability stable
 */
export const listedApps = (stdout: string): Option.Option<ReadonlyMap<string, string>> =>
  Option.map(
    Option.flatMap(lastJson(stdout), decodeApps),
    (apps) => new Map(apps.map((app) => [app.Name, app.Organization.Slug]))
  )

/**
 * The organization of `status --json`.
 *
 * @category decoding
 * @since 0.1.0
 * @stability stable
 */
export const statusOrg = (stdout: string): Option.Option<string> =>
  Option.map(Option.flatMap(lastJson(stdout), decodeStatus), (status) => status.Organization.Slug)

const decodeName = Schema.decodeUnknownOption(Schema.Struct({ Name: Schema.String }))
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
 * Whether an answer to `version --json` shows another program than flyctl: it succeeds with something else, or does not
 * know the question (exit 1, as Concourse's; 2 and above is what crashes end with; 127 what a shell says of no program).
 *
 * @category decoding
 * @since 0.1.0
 * @stability stable
 */
export const isAnotherProgram = ({ exitCode, stdout }: Ended): boolean => {
  if (exitCode !== 0) return exitCode === 1 || exitCode === 127
  return !Option.exists(Option.flatMap(lastJson(stdout), decodeName), ({ Name }) => Name === "flyctl")
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
