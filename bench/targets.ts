/**
 * What is to be reached, in one place. A figure that is missing is `NaN`, and does not hold.
 */
import { ours } from "./harness/Result.ts"
import type { Target } from "./harness/Target.ts"

const hotPath = "hot-path"
const oneApp = "one app"
const promises = `${ours} (promises)`

const hotPathTargets: ReadonlyArray<Target> = [
  {
    statement: "cached `get` in a fiber: at most half of Effect `Cache.get`",
    comparison: hotPath,
    kind: "time",
    figure: ({ ratio }) => ratio(hotPath, oneApp, `${ours}, in a fiber`, "Effect Cache, in a fiber"),
    relation: "at most",
    limit: 0.5,
    unit: "×"
  },
  {
    // That one ran on a machine of the same kind, but not in this run: 631 ns at its best.
    statement: "cached `get` in a fiber: three times as fast as the Elixir original (631 ns at its best)",
    comparison: hotPath,
    kind: "time",
    figure: ({ median }) => 631 / median(hotPath, oneApp, `${ours}, in a fiber`),
    relation: "at least",
    limit: 3,
    unit: "×"
  },
  {
    statement: "`peek`: at most 1.5 × (`Map.get` + `Date.now()`)",
    comparison: hotPath,
    kind: "time",
    figure: ({ ratio }) => ratio(hotPath, oneApp, `${ours}, peek`, "Map.get, Date.now()"),
    relation: "at most",
    limit: 1.5,
    unit: "×"
  },
  {
    statement: "promise front: no slower than AWS `memoize`",
    comparison: hotPath,
    kind: "time",
    figure: ({ ratio }) => ratio(hotPath, oneApp, promises, "AWS memoize"),
    relation: "at most",
    limit: 1,
    unit: "×"
  }
]

const herd = "herd"

const herdTargets: ReadonlyArray<Target> = ["success", "failure", "time-out"].flatMap((outcome): Array<Target> => [
  ...([["promises", promises], ["fibers", ours]] as const).map(([by, name]): Target => ({
    statement: `10,000 cold gets of one app, ${by}, ${outcome}: 1 mint`,
    comparison: herd,
    kind: "count",
    figure: ({ count }) => count(herd, `${by}, ${outcome}`, name, "upstream calls"),
    relation: "exactly",
    limit: 1,
    unit: ""
  })),
  {
    statement: `10,000 cold gets of one app, promises, ${outcome}: at most 2 × the hand-written map of promises`,
    comparison: herd,
    kind: "time",
    figure: ({ ratio }) => ratio(herd, `promises, ${outcome}`, promises, "Map<key, Promise>"),
    relation: "at most",
    limit: 2,
    unit: "×"
  },
  {
    statement: `10,000 cold gets of one app, fibers, ${outcome}: at most Effect \`Cache\``,
    comparison: herd,
    kind: "time",
    figure: ({ ratio }) => ratio(herd, `fibers, ${outcome}`, ours, "Effect Cache"),
    relation: "at most",
    limit: 1,
    unit: "×"
  }
])

export const targets: ReadonlyArray<Target> = [...hotPathTargets, ...herdTargets]
