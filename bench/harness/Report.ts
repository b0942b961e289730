/**
 * RESULTS.md and its plots, out of results.
 */
import * as Bars from "./Bars.ts"
import * as Format from "./Format.ts"
import * as Lines from "./Lines.ts"
import { type BarsPlot, isOurs, type LinesPlot, type Result } from "./Result.ts"
import * as Statistics from "./Statistics.ts"
import type { Verdict } from "./Target.ts"

export interface Surroundings {
  readonly date: string
  readonly machine: string
  readonly node: string
  readonly versions: Readonly<Record<string, string>>
}

const strong = (name: string): string => isOurs(name) ? `**${name}**` : name

/** The same figure of all runs, or from the least to the most. */
const range = (figures: ReadonlyArray<number>): string => {
  if (figures.length === 0) return "–"
  const [least, most] = [Math.min(...figures), Math.max(...figures)]
  return least === most ? Format.number(least) : `${Format.number(least)}–${Format.number(most)}`
}

const groupOf = ({ bases = [], counts, tasks }: Result, group: string): string => {
  const timed = tasks.filter((task) => task.group === group)
  const counted = counts.filter((count) => count.group === group)
  const figures = [...new Set(counted.flatMap((count) => Object.keys(count.figures)))]
  const base = bases.find((name) => timed.some((task) => task.name === name))
  const baseSamples = timed.find(({ name }) => name === base)?.samples
  const median = (name: string) => Statistics.median(timed.find((task) => task.name === name)?.samples ?? [])
  const names = [...new Set([...timed, ...counted].map(({ name }) => name))]
  if (timed.length > 0) names.sort((a, b) => median(a) - median(b))
  const rows = names.map((name) => {
    const task = timed.find((task) => task.name === name)
    const figuresOf = (figure: string) =>
      counted.filter((count) => count.name === name).flatMap((count) => count.figures[figure] ?? [])
    return [
      strong(name),
      ...(timed.length === 0 ? [] : [task === undefined ? "–" : Format.measure(median(name), task.unit)]),
      ...(baseSamples === undefined ? [] : [Format.number(Statistics.ratio(task?.samples ?? [], baseSamples))]),
      ...figures.map((figure) => range(figuresOf(figure)))
    ]
  })
  const header = [
    group,
    ...(timed.length === 0 ? [] : ["median"]),
    ...(baseSamples === undefined ? [] : [`× ${base}`]),
    ...figures
  ]
  return Format.table(header, rows)
}

const sectionOf = (result: Result, plots: string): string => {
  const groups = [...new Set([...result.tasks, ...result.counts].map(({ group }) => group))]
  const rounds = Math.max(0, ...result.tasks.map(({ samples }) => samples.length))
  return [
    `## ${result.title}`,
    result.about.trim(),
    ...(rounds === 0
      ? []
      : [
        `Medians of ${
          rounds === 1 ? "1 round" : `${rounds} rounds`
        }; the order of the first run is that of seed ${result.seed}.`
      ]),
    ...(result.plots ?? []).map(({ file, title }) => `![${title}](${plots}/${file})`),
    ...groups.map((group) => groupOf(result, group))
  ].join("\n\n")
}

const targetsOf = (verdicts: ReadonlyArray<Verdict>): string =>
  Format.table(
    ["target", "limit", ...(verdicts[0]?.figures ?? []).map((_, run) => `run ${run + 1}`), "verdict"],
    verdicts.map(({ figures, holds, target: { limit, relation, statement, unit } }) => [
      statement,
      `${relation === "exactly" ? "" : `${relation} `}${Format.measure(limit, unit)}`,
      ...figures.map((figure) => Format.measure(figure, unit)),
      holds ? "holds" : "**does not hold**"
    ])
  )

/** The page. `results` are the runs' results merged, `notes` is prose that stands between the targets and the figures. */
export const page = (options: {
  readonly surroundings: Surroundings
  readonly results: ReadonlyArray<Result>
  readonly verdicts: ReadonlyArray<Verdict>
  readonly runs: number
  readonly notes: string
  readonly plots: string
}): string => {
  const { notes, plots, results, runs, surroundings, verdicts } = options
  const missed = verdicts.filter(({ holds }) => !holds).length
  return `${
    [
      "# Results",
      "<!-- Written by `npm run bench`: change bench/NOTES.md or what is measured, not this file. -->",
      `Measured ${surroundings.date}, ${
        runs === 1 ? "in one run" : `in ${runs} runs one after another`
      }, on ${surroundings.machine}, with ${surroundings.node}. Times are for orientation; what counts are ratios, taken within a round. How it is measured: [README.md](README.md).`,
      "## Where we want to be",
      missed === 0 ? "Every target holds." : `${verdicts.length - missed} of ${verdicts.length} targets hold.`,
      targetsOf(verdicts),
      notes.trim(),
      ...results.map((result) => sectionOf(result, plots)),
      "## Versions",
      Format.table(
        ["package", "version"],
        Object.entries(surroundings.versions).map(([name, version]) => [name, version])
      )
    ].filter((part) => part !== "").join("\n\n")
  }\n`
}

/** A plot's picture. */
export const plot = (result: Result, plot: BarsPlot | LinesPlot): string => {
  const taskOf = (group: string, name: string) =>
    result.tasks.find((task) => task.group === group && task.name === name)
  if (plot.kind === "bars") {
    const tasks = result.tasks.filter(({ group }) => group === plot.group)
    const bars = tasks.map(({ name, samples }) => ({ name, value: Statistics.median(samples), isOurs: isOurs(name) }))
    return Bars.render(plot.title, tasks[0]?.unit ?? "", bars)
  }
  const [first] = plot.series.flatMap(({ points }) => points)
  const unit = first === undefined ? "" : taskOf(first.group, first.task)?.unit ?? ""
  const lines = plot.series.map(({ name, points }) => ({
    name,
    points: points.map(({ group, task, x }) => ({ x, y: Statistics.median(taskOf(group, task)?.samples ?? []) }))
  }))
  return Lines.render(plot.title, plot.xLabel, unit, lines)
}
