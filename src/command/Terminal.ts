/**
 * Printing: the result on stdout, surely; colour on a terminal only, and not if `NO_COLOR` is set.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as SystemError from "../layers/SystemError.ts"
import { shown, told } from "../token/Redaction.ts"
import { visibleJson } from "../token/Visible.ts"

/**
 * The result could not be printed: a full disk behind stdout, for instance.
 *
 * @category errors
 * @since 0.1.0
 * @stability stable
 */
export class OutputFailed extends Schema.TaggedError<OutputFailed>()("OutputFailed", { code: Schema.String }) {
  override get message(): string {
    return told`stdout cannot be written to (${this.code})`
  }
}

/**
 * Writes a text to stdout and fails if it did not get there.
 *
 * @category terminal
 * @since 0.1.0
 * @stability stable
 */
export const write = (text: string): Effect.Effect<void, OutputFailed, Stdio.Stdio> =>
  Effect.flatMap(Stdio.Stdio, (stdio) => Stream.run(Stream.make(text), stdio.stdout({ endOnDone: false }))).pipe(
    Effect.mapError((error) => new OutputFailed({ code: SystemError.codeOf(error) ?? "unknown" }))
  )

/**
 * Whether the reader of stdout has gone away: it had enough.
 *
 * @category terminal
 * @since 0.1.0
 * @stability stable
 */
export const isReaderGone = (error: OutputFailed): boolean => error.code === "EPIPE"

/**
 * Prints a line on stdout and fails if it did not get there. A reader that has gone away (EPIPE) had enough.
 *
 * @category terminal
 * @since 0.1.0
 * @stability stable
 */
export const print = (line: string): Effect.Effect<void, OutputFailed, Stdio.Stdio> =>
  Effect.catchIf(write(`${line}\n`), isReaderGone, () => Effect.void)

/**
 * Says what was done: to a person on stderr, with `--json` to a program on stdout.
 *
 * @category terminal
 * @since 0.1.0
 * @stability stable
 */
export const confirm = (
  done: { readonly words: string; readonly json: Readonly<Record<string, unknown>> },
  options: { readonly json: boolean }
): Effect.Effect<void, OutputFailed, Stdio.Stdio> =>
  options.json ? print(visibleJson(done.json)) : Console.error(shown(done.words))

const wanted = Effect.orElseSucceed(
  Effect.map(Config.option(Config.String("NO_COLOR")), Option.isNone),
  () => false
)

const canColor = (isTerminal: (stdio: Stdio.Stdio) => Effect.Effect<boolean>) =>
  Effect.flatMap(wanted, (wanted) => wanted ? Effect.flatMap(Stdio.Stdio, isTerminal) : Effect.succeed(false))

/**
 * @category terminal
 * @since 0.1.0
 * @stability stable
 */
export const canColorStdout: Effect.Effect<boolean, never, Stdio.Stdio> = canColor((stdio) => stdio.stdoutIsTerminal)

/**
 * @category terminal
 * @since 0.1.0
 * @stability stable
 */
export const canColorStderr: Effect.Effect<boolean, never, Stdio.Stdio> = canColor((stdio) => stdio.stderrIsTerminal)
