#!/usr/bin/env node
/** Runs the command `fly-tokens`. */
import * as NodeStdio from "@effect/platform-node/NodeStdio"
import * as Effect from "effect/Effect"
import { createRequire } from "node:module"
import { argv } from "node:process"
import * as CommandLine from "./CommandLine.ts"
import * as Ending from "./Ending.ts"
import * as Program from "./Program.ts"

const { version } = createRequire(import.meta.url)("../../package.json") as { readonly version: string }

const words = argv.slice(2)

Program.run(words, version).pipe(
  Effect.provide(NodeStdio.layer),
  Ending.runMain(CommandLine.callOf(words) === "watch")
)
