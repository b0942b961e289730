/** How a failed call of the command ends: its exit code and what it says on stderr. */
import type * as CliError from "effect/cli/CliError"
import type { ConfigError } from "effect/Config"
import * as Schema from "effect/Schema"
import type { QuitError } from "effect/Terminal"
import {
  type InvalidAppName,
  type InvalidOption,
  NoTokenAvailable,
  type PersistFailed,
  type StorageError,
  type UnusableToken
} from "../services/TokenError.ts"
import { quote, redactTokens, shown, shownLines, told } from "../token/Redaction.ts"
import { visibleJson } from "../token/Visible.ts"
import * as Render from "./Render.ts"
import type { OutputFailed } from "./Terminal.ts"

/** Nothing came on stdin, or too much. */
export class NoInput extends Schema.TaggedError<NoInput>()("NoInput", { why: Schema.String }) {
  override get message(): string {
    return shown(this.why)
  }
}

/** `doctor` found problems, and has said which. */
export class ProblemsFound extends Schema.TaggedError<ProblemsFound>()("ProblemsFound", { count: Schema.Int }) {
  override get message(): string {
    return `${this.count} problems`
  }
}

/** No app was named, and the store knows none. */
export class NothingToWatch extends Schema.TaggedError<NothingToWatch>()("NothingToWatch", {}) {
  override get message(): string {
    return "nothing is stored yet: name the apps to watch"
  }
}

/** There is no token to run a command with. */
export class NoTokenForCommand extends Schema.TaggedError<NoTokenForCommand>()("NoTokenForCommand", {
  reason: NoTokenAvailable
}) {
  override get message(): string {
    return this.reason.message
  }
}

/** The command that `exec` was to run could not be started. */
export class CommandNotStarted extends Schema.TaggedError<CommandNotStarted>()("CommandNotStarted", {
  command: Schema.String,
  /** The system's error code. */
  code: Schema.String
}) {
  static of(command: string, code: string): CommandNotStarted {
    return new CommandNotStarted({ command: quote(command), code })
  }
  override get message(): string {
    return told`${this.command} cannot be run: ${this.code === "ENOENT" ? "there is no such command" : this.code}`
  }
}

/** The command that `exec` ran ended with another status than 0. */
export class CommandEnded extends Schema.TaggedError<CommandEnded>()("CommandEnded", {
  /** Its exit code, or 128 and the number of the signal that killed it. */
  status: Schema.Int
}) {}

/** Every error that a call can end with. */
export type CommandFailure =
  | NoTokenAvailable
  | InvalidAppName
  | InvalidOption
  | UnusableToken
  | PersistFailed
  | StorageError
  | NoInput
  | ProblemsFound
  | NothingToWatch
  | NoTokenForCommand
  | CommandNotStarted
  | CommandEnded
  | OutputFailed
  | ConfigError
  | QuitError
  | CliError.CliError

/**
 * 1 no token (of `doctor`: a problem), 2 wrong use, 3 storage failure, 74 the result could not be printed. Of `exec`, as env(1) has it: 125 no
 * token, 126 the command cannot be run, 127 there is none; else what the command ended with.
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
    case "NoTokenForCommand":
      return 125
    case "CommandNotStarted":
      return failure.code === "ENOENT" ? 127 : 126
    case "CommandEnded":
      return failure.status
    default:
      return 2
  }
}

/** What is said on stderr; nothing where the command line library has said it. */
export const message = (
  failure: CommandFailure,
  options: { readonly colors: boolean; readonly json: boolean }
): string | undefined => {
  switch (failure._tag) {
    case "ShowHelp":
    case "ProblemsFound":
    case "CommandEnded":
      return undefined
    case "NoTokenForCommand":
      return message(failure.reason, options)
    case "NoTokenAvailable":
      return options.json ? Render.failureJson(failure) : `fly-tokens: ${Render.reasons(failure, options)}`
    default:
      return options.json
        ? visibleJson({ error: failure._tag, message: redactTokens(failure.message) })
        : `fly-tokens: ${shownLines(failure.message)}`
  }
}

/** What is wrong with a command line. A token that was given as an argument is not repeated. */
export const usage = (error: CliError.CliError): string =>
  error._tag === "UnexpectedArgument"
    ? "there are more arguments than the command takes (a token is read from stdin, never from the command line)"
    : shownLines(error.message)
