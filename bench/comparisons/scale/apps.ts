/**
 * What an app takes, of few and of very many.
 */
import * as Effect from "effect/Effect"
import * as Comparison from "../../harness/Comparison.ts"
import type { Task } from "../../harness/Result.ts"
import { ours as name } from "../../harness/Result.ts"
import * as Sizes from "../../harness/Sizes.ts"
import * as Statistics from "../../harness/Statistics.ts"
import * as Fleet from "../../subjects/fleet.ts"

const sizes = [Sizes.few, Sizes.many, Sizes.most]
const { labelOf } = Sizes
const rounds = Comparison.quick ? 1 : 5
const random = Statistics.randomOf(Comparison.seed)

const samples = new Map<
  string,
  { readonly group: string; readonly name: string; readonly unit: string; readonly all: Array<number> }
>()
const note = (group: string, name: string, unit: string, sample: number) => {
  const id = `${group} ${name}`
  const task = samples.get(id) ?? { group, name, unit, all: [] }
  samples.set(id, task)
  task.all.push(sample)
}

const heapAfterCollection = async (): Promise<number> => {
  for (let n = 0; n < 4; n++) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return process.memoryUsage().heapUsed
}

/** Nanoseconds of a get, as long as it takes for a million of them. */
const timeOfGets = async (fleet: Fleet.Fleet, get: (app: string) => Effect.Effect<unknown, unknown>) => {
  const keys = Statistics.shuffled(fleet.apps, random)
  const turns = Math.ceil((Comparison.quick ? 10_000 : 1_000_000) / keys.length)
  const began = performance.now()
  await fleet.run(Effect.gen(function*() {
    for (let turn = 0; turn < turns; turn++) for (const key of keys) yield* get(key)
  }))
  return (performance.now() - began) * 1e6 / (turns * keys.length)
}

/** As in the hot path: what a program writes by hand. */
const handWritten = (fleet: Fleet.Fleet) => {
  const day = Date.now() + 86_400_000
  const map = new Map(fleet.apps.map((app, n) => [app, { token: app, expiresAt: day + n }]))
  return (app: string) =>
    Effect.clockWith((clock) => {
      const entry = map.get(app)
      return entry !== undefined && clock.currentTimeMillisUnsafe() < entry.expiresAt
        ? Effect.succeed(entry)
        : Effect.fail("expired")
    })
}

const measure = async (apps: number, each: boolean, isCounted: boolean): Promise<void> => {
  const label = labelOf(apps)
  const kind = each ? "a token each" : "one organization"
  const record: typeof note = (...args) => isCounted && note(...args)
  // As many fleets as make ten thousand apps: few apps are over in a moment. No collection is forced on them, because the
  // heap shrinks by it and has to grow again.
  const fleets = Math.max(1, Math.round(Sizes.many / apps))
  let took = 0
  for (let n = 0; n < fleets; n++) {
    const timed = await Fleet.open({ apps, each })
    const began = performance.now()
    await timed.resolveAll()
    took += (performance.now() - began) / fleets
    await timed.close()
  }
  const fleet = await Fleet.open({ apps, each })
  const before = await heapAfterCollection()
  await fleet.resolveAll()
  record(`until all have one, ${kind}`, label, "ms", took)
  record(`time per app, ${kind}`, label, "µs", took * 1_000 / apps)
  record(`memory per app, ${kind}`, label, "B", (await heapAfterCollection() - before) / apps)
  if (each) {
    record(label, `${name}, get in a fiber`, "ns", await timeOfGets(fleet, (app) => fleet.tokens.get(app)))
    record(label, "Map.get, Clock, in a fiber", "ns", await timeOfGets(fleet, handWritten(fleet)))
  }
  await fleet.close()
}

// For the compiler, whose code is counted as memory too.
for (const each of [true, false]) for (let n = 0; n < 3; n++) await measure(Comparison.quick ? 100 : 3_000, each, false)
for (let round = 0; round < rounds; round++) {
  for (const apps of Statistics.shuffled(sizes, random)) {
    for (const each of Statistics.shuffled([true, false], random)) await measure(apps, each, true)
  }
}

const fleet = await Fleet.open({ apps: Sizes.many, each: true, takesTurns: true })
await fleet.resolveAll()
await fleet.close()

const tasks = [...samples.values()].map(({ all, ...task }): Task => ({ ...task, samples: all }))
  .toSorted((a, b) =>
    a.group.localeCompare(b.group) ||
    Number.parseInt(a.name.replace(",", "")) - Number.parseInt(b.name.replace(",", ""))
  )

const line = (group: string, title: string) => ({
  name: title,
  points: sizes.map((apps) => ({ x: apps, group, task: labelOf(apps) }))
})

Comparison.report({
  comparison: "scale/apps",
  title: "Scale: what an app takes",
  about: `
All apps ask at once, cold, over a stand-in for flyctl that answers at once. With a token each, every app is in an
organization of its own and needs a mint, under a lease and stored, of some 870 characters; else one token serves all. Memory
is the heap after garbage collection, per app, its token included; the store keeps nothing. Times are means over as many fleets
as make ten thousand apps. Gets are of all apps, in an order of chance; the entries of the hand-written map have an expiry
each, as tokens do.
  `,
  bases: ["Map.get, Clock, in a fiber", labelOf(sizes[0]!)],
  seed: Comparison.seed,
  tasks,
  counts: [{
    group: "children at once",
    name,
    figures: { apps: fleet.apps.length, mints: fleet.flyctl.mints, "children at once": fleet.flyctl.mostRunning }
  }],
  plots: [
    {
      kind: "lines",
      file: "scale-memory.svg",
      title: "Memory per app, bytes",
      xLabel: "apps",
      series: [
        line("memory per app, a token each", "a token each"),
        line("memory per app, one organization", "one organization")
      ]
    },
    {
      kind: "lines",
      file: "scale-time.svg",
      title: "Time per app of a cold get, microseconds",
      xLabel: "apps",
      series: [
        line("time per app, a token each", "a token each"),
        line("time per app, one organization", "one organization")
      ]
    }
  ]
})
