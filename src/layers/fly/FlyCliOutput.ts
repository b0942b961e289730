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
import * as Portions from "../Portions.ts"
import * as JsonInOutput from "./JsonInOutput.ts"

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

/** Of an answer of 64 KiB at most, which needs no reading in portions. */
const answerOf = <A>(stdout: string, decode: (object: unknown) => Option.Option<A>): Option.Option<A> =>
  Portions.atOnce(JsonInOutput.lastObject(stdout, decode))

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
  const printed = answerOf(stdout, decodeToken)
  if (Option.isNone(printed)) return Result.fail(new Malformed({ why: "flyctl printed something else than a token" }))
  const token = FlyToken.make(printed.value.token)
  if (token.malformed !== undefined) return Result.fail(new Malformed({ why: `flyctl's answer: ${token.malformed}` }))
  return token.size.macaroons === 0
    ? Result.fail(new Malformed({ why: "flyctl's answer has no macaroon" }))
    : Result.succeed(token)
}

const rowsAtOnce = 10_000

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
export function* listedApps(stdout: string): Portions.Portions<Option.Option<ReadonlyMap<string, string>>> {
  const rows = yield* JsonInOutput.lastArray(stdout, decodeApps)
  if (Option.isNone(rows)) return Option.none()
  const organizations = new Map<string, string>()
  for (const { Name, Organization } of rows.value) {
    organizations.set(Name, Organization.Slug)
    if (organizations.size % rowsAtOnce === 0) yield
  }
  return Option.some(organizations)
}

/**
 * The organization of `status --json`.
 *
 * @category decoding
 * @since 0.1.0
 * @stability stable
 */
export function* statusOrg(stdout: string): Portions.Portions<Option.Option<string>> {
  return Option.map(yield* JsonInOutput.lastObject(stdout, decodeStatus), (status) => status.Organization.Slug)
}

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
  Option.map(answerOf(stdout, decodeVersion), ({ Version }) => Version.replace(/^v/, ""))

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
  return !Option.exists(answerOf(stdout, decodeName), ({ Name }) => Name === "flyctl")
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
