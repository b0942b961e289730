/**
 * What a comparison starts with and ends with, as a process of its own.
 */
import { writeSync } from "node:fs"
import { exit } from "node:process"
import * as Arguments from "./Arguments.ts"
import type { Result } from "./Result.ts"
import type { Settings } from "./Rounds.ts"

/** How much is asked of it, from its command line. */
export const { quick, seed } = Arguments.parse(process.argv.slice(2), 1)

/** Rounds of a measurement. */
export const rounds: Settings = quick ? { rounds: 1, warmUps: 0, seed } : { rounds: 7, warmUps: 1, seed }

/** The last thing a comparison does. What keeps the process alive beyond it, a timer of a peer for instance, ends too. */
export const report = (result: Result): never => {
  const bytes = Buffer.from(`\n${JSON.stringify(result)}\n`)
  for (let written = 0; written < bytes.length;) {
    try {
      written += writeSync(1, bytes, written)
    } catch (error) {
      // A pipe that is full for the moment.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error
    }
  }
  return exit(0)
}
