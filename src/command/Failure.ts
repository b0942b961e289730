/**
 * How a failed call of the command ends: its exit code and what it says on stderr.
 *
 * @since 0.1.0
 */
import type * as CliError from "effect/cli/CliError"
import type { ConfigError } from "effect/Config"
import * as Schema from "effect/Schema"
import type { QuitError } from "effect/Terminal"
import type {
  InvalidAppName,
  InvalidOption,
  NoTokenAvailable,
  PersistFailed,
  StorageError,
  UnusableToken
} from "../services/TokenError.ts"
import { redactTokens } from "../token/Redaction.ts"
import * as Render from "./Render.ts"
import type { OutputFailed } from "./Terminal.ts"

/**
 * Nothing came on stdin, or too much.
 *
 * @category errors
 * @since 0.1.0
 * @stability stable
 */
export class NoInput extends Schema.TaggedError<NoInput>()("NoInput", { why: Schema.String }) {
  override get message(): string {
    return this.why
  }
}

/**
 * `doctor` found problems, and has said which.
 *
 * @category errors
 * @since 0.1.0
 * @stability stable
 */
export class ProblemsFound extends Schema.TaggedError<ProblemsFound>()("ProblemsFound", { count: Schema.Int }) {
  override get message(): string {
    return `${this.count} problems`
  }
}

/**
 * Every error that a call can end with.
 *
 * @category errors
 * @since 0.1.0
 * @stability stable
 */
export type CommandFailure =
  | NoTokenAvailable
  | InvalidAppName
  | InvalidOption
  | UnusableToken
  | PersistFailed
  | StorageError
  | NoInput
  | ProblemsFound
  | OutputFailed
  | ConfigError
  | QuitError
  | CliError.CliError

/**
 * 1 no token (of `doctor`: a problem), 2 wrong use, 3 storage failure, 74 the result could not be printed.
 *
 * @category exit codes
 * @since 0.1.0
 * @stability stable
 */
export const exitCode = (failure: CommandFailure): number => {
  switch (failure._tag) {
    case "NoTokenAvailable":
    case "ProblemsFound":
      return 1
    case "PersistFailed":
    case "StorageError":
      return 3
    case "OutputFailed":
      return 74
    default:
      return 2
  }
}

/**
 * What is said on stderr; nothing where the command line library has said it.
 *
 * @category messages
 * @since 0.1.0
 * @stability stable
 */
export const message = (
  failure: CommandFailure,
  options: { readonly colors: boolean; readonly json: boolean }
): string | undefined => {
  switch (failure._tag) {
    case "ShowHelp":
    case "ProblemsFound":
      return undefined
    case "NoTokenAvailable":
      return options.json ? Render.failureJson(failure) : `fly-tokens: ${Render.reasons(failure, options)}`
    default:
      return options.json
        ? JSON.stringify({ error: failure._tag, message: redactTokens(failure.message) })
        : `fly-tokens: ${redactTokens(failure.message)}`
  }
}

/**
 * What is wrong with a command line. A token that was given as an argument is not repeated.
 *
 * @category messages
 * @since 0.1.0
 * @stability stable
 */
export const usage = (error: CliError.CliError): string =>
  error._tag === "UnexpectedArgument"
    ? "there are more arguments than the command takes (a token is read from stdin, never from the command line)"
    : redactTokens(error.message).replace(/[^\x20-\x7e\n]/g, "?")
