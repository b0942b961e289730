#!/usr/bin/env node
/** Runs the command `fly-tokens`. */
import * as NodeStdio from "@effect/platform-node/NodeStdio"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { createRequire } from "node:module"
import { argv } from "node:process"
import * as NodePlatform from "../layers/NodePlatform.ts"
import { fromDefect } from "../services/MissReason.ts"
import { shownLines } from "../token/Redaction.ts"
import * as CommandLine from "./CommandLine.ts"
import * as Ending from "./Ending.ts"
import * as Failure from "./Failure.ts"
import * as ShortCut from "./ShortCut.ts"
import * as Terminal from "./Terminal.ts"

const { version } = createRequire(import.meta.url)("../../package.json") as { readonly version: string }

const logger = Logger.layer([
  Logger.withConsoleError(Logger.make(({ message }) => shownLines([message].flat().map(String).join(" "))))
])

const words = CommandLine.delimited(argv.slice(2))

const say = (failure: Failure.CommandFailure) =>
  Effect.gen(function*() {
    const json = CommandLine.ours(words).includes("--json")
    const text = Failure.message(failure, { colors: yield* Terminal.canColorStderr, json })
    if (text !== undefined) yield* Console.error(text)
    return Failure.exitCode(failure)
  })

const asked = ShortCut.read(words)

const run = asked === undefined
  ? Effect.flatMap(Effect.promise(() => import("./CommandRun.ts")), (command) => command.run(words, { version }))
  : Effect.flatMap(Effect.promise(() => import("./Getting.ts")), (getting) => getting.run(asked))

run.pipe(
  Effect.as(0),
  Effect.catch(say),
  Effect.provide(Layer.mergeAll(NodePlatform.layer, NodeStdio.layer, logger)),
  Ending.runMain({
    untilTold: CommandLine.callOf(words) === "watch",
    onBug: (cause) => {
      console.error(`fly-tokens: a bug (${fromDefect(Cause.squash(cause)).name}): please report it`)
      return 70
    },
    onOutputLost: (error) => {
      const failure = Terminal.OutputFailed.of(error)
      if (Terminal.isReaderGone(failure)) return 0
      console.error(`fly-tokens: ${failure.message}`)
      return Failure.exitCode(failure)
    }
  })
)
