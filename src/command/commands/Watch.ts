/** `fly-tokens watch` */
import * as Command from "effect/cli/Command"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { Terminal } from "effect/Terminal"
import { Storage } from "../../services/Storage.ts"
import { isReaderGone, nothingToWatch } from "../Failure.ts"
import { services } from "../GetToken.ts"
import * as Output from "../Output.ts"
import * as StoredRecords from "../StoredRecords.ts"
import * as Keep from "../watch/Keep.ts"
import * as Report from "../watch/Report.ts"
import * as Table from "../watch/Table.ts"
import { apps, json } from "./Parameters.ts"

/** Draws each second and whenever something happens; the last picture stays when it ends. */
const draw = Effect.fnUntraced(function*({ reports, rows }: Keep.Kept) {
  const terminal = yield* Terminal
  const colors = yield* Output.canColorStdout
  const lines = Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    return Table.lines(yield* rows, { now, colors, columns: yield* terminal.columns, rows: yield* terminal.rows })
  })
  const frame = Effect.flatMap(lines, (lines) => Output.write(Table.draw(lines)))
  const last = Effect.flatMap(lines, (lines) => Output.write(`${Table.leave}${lines.join("\n")}\n`))
  yield* Effect.acquireUseRelease(
    Output.write(Table.enter),
    () => Stream.runForEach(Stream.merge(Stream.tick("1 second"), reports), () => frame),
    () => Effect.ignore(last)
  )
})

const run = Effect.fnUntraced(
  function*(words: ReadonlyArray<string>, mode: "table" | "lines" | "json") {
    const named = yield* StoredRecords.named(words)
    const storage = yield* Storage
    const apps = named.length > 0
      ? named
      : StoredRecords.appsOf(yield* storage.list("cached"), yield* storage.list("manual"))
    if (apps.length === 0) return yield* nothingToWatch()
    const kept = yield* Keep.start(apps)
    const asLine = mode === "json" ? Report.jsonLine : Report.line
    yield* mode === "table"
      ? draw(kept)
      : Stream.runForEach(kept.reports, (report) => Output.write(`${asLine(report)}\n`))
  },
  Effect.scoped,
  Effect.provide(services),
  Effect.catchIf(isReaderGone, () => Effect.void)
)

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
