/**
 * What is to be reached, and whether it is.
 */
import type { Result } from "./Result.ts"
import * as Statistics from "./Statistics.ts"

/** Reads figures out of one run. */
export interface Figures {
  /** The median of a task. */
  readonly median: (comparison: string, group: string, task: string) => number
  /** The median of a task over another one of its group, within the rounds. */
  readonly ratio: (comparison: string, group: string, task: string, base: string) => number
  readonly count: (comparison: string, group: string, name: string, figure: string) => number
}

export interface Target {
  /** As in the brief of what is to be reached. */
  readonly statement: string
  /** Where its figures are from. */
  readonly comparison: string
  /** A count is the same on any machine, and so is part of the quick run's verdict. */
  readonly kind: "count" | "time" | "size"
  readonly figure: (figures: Figures) => number
  readonly relation: "at most" | "exactly" | "at least"
  readonly limit: number
  readonly unit: string
}

export interface Verdict {
  readonly target: Target
  /** One per run; `NaN` where it could not be computed. */
  readonly figures: ReadonlyArray<number>
  /** In every run. */
  readonly holds: boolean
}

export const figuresOf = (results: ReadonlyArray<Result>): Figures => {
  const taskOf = (comparison: string, group: string, name: string) =>
    results.find((result) => result.comparison === comparison)
      ?.tasks.find((task) => task.group === group && task.name === name)?.samples ?? []
  return {
    median: (comparison, group, task) => Statistics.median(taskOf(comparison, group, task)),
    ratio: (comparison, group, task, base) =>
      Statistics.ratio(taskOf(comparison, group, task), taskOf(comparison, group, base)),
    count: (comparison, group, name, figure) =>
      results.find((result) => result.comparison === comparison)
        ?.counts.find((count) => count.group === group && count.name === name)?.figures[figure] ?? Number.NaN
  }
}

/** `NaN` does not hold. */
export const isReached = ({ limit, relation }: Pick<Target, "limit" | "relation">, figure: number): boolean => {
  switch (relation) {
    case "at most":
      return figure <= limit
    case "at least":
      return figure >= limit
    case "exactly":
      return figure === limit
  }
}

/** Each target of a comparison that was run, with its figure in each run. */
export const verdicts = (
  targets: ReadonlyArray<Target>,
  runs: ReadonlyArray<ReadonlyArray<Result>>
): ReadonlyArray<Verdict> =>
  targets
    .filter(({ comparison }) => runs.some((results) => results.some((result) => result.comparison === comparison)))
    .map((target) => {
      const figures = runs.map((results) => target.figure(figuresOf(results)))
      return { target, figures, holds: figures.every((figure) => isReached(target, figure)) }
    })

/** What a quick run must not pass over: counts that are wrong, and figures that are missing. */
export const complaints = (verdicts: ReadonlyArray<Verdict>): ReadonlyArray<string> =>
  verdicts
    .filter(({ figures, holds, target }) => figures.some(Number.isNaN) || (target.kind === "count" && !holds))
    .map(({ figures, target }) =>
      `${target.comparison}: ${target.statement}: ${figures.join(", ")}, not ${target.relation} ${target.limit}`
    )
