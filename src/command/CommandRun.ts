/** Reads the command line and runs what it asks for, by the command line library. */
import * as CliConfig from "effect/cli/CliConfig"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Failure from "./Failure.ts"
import { command } from "./FlyTokensCommand.ts"
import * as Screen from "./Screen.ts"

/** stdout is for what was asked for; everything else goes to stderr. */
const presenter = CliOutput.layerPresenter({
  present: (event) => {
    switch (event._tag) {
      case "InvalidInvocation":
        return Console.error(
          [
            ...event.errors.map((error) => `fly-tokens: ${Failure.usage(error)}`),
            `  → ${event.commandPath.join(" ")} --help`
          ].join("\n")
        )
      case "Help":
        return event.reason === "Requested"
          ? CliOutput.defaultPresenter.present(event)
          : Console.error(`fly-tokens: a command is missing\n  → ${event.commandPath.join(" ")} --help`)
      case "Version":
        return Console.log(event.version)
    }
  }
})

/** All of the library's but its wizard, which asks and answers on stdout, whoever reads that. */
const flags = CliConfig.layer({
  builtIns: GlobalFlag.BuiltIns.filter((flag) => flag !== GlobalFlag.Wizard)
})

/** Runs what the words of the command line say. */
export const run = (words: ReadonlyArray<string>, options: { readonly version: string }) =>
  Effect.provide(Command.runWith(command, options)(words), Layer.mergeAll(Screen.layer, presenter, flags))
