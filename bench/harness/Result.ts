/**
 * What a comparison says of itself: one JSON object, the last line that it prints.
 */

/** What a task was measured in: `unit` of each sample. One sample per round, in the order of the rounds. */
export interface Task {
  /** Tasks are compared within their group. */
  readonly group: string
  readonly name: string
  readonly unit: string
  readonly samples: ReadonlyArray<number>
}

/** Numbers that are no times: calls, answers. They are exact, so one per name. */
export interface Count {
  readonly group: string
  readonly name: string
  readonly figures: Readonly<Record<string, number>>
}

/** Horizontal bars, one for each task of a group, logarithmic. */
export interface BarsPlot {
  readonly kind: "bars"
  readonly file: string
  readonly title: string
  readonly group: string
}

/** A line for each series: the median of a task over the number that the task was run with. */
export interface LinesPlot {
  readonly kind: "lines"
  readonly file: string
  readonly title: string
  readonly xLabel: string
  readonly series: ReadonlyArray<{
    readonly name: string
    readonly points: ReadonlyArray<{ readonly x: number; readonly group: string; readonly task: string }>
  }>
}

export interface Result {
  /** The path below `comparisons`, without its ending. */
  readonly comparison: string
  readonly title: string
  /** What is done and how, as Markdown. */
  readonly about: string
  /** The tasks that ratios refer to: in each group the first of them that is there. */
  readonly bases?: ReadonlyArray<string>
  /** Of the order of the tasks. */
  readonly seed?: number
  readonly tasks: ReadonlyArray<Task>
  readonly counts: ReadonlyArray<Count>
  readonly plots?: ReadonlyArray<BarsPlot | LinesPlot>
}

/** How names of tasks that measure this library begin. */
export const ours = "effect-fly-tokens"

export const isOurs = (name: string): boolean => name.startsWith(ours)

/** What is wrong with a result: figures that are missing or are no numbers. Empty if it is complete. */
export const faults = ({ counts, plots = [], tasks }: Result): ReadonlyArray<string> => {
  const found: Array<string> = []
  if (tasks.length + counts.length === 0) found.push("no figures at all")
  for (const { group, name, samples } of tasks) {
    const wrong = samples.length === 0 || samples.some((sample) => !Number.isFinite(sample) || sample <= 0)
    if (wrong) found.push(`${group} / ${name}: samples ${JSON.stringify(samples)}`)
  }
  for (const { figures, group, name } of counts) {
    const wrong = Object.entries(figures).filter(([, figure]) => !Number.isFinite(figure))
    for (const [figure, value] of wrong) found.push(`${group} / ${name}: ${figure} is ${value}`)
  }
  const has = (group: string, name?: string) =>
    tasks.some((task) => task.group === group && (name === undefined || task.name === name))
  for (const plot of plots) {
    const wanted = plot.kind === "bars"
      ? [[plot.group, undefined] as const]
      : plot.series.flatMap(({ points }) => points.map(({ group, task }) => [group, task] as const))
    for (const [group, name] of wanted) {
      if (!has(group, name)) found.push(`plot ${plot.file}: no task ${group} / ${name ?? "at all"}`)
    }
  }
  return found
}

/** The last line of what a comparison printed. Throws if that is no result. */
export const parse = (stdout: string): Result => {
  const line = stdout.trimEnd().split("\n").at(-1) ?? ""
  const value: unknown = JSON.parse(line)
  if (typeof value !== "object" || value === null || !("comparison" in value) || !("tasks" in value)) {
    throw new Error("the last line is no result")
  }
  return value as Result
}

/** Several runs of one comparison as one: the rounds one after another, and all counts. */
export const merge = (runs: readonly [Result, ...ReadonlyArray<Result>]): Result => {
  const [first, ...rest] = runs
  return rest.reduce((one, other) => ({
    ...one,
    tasks: one.tasks.map((task) => {
      const same = other.tasks.find(({ group, name }) => group === task.group && name === task.name)
      return { ...task, samples: [...task.samples, ...(same?.samples ?? [])] }
    }),
    counts: [...one.counts, ...other.counts]
  }), first)
}
