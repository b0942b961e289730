/** `fly-tokens watch` */
import * as Command from "effect/cli/Command"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { Terminal as Screen } from "effect/Terminal"
import { NothingToWatch } from "../Failure.ts"
import { services } from "../Getting.ts"
import { apps, json } from "../Parameters.ts"
import * as StoredApps from "../StoredApps.ts"
import * as Terminal from "../Terminal.ts"
import * as Frame from "../watch/Frame.ts"
import * as Report from "../watch/Report.ts"
import * as Watching from "../watch/Watching.ts"

const picture = Effect.fnUntraced(function*(watching: Watching.Watching, colors: boolean) {
  const screen = yield* Screen
  return Frame.lines(yield* watching.rows, {
    now: yield* Clock.currentTimeMillis,
    columns: yield* screen.columns,
    rows: yield* screen.rows,
    colors
  })
})

/** Draws each second and whenever something happens; the last picture stays when it ends. */
const draw = Effect.fnUntraced(function*(watching: Watching.Watching) {
  const colors = yield* Terminal.canColorStdout
  const frame = Effect.flatMap(picture(watching, colors), (lines) => Terminal.write(Frame.draw(lines)))
  const last = Effect.flatMap(
    picture(watching, colors),
    (lines) => Terminal.write(`${Frame.leave}${lines.join("\n")}\n`)
  )
  yield* Effect.acquireUseRelease(
    Terminal.write(Frame.enter),
    () => Stream.runForEach(Stream.merge(Stream.tick("1 second"), watching.reports), () => frame),
    () => Effect.ignore(last)
  )
})

const print = (watching: Watching.Watching, asLine: (report: Report.Report) => string) =>
  Stream.runForEach(watching.reports, (report) => Terminal.write(`${asLine(report)}\n`))

const run = Effect.fnUntraced(
  function*(words: ReadonlyArray<string>, mode: "table" | "lines" | "json") {
    const named = yield* StoredApps.named(words)
    const apps = named.length > 0 ? named : [...(yield* StoredApps.stored).keys()]
    if (apps.length === 0) return yield* new NothingToWatch()
    const watching = yield* Watching.start(apps)
    yield* mode === "table" ? draw(watching) : print(watching, mode === "json" ? Report.jsonLine : Report.line)
  },
  Effect.scoped,
  Effect.provide(services),
  Effect.catchIf(
    (error) => error._tag === "OutputFailed" && Terminal.isReaderGone(error),
    () => Effect.void
  )
)

/** Keeps the tokens of apps and shows how they stand. */
export const watch = Command.make(
  "watch",
  { apps, json },
  Effect.fnUntraced(function*({ apps, json }) {
    const stdio = yield* Stdio.Stdio
    const mode = json ? "json" : (yield* stdio.stdoutIsTerminal) ? "table" : "lines"
    const running = run(apps, mode)
    // What is logged would be written over the table, which says it too.
    yield* mode === "table" && (yield* stdio.stderrIsTerminal) ? Effect.provide(running, Logger.layer([])) : running
  })
).pipe(
  Command.withDescription(
    "Keep the tokens of apps valid and show how they stand, live on a terminal, else a line per event; Ctrl-C ends it"
  ),
  Command.withExamples([
    { command: "fly-tokens watch my-app other-app", description: "A live table" },
    { command: "fly-tokens watch --json my-app", description: "One JSON object per event" }
  ])
)
