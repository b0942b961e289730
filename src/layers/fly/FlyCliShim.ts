/**
 * Running flyctl, also where it is the shim of a version manager (asdf, mise), which looks for its settings where the
 * caller is.
 */
import * as Effect from "effect/Effect"
import * as Path from "effect/Path"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Result from "effect/Result"
import { stripVTControlCharacters } from "node:util"
import type { Environment } from "../../services/Environment.ts"
import type { FlyCliReason } from "../../services/FlyCli.ts"
import * as FlyCliChild from "./FlyCliChild.ts"
import type { Ended } from "./FlyCliOutput.ts"

/** How a shim ends that finds no version of the program: as a shell does (126, 127), or with 1. */
const shimsEnds = new Set([1, 126, 127])

/** Whether what a program said when it failed is nothing that flyctl says, which begins its errors with `Error`. */
export const isOfAShim = ({ exitCode, stderr, stdout }: Ended): boolean => {
  if (!shimsEnds.has(exitCode)) return false
  const said = stripVTControlCharacters(`${stderr}\n${stdout}`)
  return said.trim() !== "" && !/^\s*(?:error\b|panic:|oops, something went wrong)/im.test(said)
}

/** Programs that were found to be shims, by their path. */
export type Shims = Set<string>

/**
 * Runs a program in its own directory: away from any `fly.toml`, which flyctl reads, and there even if the caller's
 * directory was removed. What answers as a shim that knows no version is run once more where the caller is.
 */
export const run = Effect.fnUntraced(function*(
  path: string,
  args: ReadonlyArray<string>,
  options: FlyCliChild.RunOptions,
  shims: Shims
): Effect.fn.Return<Ended, FlyCliReason, ChildProcessSpawner | Path.Path | Environment> {
  const paths = yield* Path.Path
  const runIn = (cwd: string) => FlyCliChild.run(path, args, { ...options, cwd })
  const own = paths.dirname(path)
  // It throws if the directory is gone.
  const callers = Result.getOrUndefined(Result.try({ try: () => paths.resolve("."), catch: () => "no directory" }))
  if (callers === undefined || callers === own) return yield* runIn(own)
  if (shims.has(path)) {
    const ended = yield* runIn(callers)
    if (!isOfAShim(ended)) return ended
  }
  const first = yield* runIn(own)
  if (!isOfAShim(first) || shims.has(path)) return first
  const second = yield* Effect.result(runIn(callers))
  if (Result.isFailure(second) || isOfAShim(second.success)) return first
  shims.add(path)
  return second.success
})
