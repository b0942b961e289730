/**
 * Very many tokens that come to their refresh at the same moment.
 */
import { monitorEventLoopDelay } from "node:perf_hooks"
import { setTimeout as after } from "node:timers/promises"
import * as Comparison from "../../harness/Comparison.ts"
import { ours as name, type Task } from "../../harness/Result.ts"
import * as Sizes from "../../harness/Sizes.ts"
import * as Fleet from "../../subjects/fleet.ts"

const apps = Sizes.most
const { labelOf } = Sizes
const rounds = Comparison.quick ? 1 : 5
/** Refreshed after half of it: that is how long the sleeper sleeps. */
const ttl = Comparison.quick ? 4 : 30

const samples = new Map<string, Array<number>>()
const note = (task: string, sample: number) => {
  const all = samples.get(task) ?? []
  samples.set(task, all)
  all.push(sample)
}
let missed = 0

const measure = async () => {
  // All tokens are of one moment, so that all are due at one moment.
  const clock = await Fleet.standing()
  const fleet = await Fleet.open({ apps, each: true, ttl: `${ttl} seconds`, clock: clock.clock })
  await fleet.resolveAll()
  globalThis.gc?.()
  const first = fleet.flyctl.mints
  clock.putForward(`${ttl / 2} seconds`)
  const limit = performance.now() + (ttl / 2 + 60) * 1_000
  // Until the sleeper wakes up and the first of them is there.
  while (fleet.flyctl.mints === first && performance.now() < limit) await after(1)
  const delays = monitorEventLoopDelay({ resolution: 1 })
  delays.enable()
  const began = performance.now()
  while (fleet.flyctl.mints < first + apps && performance.now() < limit) await after(5)
  const took = performance.now() - began
  delays.disable()
  missed += first + apps - fleet.flyctl.mints
  note(`${labelOf(apps)}: until all are refreshed`, took)
  note(`${labelOf(apps)}: the longest pause`, delays.max / 1e6)
  note(`${labelOf(apps)}: 99 of 100 pauses are shorter than`, delays.percentile(99) / 1e6)
  await fleet.close()
}

for (let round = 0; round < rounds; round++) await measure()

Comparison.report({
  comparison: "scale/sweep",
  title: "Scale: all are refreshed in one window",
  about: `
Each app has a token of its own, and all of these come to their refresh at the same millisecond; each refresh is a run of the
sources and a mint. A pause is how late the event loop comes to a timer of 1 ms (\`monitorEventLoopDelay\`), garbage
collection included.
  `,
  tasks: [...samples].map(([task, all]): Task => ({ group: "refresh of all", name: task, unit: "ms", samples: all })),
  counts: [{ group: "tokens that were not refreshed", name, figures: { tokens: missed } }]
})
