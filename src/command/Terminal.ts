/** Printing: the result on stdout, surely; colour on a terminal only, and not if `NO_COLOR` is set. */
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import process from "node:process"
import type { Writable } from "node:stream"
import * as SystemCode from "../services/SystemCode.ts"
import { shown, told } from "../token/Redaction.ts"
import { visibleJson } from "../token/Visible.ts"

/** The result could not be printed: a full disk behind stdout, for instance. */
export class OutputFailed extends Schema.TaggedError<OutputFailed>()("OutputFailed", { code: Schema.String }) {
  static of(cause: unknown): OutputFailed {
    return new OutputFailed({ code: SystemCode.of(cause) ?? "unknown" })
  }
  override get message(): string {
    return told`stdout cannot be written to (${this.code})`
  }
}

/** What a stream says of an error that its write has told already would end the process. */
const heard = new WeakSet<Writable>()

/** Writes a text to a stream, and ends when the system has taken it; fails however the stream says that it did not. */
export const writeTo = (stream: Writable, text: string): Effect.Effect<void, OutputFailed> =>
  Effect.callback((resume) => {
    const end = (cause?: unknown) => {
      stream.removeListener("error", end)
      stream.removeListener("close", onClose)
      resume(cause === undefined || cause === null ? Effect.void : Effect.fail(OutputFailed.of(cause)))
    }
    const onClose = () => end(stream.errored ?? "closed")
    if (!heard.has(stream)) {
      heard.add(stream)
      stream.on("error", () => {})
    }
    stream.once("error", end)
    stream.once("close", onClose)
    try {
      stream.write(text, end)
    } catch (cause) {
      end(cause)
    }
  })

/** Writes a text to stdout and fails if it did not get there. */
export const write = (text: string): Effect.Effect<void, OutputFailed> =>
  Effect.suspend(() => writeTo(process.stdout, text))

/** Whether the reader of stdout has gone away: it had enough. */
export const isReaderGone = (error: OutputFailed): boolean => error.code === "EPIPE"

/** Prints a line on stdout and fails if it did not get there. A reader that has gone away (EPIPE) had enough. */
export const print = (line: string): Effect.Effect<void, OutputFailed> =>
  Effect.catchIf(write(`${line}\n`), isReaderGone, () => Effect.void)

/** Says what was done: to a person on stderr, with `--json` to a program on stdout. */
export const confirm = (
  done: { readonly words: string; readonly json: Readonly<Record<string, unknown>> },
  options: { readonly json: boolean }
): Effect.Effect<void, OutputFailed> => options.json ? print(visibleJson(done.json)) : Console.error(shown(done.words))

const wanted = Effect.orElseSucceed(
  Effect.map(Config.option(Config.String("NO_COLOR")), Option.isNone),
  () => false
)

const canColor = (isTerminal: (stdio: Stdio.Stdio) => Effect.Effect<boolean>) =>
  Effect.flatMap(wanted, (wanted) => wanted ? Effect.flatMap(Stdio.Stdio, isTerminal) : Effect.succeed(false))

export const canColorStdout: Effect.Effect<boolean, never, Stdio.Stdio> = canColor((stdio) => stdio.stdoutIsTerminal)

export const canColorStderr: Effect.Effect<boolean, never, Stdio.Stdio> = canColor((stdio) => stdio.stderrIsTerminal)
