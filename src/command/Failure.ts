/** How a call that failed ends: its exit code, and what it says on stderr. */
import type * as CliError from "effect/cli/CliError"
import type { ConfigError } from "effect/Config"
import * as Data from "effect/Data"
import type { QuitError } from "effect/Terminal"
import { hintOf } from "../services/AttemptHint.ts"
import * as SystemCode from "../services/SystemCode.ts"
import type {
  InvalidAppName,
  InvalidOption,
  NoTokenAvailable,
  PersistFailed,
  StorageError,
  UnusableToken
} from "../services/TokenError.ts"
import { quote, redactTokens, shown, shownLines, told } from "../token/Redaction.ts"
import * as Render from "./Render.ts"

/** A failure of the command itself. Its message is fit to be shown. */
export class CommandError extends Data.Error<{
  readonly _tag: "NoInput" | "NothingToWatch" | "CommandNotStarted" | "OutputFailed"
  readonly exitCode: number
  readonly message: string
  /** The system's error code, if there is one. */
  readonly code?: string
}> {}

/** Nothing came on stdin, or too much. */
export const noInput = (why: string): CommandError =>
  new CommandError({ _tag: "NoInput", exitCode: 2, message: shown(why) })

/** No app was named, and the store knows none. */
export const nothingToWatch = (): CommandError =>
  new CommandError({ _tag: "NothingToWatch", exitCode: 2, message: "nothing is stored yet: name the apps to watch" })

const codeOf = (cause: unknown): string => SystemCode.of(cause) ?? "unknown"

/** The command that `exec` was to run could not be started. The exit codes are those of env(1). */
export const notStarted = (command: string, cause: unknown): CommandError => {
  const code = codeOf(cause)
  const why = code === "ENOENT" ? "there is no such command" : code
  return new CommandError({
    _tag: "CommandNotStarted",
    exitCode: code === "ENOENT" ? 127 : 126,
    message: told`${quote(command)} cannot be run: ${why}`
  })
}

/** The result could not be printed: a full disk behind stdout, for instance. */
export const outputFailed = (cause: unknown): CommandError => {
  const code = codeOf(cause)
  return new CommandError({
    _tag: "OutputFailed",
    exitCode: 74,
    message: told`stdout cannot be written to (${code})`,
    code
  })
}

/** Whether the reader of stdout has gone away: it had enough. */
export const isReaderGone = (failure: { readonly _tag: string }): boolean =>
  failure._tag === "OutputFailed" && "code" in failure && failure.code === "EPIPE"

/** Ends the call with an exit code that is not the failure's own, or where all is said. */
export class ExitWith extends Data.TaggedError("ExitWith")<{
  readonly exitCode: number
  readonly failure?: NoTokenAvailable
}> {}

export type CallFailure =
  | NoTokenAvailable
  | InvalidAppName
  | InvalidOption
  | UnusableToken
  | PersistFailed
  | StorageError
  | CommandError
  | ExitWith
  | ConfigError
  | QuitError
  | CliError.CliError

/** 1 no token, 2 wrong use, 3 the store failed, or what the failure says. */
export const exitCode = (failure: CallFailure): number => {
  if ("exitCode" in failure) return failure.exitCode
  switch (failure._tag) {
    case "NoTokenAvailable":
      return 1
    case "PersistFailed":
    case "StorageError":
      return 3
    default:
      return 2
  }
}

/** The attempts of a failed `get`, for programs. */
export const attempts = (error: NoTokenAvailable) =>
  error.attempts.map((attempt) => ({
    source: attempt.source,
    reason: attempt.reason._tag,
    message: attempt.reason.message,
    hint: hintOf(attempt)
  }))

/** The reasons of a failed `get` as a table, each hint below its reason. */
export const reasons = (error: NoTokenAvailable, colors: boolean): string =>
  error.message.split("\n").map((line, index) =>
    index === 0
      ? Render.painted(line, "bold", colors)
      : line.trimStart().startsWith("→")
      ? Render.painted(line, "dim", colors)
      : line
  ).join("\n")

/** What is said on stderr; nothing where that is done. */
export const message = (
  failure: CallFailure,
  options: { readonly colors: boolean; readonly json: boolean }
): string | undefined => {
  switch (failure._tag) {
    case "ShowHelp":
      return undefined
    case "ExitWith":
      return failure.failure === undefined ? undefined : message(failure.failure, options)
    case "NoTokenAvailable":
      return options.json
        ? Render.json({ error: failure._tag, app: failure.app, attempts: attempts(failure) })
        : `fly-tokens: ${reasons(failure, options.colors)}`
    default:
      return options.json
        ? Render.json({ error: failure._tag, message: redactTokens(failure.message) })
        : `fly-tokens: ${shownLines(failure.message)}`
  }
}

/** What is wrong with a command line. A token that was given as an argument is not repeated. */
export const usage = (error: CliError.CliError): string =>
  error._tag === "UnexpectedArgument"
    ? "there are more arguments than the command takes (a token is read from stdin, never from the command line)"
    : shownLines(error.message)
