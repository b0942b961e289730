#!/usr/bin/env node
/**
 * Runs the command `fly-tokens`.
 *
 * @since 0.1.0
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeStdio from "@effect/platform-node/NodeStdio"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { createRequire } from "node:module"
import { argv } from "node:process"
import * as NodePlatform from "../layers/NodePlatform.ts"
import { shownLines } from "../token/Redaction.ts"
import * as CommandLine from "./CommandLine.ts"
import * as Failure from "./Failure.ts"
import * as ShortCut from "./ShortCut.ts"
import * as Terminal from "./Terminal.ts"

const { version } = createRequire(import.meta.url)("../../package.json") as { readonly version: string }

const logger = Logger.layer([
  Logger.withConsoleError(Logger.make(({ message }) => shownLines([message].flat().map(String).join(" "))))
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

const asked = ShortCut.read(words)

const run = asked === undefined
  ? Effect.flatMap(Effect.promise(() => import("./CommandRun.ts")), (command) => command.run(words, { version }))
  : Effect.flatMap(Effect.promise(() => import("./Getting.ts")), (getting) => getting.run(asked))

run.pipe(
  Effect.catch(fail),
  Effect.provide(Layer.mergeAll(NodePlatform.layer, NodeStdio.layer, logger)),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    teardown: (exit, onExit) => {
      if (exit._tag === "Success") return onExit(code)
      // Interrupted by a signal, as shells say it; a bug otherwise.
      return onExit(exit.cause.reasons.every((reason) => reason._tag === "Interrupt") ? 130 : 70)
    }
  })
)
