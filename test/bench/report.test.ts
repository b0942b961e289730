/**
 * How the benchmarks show what they found: figures, tables, the page, plots.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Bars from "../../bench/harness/Bars.ts"
import * as Format from "../../bench/harness/Format.ts"
import * as Lines from "../../bench/harness/Lines.ts"
import * as Report from "../../bench/harness/Report.ts"
import * as Result from "../../bench/harness/Result.ts"
import type { Verdict } from "../../bench/harness/Target.ts"

describe("benchmarks: figures and tables", () => {
  it.each([
    [0, "0"],
    [7, "7"],
    [0.05123, "0.0512"],
    [1.2345, "1.23"],
    [12.345, "12.3"],
    [186.4, "186"],
    [12_400.4, "12,400"],
    [10_000, "10,000"],
    [Number.NaN, "–"]
  ])("%d is written %s", (figure, text) => {
    assert.strictEqual(Format.number(figure), text)
  })

  it("columns line up, and a bar in a name does not end a cell", () => {
    assert.strictEqual(
      Format.table(["name", "ns"], [["a|b", "1"], ["longer", "1,000"]]),
      ["| name   |    ns |", "| ------ | ----: |", "| a\\|b   |     1 |", "| longer | 1,000 |"].join("\n")
    )
  })
})

const result: Result.Result = {
  comparison: "some",
  title: "Some comparison",
  about: "What is done.",
  bases: ["gone", "theirs"],
  seed: 3,
  tasks: [
    { group: "first", name: "effect-fly-tokens", unit: "ns", samples: [30, 20, 10] },
    { group: "first", name: "theirs", unit: "ns", samples: [15, 10, 5] },
    { group: "second", name: "other", unit: "ms", samples: [7] }
  ],
  counts: [
    { group: "first", name: "effect-fly-tokens", figures: { calls: 1, served: 2 } },
    { group: "third", name: "theirs", figures: { calls: 200 } }
  ],
  plots: [
    { kind: "bars", file: "some.svg", title: "Some bars", group: "first" },
    {
      kind: "lines",
      file: "lines.svg",
      title: "Some lines",
      xLabel: "apps",
      series: [{
        name: "theirs",
        points: [{ x: 1_000, group: "first", task: "theirs" }, {
          x: 10_000,
          group: "first",
          task: "effect-fly-tokens"
        }]
      }]
    }
  ]
}

const verdict = (holds: boolean): Verdict => ({
  target: {
    statement: holds ? "a is fast" : "b is fast",
    comparison: "some",
    kind: "time",
    figure: () => 1,
    relation: "at most",
    limit: 1.5,
    unit: "×"
  },
  figures: [holds ? 1 : 2, 1.25],
  holds
})

const page = (verdicts: ReadonlyArray<Verdict>, results: ReadonlyArray<Result.Result> = [result]) =>
  Report.page({
    surroundings: { date: "2026-11-24", machine: "2 × CPU", node: "Node 24", versions: { effect: "4.1.0" } },
    results,
    verdicts,
    runs: 2,
    notes: "## Notes\n\nWhat was tried.\n",
    plots: "plots"
  })

describe("benchmarks: the page", () => {
  const lines = page([verdict(true), verdict(false)]).split("\n").map((line) => line.replaceAll(/ +/g, " "))

  it("names the machine, the versions and the runs", () => {
    const text = lines.join("\n")
    assert.include(text, "2026-11-24, in 2 runs one after another, on 2 × CPU, with Node 24")
    assert.include(lines, "| effect | 4.1.0 |")
    assert.include(text, "What was tried.")
  })

  it("says of each target its figure in each run, and whether it holds", () => {
    assert.include(lines, "1 of 2 targets hold.")
    assert.include(lines, "| a is fast | at most 1.5 × | 1 × | 1.25 × | holds |")
    assert.include(lines, "| b is fast | at most 1.5 × | 2 × | 1.25 × | **does not hold** |")
    assert.include(page([verdict(true)]), "Every target holds.")
  })

  it("has a table of each group, the fastest on top, with the ratio to the base of the group", () => {
    const at = lines.indexOf("| first | median | × theirs | calls | served |")
    assert.deepStrictEqual(lines.slice(at + 2, at + 4), [
      "| theirs | 10 ns | 1 | – | – |",
      "| **effect-fly-tokens** | 20 ns | 2 | 1 | 2 |"
    ])
    assert.include(lines, "| second | median |")
    assert.include(lines, "| other | 7 ms |")
    assert.include(lines, "| theirs | 200 |")
  })

  it("shows counts that differ between runs from the least to the most", () => {
    const other = { ...result, counts: [{ group: "third", name: "theirs", figures: { calls: 3 } }] }
    const merged = page([], [Result.merge([result, other])]).replaceAll(/ +/g, " ")
    assert.include(merged, "| theirs | 3–200 |")
  })

  it("is the same text for the same figures", () => {
    assert.strictEqual(page([verdict(true)]), page([verdict(true)]))
  })
})

/** Widths and positions of bars, by their class. */
const bars = (svg: string) =>
  [...svg.matchAll(/<rect class="(ours|peer)" x="(\d+)" y="\d+" width="([\d.]+)"/g)].map((match) => ({
    kind: match[1],
    width: Number(match[3])
  }))

describe("benchmarks: plots", () => {
  it("bars: the shortest on top, ours highlighted, each power of ten as long as the others", () => {
    const svg = Bars.render("Bars", "ns", [
      { name: "c", value: 1_000, isOurs: false },
      { name: "a <b>", value: 10, isOurs: false },
      { name: "ours", value: 100, isOurs: true }
    ])
    const [a, b, c] = bars(svg)
    assert.deepStrictEqual([a?.kind, b?.kind, c?.kind], ["peer", "ours", "peer"])
    assert.closeTo(b!.width - a!.width, c!.width - b!.width, 0.2)
    assert.isAbove(a!.width, 10)
    assert.include(svg, "a &lt;b&gt;")
    assert.notInclude(svg, "<b>")
    assert.include(svg, "prefers-color-scheme: dark")
  })

  it("lines: begin at 0, and what is equal is level", () => {
    const svg = Lines.render("Lines", "apps", "kB", [
      { name: "flat", points: [{ x: 1_000, y: 3 }, { x: 10_000, y: 3 }, { x: 100_000, y: 3 }] },
      { name: "growing", points: [{ x: 1_000, y: 1 }, { x: 100_000, y: 4 }] }
    ])
    const [flat, growing] = [...svg.matchAll(/points="([^"]+)"/g)].map((match) =>
      match[1]!.split(" ").map((point) => point.split(",").map(Number))
    )
    assert.strictEqual(new Set(flat!.map(([, y]) => y)).size, 1)
    const xs = flat!.map(([x]) => x!)
    assert.closeTo(xs[1]! - xs[0]!, xs[2]! - xs[1]!, 0.2)
    assert.isBelow(growing![1]![1]!, growing![0]![1]!)
    assert.include(svg, ">0 kB<")
    assert.include(svg, ">100,000<")
  })

  it("lines: one point only", () => {
    assert.notInclude(Lines.render("Lines", "apps", "kB", [{ name: "a", points: [{ x: 1, y: 1 }] }]), "NaN")
  })

  it("are drawn from medians", () => {
    const [first, second] = result.plots!.map((plot) => Report.plot(result, plot))
    assert.include(first!, "theirs: 10 ns; effect-fly-tokens: 20 ns")
    assert.include(second!, "theirs: 10 ns at 1,000, 20 ns at 10,000")
  })
})
