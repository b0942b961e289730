/** What flyctl printed, read: plain functions from text to a token or a reason. No text of a child leaves this file. */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { stripVTControlCharacters } from "node:util"
import * as Portions from "../../concurrency/Portions.ts"
import { Malformed } from "../../services/MissReason.ts"
import { isAppName } from "../../token/AppName.ts"
import { FlyToken } from "../../token/FlyToken.ts"
import type { Ended } from "../program/Program.ts"
import * as JsonInOutput from "./JsonInOutput.ts"

/** Of an answer of 64 KiB at most, which needs no reading in portions. */
const answerOf = <A>(stdout: string, decode: (object: unknown) => Option.Option<A>): Option.Option<A> =>
  Portions.atOnce(JsonInOutput.lastObject(stdout, decode))

const decodeToken = Schema.decodeUnknownOption(Schema.Struct({ token: Schema.String }))

/**
 * The token of a successful `tokens create … --json`. Exit code 0 alone proves nothing: there must be JSON with a token,
 * the token must have macaroons, and they must decode.
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
const decodeArray = Schema.decodeUnknownOption(Schema.Array(Schema.Unknown))
const decodeRow = Schema.decodeUnknownOption(AppRow)
/** A row that is none, or names no organization, is left out; of a list none of whose rows is one, all. */
const decodeRows = (array: unknown): Option.Option<ReadonlyArray<typeof AppRow.Type>> =>
  Option.flatMap(decodeArray(array), (all) => {
    const rows = all.flatMap((row) =>
      Option.toArray(Option.filter(decodeRow(row), (app) => isAppName(app.Name) && isAppName(app.Organization.Slug)))
    )
    return rows.length === 0 && all.length > 0 ? Option.none() : Option.some(rows)
  })
const decodeStatus = Schema.decodeUnknownOption(Schema.Struct({ Organization: AppRow.fields.Organization }))

/** The organizations of `apps list --json`, by app. A row that is none, or names no organization, is left out. */
export function* listedApps(stdout: string): Portions.Portions<Option.Option<ReadonlyMap<string, string>>> {
  const rows = yield* JsonInOutput.lastArray(stdout, decodeRows)
  if (Option.isNone(rows)) return Option.none()
  const organizations = new Map<string, string>()
  for (const { Name, Organization } of rows.value) {
    organizations.set(Name, Organization.Slug)
    if (organizations.size % rowsAtOnce === 0) yield
  }
  return Option.some(organizations)
}

/** The organization of `status --json`. */
export function* statusOrg(stdout: string): Portions.Portions<Option.Option<string>> {
  return (yield* JsonInOutput.lastObject(stdout, decodeStatus)).pipe(
    Option.map((status): string => status.Organization.Slug),
    Option.filter(isAppName)
  )
}

const decodeIdentity = Schema.decodeUnknownOption(Schema.Struct({ Name: Schema.String, Version: Schema.String }))
const decodeVersion = Schema.decodeUnknownOption(
  Schema.Struct({ Version: Schema.String.pipe(Schema.check(Schema.isPattern(/^v?\d[A-Za-z0-9.+-]{0,40}$/))) })
)

/** The version in the answer to `version --json`. */
export const versionOf = (stdout: string): Option.Option<string> =>
  Option.map(answerOf(stdout, decodeVersion), ({ Version }) => Version.replace(/^v/, ""))

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
 */
export const identityOf = ({ exitCode, stderr, stdout }: Ended): "flyctl" | "another" | "nothing" | "unclear" => {
  if (exitCode === 0) return Option.isSome(answerOf(stdout, decodeIdentity)) ? "flyctl" : "another"
  const said = `${stderr}\n${stdout}`
  if (/\bunknown command\b|\bunknown flag `/i.test(said)) return "another"
  return (exitCode === 126 || exitCode === 127) && said.trim() !== "" && !/^\s*error\b/im.test(said)
    ? "nothing"
    : "unclear"
}

/** How a shim ends that finds no version of the program: as a shell does (126, 127), or with 1. */
const shimsEnds = new Set([1, 126, 127])

/** Whether what a program said when it failed is nothing that flyctl says, which begins its errors with `Error`. */
export const isOfAShim = ({ exitCode, stderr, stdout }: Ended): boolean => {
  if (!shimsEnds.has(exitCode)) return false
  const said = stripVTControlCharacters(`${stderr}\n${stdout}`)
  return said.trim() !== "" && !/^\s*(?:error\b|panic:|oops, something went wrong)/im.test(said)
}

/** A duration as Go writes it, in whole seconds: `24h0m0s`. Go has no days. */
export const goDuration = (millis: number): string => {
  const seconds = Math.max(1, Math.floor(millis / 1000))
  return `${Math.floor(seconds / 3600)}h${Math.floor(seconds / 60) % 60}m${seconds % 60}s`
}
