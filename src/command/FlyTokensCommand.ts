/** The command `fly-tokens` with all its calls, by the command line library. */
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Terminal from "effect/Terminal"
import { doctor } from "./commands/Doctor.ts"
import { env } from "./commands/Env.ts"
import { exec } from "./commands/Exec.ts"
import { explain } from "./commands/Explain.ts"
import { get } from "./commands/Get.ts"
import { list } from "./commands/List.ts"
import { status } from "./commands/Status.ts"
import { invalidate, set, unset } from "./commands/Store.ts"
import { watch } from "./commands/Watch.ts"
import * as Failure from "./Failure.ts"
import * as UnknownVariables from "./UnknownVariables.ts"

/** `get` says so itself, because it is not always read here; `doctor` finds it. */
const warned = <Name extends string, Input, Context, E, R>(call: Command.Command<Name, Input, Context, E, R>) =>
  Command.provideEffectDiscard(call, UnknownVariables.warn)

const command = Command.make("fly-tokens").pipe(
  Command.withDescription("A valid Fly.io API token per app, from the best source there is"),
  Command.withSubcommands([
    get,
    warned(exec),
    warned(env),
    warned(set),
    warned(unset),
    warned(invalidate),
    warned(status),
    warned(list),
    warned(watch),
    warned(explain),
    doctor
  ])
)

const sayUsage = (commandPath: ReadonlyArray<string>, problems: ReadonlyArray<string>) =>
  Console.error(
    [...problems.map((problem) => `fly-tokens: ${problem}`), `  → ${commandPath.join(" ")} --help`].join("\n")
  )

/** stdout is for what was asked for; everything else goes to stderr. */
const presenter = CliOutput.layerPresenter({
  present: (event) => {
    switch (event._tag) {
      case "InvalidInvocation":
        return sayUsage(event.commandPath, event.errors.map(Failure.usage))
      case "Help":
        return event.reason === "Requested"
          ? CliOutput.defaultPresenter.present(event)
          : sayUsage(event.commandPath, ["a command is missing"])
      case "Version":
        return Console.log(event.version)
    }
  }
})

/** All of the library's but its wizard, which asks and answers on stdout, whoever reads that. */
const flags = CliConfig.layer({
  builtIns: GlobalFlag.BuiltIns.filter((flag) => flag !== GlobalFlag.Wizard)
})

/** A terminal that says 0 does not know: a serial line, a container's, one of `expect`. */
const known = (size: Effect.Effect<number>, usual: number) => Effect.map(size, (size) => size > 0 ? size : usual)

/** Node's terminal, with prompts on stderr: stdout may be a file. */
const terminal: Layer.Layer<Terminal.Terminal, never, Stdio.Stdio> = Layer.effect(
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

export const run = (words: ReadonlyArray<string>, version: string) =>
  Effect.provide(Command.runWith(command, { version })(words), Layer.mergeAll(terminal, presenter, flags))
