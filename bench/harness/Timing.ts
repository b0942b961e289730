/**
 * The time of one call, by mitata: in batches where a call is shorter than the clock can tell.
 */
import { measure } from "mitata"
import { quick } from "./Comparison.ts"

const settings = { min_cpu_time: (quick ? 2 : 120) * 1e6, min_samples: quick ? 2 : 12 }

/** The median in nanoseconds, of a function that does `calls` calls. */
export const nanoseconds = async (call: () => unknown, calls: number = 1): Promise<number> => {
  const { p50 } = await measure(call, { ...settings })
  return p50 / calls
}

/** How long something takes once, in milliseconds. */
export const milliseconds = async (run: () => Promise<unknown>): Promise<number> => {
  const began = performance.now()
  await run()
  return performance.now() - began
}
