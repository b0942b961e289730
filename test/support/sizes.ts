/**
 * How much is tried of what takes long: little by itself, much in `.ci/run`.
 */

const sizeOf = (variable: string, little: number): number => Number(process.env[variable] ?? little)

/** Inputs for each reader of text from outside. */
export const fuzzInputs = sizeOf("FUZZ_RUNS", 300)

/** Random sequences of all that can happen to the resolver. */
export const sequences = sizeOf("FC_RUNS", 25)

/** Writers that are killed. */
export const killRounds = sizeOf("KILL_ROUNDS", 5)

/** Programs that are ended at random moments. */
export const signalRounds = sizeOf("SIGNAL_ROUNDS", 6)

/** Processes that start at once. */
export const processes = sizeOf("PROCESSES", 6)

/** Apps that are asked for at once. */
export const manyApps = sizeOf("MANY_APPS", 100)

/** The same, where each of them is written to a disk. */
export const storedApps = Math.min(manyApps, 1_000)
