/**
 * Runs a target: the tests of each change and the nightly search share it.
 */
import * as fc from "fast-check"
import { inspect } from "node:util"
import type { Target } from "./Targets.ts"

export interface FuzzOptions {
  readonly runs: number
  /** With the same seed the inputs are the same. */
  readonly seed: number
  /** The input of a failure, as fast-check names it; all of them without it. */
  readonly path?: string | undefined
  /** Called before each input. */
  readonly begin?: (() => void) | undefined
}

/** How to see a failure again. */
export const again = (name: string, seed: number, path: string | number): string =>
  `FUZZ_TARGETS=${name} FUZZ_SEED=${seed} FUZZ_PATH=${path} npm run fuzz`

/**
 * Why a target failed, with the input and all that is needed to see it again; `undefined` if it held.
 */
export const fuzz = ({ name, property }: Target, options: FuzzOptions): string | undefined => {
  const { path, runs, seed } = options
  const result = fc.check(property(options.begin ?? (() => {})), {
    numRuns: runs,
    seed,
    ...(path === undefined ? {} : { path })
  })
  if (!result.failed) return undefined
  return [
    `${name} failed after ${result.numRuns} inputs`,
    `  again: ${again(name, seed, result.counterexamplePath ?? "")}`,
    `  input: ${inspect(result.counterexample?.[0], { maxStringLength: 3_000, maxArrayLength: 20, depth: 5 })}`,
    `  error: ${inspect(result.errorInstance)}`
  ].join("\n")
}
