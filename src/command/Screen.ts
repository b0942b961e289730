/** The terminal that prompts are drawn on and pictures fit into. */
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Terminal from "effect/Terminal"

/** A terminal that says 0 does not know: a serial line, a container's, one of `expect`. */
const known = (size: Effect.Effect<number>, usual: number): Effect.Effect<number> =>
  Effect.map(size, (size) => size > 0 ? size : usual)

/** Node's terminal, with prompts on stderr: stdout is for what was asked for, and may be a file. */
export const layer: Layer.Layer<Terminal.Terminal, never, Stdio.Stdio> = Layer.effect(
  Terminal.Terminal,
  Effect.gen(function*() {
    const stdio = yield* Stdio.Stdio
    const terminal = yield* NodeTerminal.make()
    return Terminal.make({
      ...terminal,
      columns: known(terminal.columns, 80),
      rows: known(terminal.rows, 24),
      display: (text) => Stream.run(Stream.make(text), stdio.stderr({ endOnDone: false }))
    })
  })
)
