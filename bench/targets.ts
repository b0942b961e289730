/**
 * What is to be reached, in one place. A figure that is missing is `NaN`, and does not hold.
 */
import { ours } from "./harness/Result.ts"
import * as Sizes from "./harness/Sizes.ts"
import type { Figures, Target } from "./harness/Target.ts"

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

/** What a row of failures is to come to for this library. */
const counted = (
  comparison: string,
  group: string,
  name: string,
  figure: string,
  limit: number,
  statement: string,
  relation: Target["relation"] = "exactly"
): Target => ({
  statement,
  comparison,
  kind: "count",
  figure: ({ count }) => count(comparison, group, name, figure),
  relation,
  limit,
  unit: ""
})

const failure = (row: string, group: string, figure: string, limit: number, statement: string) =>
  counted(`failure/${row}`, group, ours, figure, limit, statement)

const softWindow = "89 s left, the source is down"
const hung = "the first call never answers"

const failureTargets: ReadonlyArray<Target> = [
  failure("soft-window", softWindow, "served", 200, "200 gets in the soft window, the source is down: 200 served"),
  failure("soft-window", softWindow, "upstream calls", 1, "200 gets in the soft window, the source is down: 1 call"),
  counted(
    "failure/past-expiry",
    "past its expiry, the source is down",
    ours,
    "calls per 5 s",
    1,
    "past expiry, the source is down: calls per back-off",
    "at most"
  ),
  failure("short-token", "a token of 120 s", "served", 200, "a token of 120 s, 200 gets: 200 served"),
  failure("short-token", "a token of 120 s", "upstream calls", 1, "a token of 120 s, 200 gets: 1 call"),
  failure("rejections", "one after another", "mints", 1, "100 staggered rejections of one token: 1 mint"),
  failure("rejections", "at once", "mints", 1, "100 rejections of one token at once: 1 mint"),
  failure("rejections", "one after another", "got another token", 100, "100 staggered rejections: 100 other tokens"),
  failure("hung-source", hung, "settled within 45 s", 10, "hung source, 10 callers: 10 settle by the limit"),
  failure("hung-source", hung, "next get served", 1, "hung source: the next get starts anew"),
  ...[ours, promises].map((name) =>
    counted(
      "failure/unhandled",
      "the source is down",
      name,
      "unhandled",
      0,
      `unhandled rejections, ${name === ours ? "fibers" : "promises"}`
    )
  ),
  failure("secrets", "texts with a secret", "total", 0, "texts with a secret"),
  failure("organizations", "1,000 apps at once", "mints", 3, "1,000 apps of 3 organizations: 3 mints"),
  failure("processes", "16 processes", "mints", 1, "16 processes, one cold store: 1 mint")
]

const apps = "scale/apps"
const [few, many, most] = [Sizes.few, Sizes.many, Sizes.most].map(Sizes.labelOf) as [string, string, string]

/** The largest of the medians over the smallest: 1 is flat. */
const spread = (figures: ReadonlyArray<number>) => Math.max(...figures) / Math.min(...figures)

const flat = (statement: string, figures: (read: Figures) => ReadonlyArray<number>): Target => ({
  statement,
  comparison: apps,
  kind: "size",
  figure: (read) => spread(figures(read)),
  relation: "at most",
  limit: 1.2,
  unit: "×"
})

const scaleTargets: ReadonlyArray<Target> = [
  {
    statement: "10,000 apps cold, a token each, instant flyctl: under 1 s",
    comparison: apps,
    kind: "time",
    figure: ({ median }) => median(apps, "until all have one, a token each", many),
    relation: "at most",
    limit: 1_000,
    unit: "ms"
  },
  counted(
    apps,
    "children at once",
    ours,
    "children at once",
    4,
    "10,000 apps cold: never more than `cliConcurrency` (4) children",
    "at most"
  ),
  {
    statement: "memory per app, a token of over 800 characters each: at most 4 kB",
    comparison: apps,
    kind: "size",
    figure: ({ median }) => median(apps, "memory per app, a token each", many),
    relation: "at most",
    limit: 4_000,
    unit: "B"
  },
  ...["a token each", "one organization"].flatMap((kind) =>
    ["memory", "time"].map((what) =>
      flat(
        `${what} per app, ${kind}: flat within 20 % from 1,000 to 100,000 apps`,
        ({ median }) => [few, many, most].map((size) => median(apps, `${what} per app, ${kind}`, size))
      )
    )
  ),
  flat(
    "cost of a get, over a hand-written map of as many apps: flat within 20 % from 1,000 to 100,000",
    ({ ratio }) =>
      [few, many, most].map((size) => ratio(apps, size, `${ours}, get in a fiber`, "Map.get, Clock, in a fiber"))
  ),
  {
    statement: "100,000 apps are refreshed in one window: no pause of the event loop over 50 ms",
    comparison: "scale/sweep",
    kind: "time",
    figure: ({ median }) => median("scale/sweep", "refresh of all", `${most}: the longest pause`),
    relation: "at most",
    limit: 50,
    unit: "ms"
  },
  counted("scale/sweep", "tokens that were not refreshed", ours, "tokens", 0, "100,000 apps: all are refreshed"),
  {
    statement: "cold start of `fly-tokens get`, the token in the store: at most 1.5 × `import(\"effect/Effect\")`",
    comparison: "start-up",
    kind: "time",
    figure: ({ ratio }) => ratio("start-up", "the command", `${ours}: get, from the store`, "import of effect/Effect"),
    relation: "at most",
    limit: 1.5,
    unit: "×"
  }
]

export const targets: ReadonlyArray<Target> = [
  ...hotPathTargets,
  ...herdTargets,
  ...failureTargets,
  ...scaleTargets
]
