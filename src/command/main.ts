#!/usr/bin/env node
/**
 * Runs the command `fly-tokens`.
 *
 * @since 0.1.0
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { createRequire } from "node:module"
import { argv } from "node:process"
import * as CommandLine from "./CommandLine.ts"
import * as Failure from "./Failure.ts"
import { command } from "./FlyTokensCommand.ts"
import * as Terminal from "./Terminal.ts"

const { version } = createRequire(import.meta.url)("../../package.json") as { readonly version: string }

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

const logger = Logger.layer([
  Logger.withConsoleError(Logger.make(({ message }) => [message].flat().map(String).join(" ")))
])

const words = CommandLine.delimited(argv.slice(2))

/** Set by {@link fail} and read when the process ends. */
let code = 0

const fail = (failure: Failure.CommandFailure) =>
  Effect.gen(function*() {
    code = Failure.exitCode(failure)
    const json = CommandLine.ours(words).includes("--json")
    const text = Failure.message(failure, { colors: yield* Terminal.canColorStderr, json })
    if (text !== undefined) yield* Console.error(text)
  })

Command.runWith(command, { version })(words).pipe(
  Effect.catch(fail),
  Effect.provide(Layer.mergeAll(NodeServices.layer, presenter, logger)),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    teardown: (exit, onExit) => {
      if (exit._tag === "Success") return onExit(code)
      // Interrupted by a signal, as shells say it; a bug otherwise.
      return onExit(exit.cause.reasons.every((reason) => reason._tag === "Interrupt") ? 130 : 70)
    }
  })
)
