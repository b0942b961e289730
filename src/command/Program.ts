/** A call of the command, from its words to its exit code. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type { Stdio } from "effect/Stdio"
import * as NodePlatform from "../layers/NodePlatform.ts"
import { shownLines } from "../token/Redaction.ts"
import * as CommandLine from "./CommandLine.ts"
import * as Failure from "./Failure.ts"
import * as Output from "./Output.ts"

const logger = Logger.layer([
  Logger.withConsoleError(Logger.make(({ message }) => shownLines([message].flat().map(String).join(" "))))
])

/** Runs what the words say, and succeeds with the exit code. */
export const run = (argv: ReadonlyArray<string>, version: string): Effect.Effect<number, never, Stdio> => {
  const words = CommandLine.delimited(argv)
  const get = CommandLine.fastGet(words)
  const call = get === undefined
    ? Effect.flatMap(Effect.promise(() => import("./FlyTokensCommand.ts")), (command) => command.run(words, version))
    : Effect.flatMap(Effect.promise(() => import("./GetToken.ts")), (token) => token.print(get))
  return call.pipe(
    Effect.as(0),
    Effect.catch(Effect.fnUntraced(function*(failure: Failure.CallFailure) {
      const json = CommandLine.hasJson(words)
      const text = Failure.message(failure, { colors: yield* Output.canColorStderr, json })
      if (text !== undefined) yield* Console.error(text)
      return Failure.exitCode(failure)
    })),
    Effect.provide(Layer.merge(NodePlatform.layer, logger))
  )
}
