/**
 * Runs tasks in rounds, in another order each time.
 */
import type { Task } from "./Result.ts"
import * as Statistics from "./Statistics.ts"

export interface Job {
  readonly group: string
  readonly name: string
  readonly unit: string
  /** Measures once. */
  readonly run: () => Promise<number>
}

export interface Settings {
  readonly rounds: number
  /** Rounds before those, for the compiler, which are not counted. */
  readonly warmUps: number
  readonly seed: number
}

export const run = async (
  jobs: ReadonlyArray<Job>,
  { rounds, seed, warmUps }: Settings
): Promise<ReadonlyArray<Task>> => {
  const random = Statistics.randomOf(seed)
  const samples = new Map(jobs.map((job) => [job, [] as Array<number>]))
  for (let round = -warmUps; round < rounds; round++) {
    for (const job of Statistics.shuffled(jobs, random)) {
      globalThis.gc?.()
      const figure = await job.run()
      if (round >= 0) samples.get(job)!.push(figure)
    }
  }
  return jobs.map((job) => ({ group: job.group, name: job.name, unit: job.unit, samples: samples.get(job)! }))
}
