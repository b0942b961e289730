/** What the command prints, and on what: results on stdout, surely; all else on stderr. */
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stdio from "effect/Stdio"
import process from "node:process"
import type { Writable } from "node:stream"
import { shown } from "../token/Redaction.ts"
import { type CommandError, isReaderGone, outputFailed } from "./Failure.ts"
import * as Render from "./Render.ts"

/** Where results go. */
export const Stdout = Context.Reference<Writable>("effect-fly-tokens/command/Stdout", {
  defaultValue: () => process.stdout
})

/** What a stream says of an error that its write has told already would end the process. */
const heard = new WeakSet<Writable>()

/** Writes a text to a stream, and ends when the system has taken it; fails however the stream says that it did not. */
export const writeTo = (stream: Writable, text: string): Effect.Effect<void, CommandError> =>
  Effect.callback((resume) => {
    const end = (cause?: unknown) => {
      stream.removeListener("error", end)
      stream.removeListener("close", onClose)
      resume(cause === undefined || cause === null ? Effect.void : Effect.fail(outputFailed(cause)))
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
export const write = (text: string): Effect.Effect<void, CommandError> =>
  Effect.flatMap(Stdout, (stream) => writeTo(stream, text))

/** Prints a line on stdout and fails if it did not get there. A reader that has gone away had enough. */
export const print = (line: string): Effect.Effect<void, CommandError> =>
  Effect.catchIf(write(`${line}\n`), isReaderGone, () => Effect.void)

const canColor = (isTerminal: (stdio: Stdio.Stdio) => Effect.Effect<boolean>) =>
  Effect.gen(function*() {
    const unwanted = yield* Config.option(Config.String("NO_COLOR"))
    return Option.isNone(unwanted) && (yield* isTerminal(yield* Stdio.Stdio))
  }).pipe(Effect.orElseSucceed(() => false))

/** Whether there may be colour: on a terminal only, and not if `NO_COLOR` is set. */
export const canColorStdout = canColor((stdio) => stdio.stdoutIsTerminal)

export const canColorStderr = canColor((stdio) => stdio.stderrIsTerminal)

/** Prints a result: as JSON, or as a text for people. */
export const show = Effect.fnUntraced(function*(result: {
  readonly asJson: boolean
  readonly json: unknown
  readonly text: (colors: boolean) => string
}) {
  yield* print(result.asJson ? Render.json(result.json) : result.text(yield* canColorStdout))
})

/** Says what was done: to a person on stderr, with `--json` to a program on stdout. */
export const confirm = (
  words: string,
  done: Readonly<Record<string, unknown>>,
  asJson: boolean
): Effect.Effect<void, CommandError> => asJson ? print(Render.json(done)) : Console.error(shown(words))
