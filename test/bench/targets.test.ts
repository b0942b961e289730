/**
 * What the benchmarks make of figures: complete or not, reached or not.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arguments from "../../bench/harness/Arguments.ts"
import * as Result from "../../bench/harness/Result.ts"
import * as Target from "../../bench/harness/Target.ts"
import { targets } from "../../bench/targets.ts"

const result = (options: Partial<Result.Result> = {}): Result.Result => ({
  comparison: "some",
  title: "Some",
  about: "About.",
  tasks: [
    { group: "g", name: "theirs", unit: "ns", samples: [10, 100, 11] },
    { group: "g", name: "effect-fly-tokens", unit: "ns", samples: [5, 50, 5.5] }
  ],
  counts: [{ group: "g", name: "effect-fly-tokens", figures: { mints: 1 } }],
  ...options
})

const target = (options: Partial<Target.Target> = {}): Target.Target => ({
  statement: "half of theirs",
  comparison: "some",
  kind: "time",
  figure: ({ ratio }) => ratio("some", "g", "effect-fly-tokens", "theirs"),
  relation: "at most",
  limit: 0.5,
  unit: "×",
  ...options
})

describe("benchmarks: targets", () => {
  it.each(
    [
      ["at most", 2, 2, true],
      ["at most", 2, 2.01, false],
      ["at least", 2, 2, true],
      ["at least", 2, 1.99, false],
      ["exactly", 2, 2, true],
      ["exactly", 2, 1, false],
      ["at most", 2, Number.NaN, false],
      ["exactly", 2, Number.NaN, false]
    ] as const
  )("%s %d: %d is %s", (relation, limit, figure, reached) => {
    assert.strictEqual(Target.isReached({ relation, limit }, figure), reached)
  })

  it("a target holds if it does so in every run", () => {
    const slow = result({
      tasks: [
        { group: "g", name: "theirs", unit: "ns", samples: [10] },
        { group: "g", name: "effect-fly-tokens", unit: "ns", samples: [6] }
      ]
    })
    const [both] = Target.verdicts([target()], [[result()], [result()]])
    assert.deepStrictEqual([both?.figures, both?.holds], [[0.5, 0.5], true])
    const [once] = Target.verdicts([target()], [[result()], [slow]])
    assert.deepStrictEqual([once?.figures, once?.holds], [[0.5, 0.6], false])
  })

  it("targets of comparisons that were not run are left out", () => {
    assert.deepStrictEqual(Target.verdicts([target({ comparison: "other" })], [[result()]]), [])
  })

  it("a quick run complains of wrong counts and missing figures, not of times", () => {
    const mints = (limit: number) =>
      target({
        kind: "count",
        relation: "exactly",
        limit,
        figure: ({ count }) => count("some", "g", "effect-fly-tokens", "mints")
      })
    const complaints = (...all: ReadonlyArray<Target.Target>) =>
      Target.complaints(Target.verdicts(all, [[result()]])).length
    assert.strictEqual(complaints(mints(1), target({ limit: 0.1 })), 0)
    assert.strictEqual(complaints(mints(2)), 1)
    assert.strictEqual(complaints(target({ figure: ({ median }) => median("some", "g", "gone") })), 1)
    assert.strictEqual(complaints(target({ figure: ({ count }) => count("some", "g", "theirs", "mints") })), 1)
  })

  it("each target says something of its own", () => {
    assert.strictEqual(new Set(targets.map(({ statement }) => statement)).size, targets.length)
    assert.isAbove(targets.length, 0)
  })
})

describe("benchmarks: results", () => {
  it("are the last line that a comparison prints", () => {
    assert.deepStrictEqual(Result.parse(`a warning\n\n${JSON.stringify(result())}\n`), result())
    assert.throws(() => Result.parse("done\n"))
    assert.throws(() => Result.parse("{\"other\":1}\n"))
  })

  it.each(
    [
      ["complete", {}, 0],
      ["no figures", { tasks: [], counts: [] }, 1],
      ["no samples", { tasks: [{ group: "g", name: "a", unit: "ns", samples: [] }] }, 1],
      // As JSON has it of what is no number.
      [
        "a sample that is no number",
        { tasks: [{ group: "g", name: "a", unit: "ns", samples: [1, null as never] }] },
        1
      ],
      ["a time of 0", { tasks: [{ group: "g", name: "a", unit: "ns", samples: [0] }] }, 1],
      ["a count that is no number", { counts: [{ group: "g", name: "a", figures: { calls: null as never } }] }, 1],
      ["a plot of nothing", { plots: [{ kind: "bars", file: "a.svg", title: "A", group: "other" }] }, 1]
    ] as const
  )("%s", (_name, options, faults) => {
    assert.strictEqual(Result.faults(result(options)).length, faults)
  })

  it("of several runs have all rounds and all counts", () => {
    const one = Result.merge([result(), result({ counts: [{ group: "g", name: "a", figures: { mints: 3 } }] })])
    assert.deepStrictEqual(one.tasks[0]?.samples, [10, 100, 11, 10, 100, 11])
    assert.deepStrictEqual(one.counts.map(({ figures }) => figures["mints"]), [1, 3])
  })
})

describe("benchmarks: the command line", () => {
  it("has flags and names in any order", () => {
    assert.deepStrictEqual(Arguments.parse(["herd", "--quick", "--runs", "3", "failure", "--seed", "9"], 1), {
      quick: true,
      runs: 3,
      seed: 9,
      names: ["herd", "failure"]
    })
    assert.deepStrictEqual(Arguments.parse([], 4), { quick: false, runs: 1, seed: 4, names: [] })
  })

  it.each([[["--runs"]], [["--runs", "0"]], [["--runs", "1.5"]], [["--fast"]]])("refuses %j", (words) => {
    assert.throws(() => Arguments.parse(words, 1), /npm run bench/)
  })

  it("chooses comparisons by name and by folder", () => {
    const all = ["hot-path", "herd", "failure/secrets", "failure/unhandled"]
    assert.deepStrictEqual(Arguments.chosen(all, []), all)
    assert.deepStrictEqual(Arguments.chosen(all, ["failure", "herd"]), all.slice(1))
    assert.deepStrictEqual(Arguments.chosen(all, ["failure/secrets"]), ["failure/secrets"])
    assert.throws(() => Arguments.chosen(all, ["fail"]), /no comparison fail/)
  })
})
