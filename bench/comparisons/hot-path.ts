/**
 * What a token costs that is there already.
 */
import * as Effect from "effect/Effect"
import { do_not_optimize as keep } from "mitata"
import * as Comparison from "../harness/Comparison.ts"
import { ours as name } from "../harness/Result.ts"
import * as Rounds from "../harness/Rounds.ts"
import * as Statistics from "../harness/Statistics.ts"
import { nanoseconds } from "../harness/Timing.ts"
import * as Subjects from "../subjects/index.ts"
import { ours, oursPromises } from "../subjects/ours.ts"
import * as Source from "../subjects/Source.ts"

const inOneFiber = 1_000

/** In an order of chance, so that it is not the order in which they lie in memory. */
const keysOf = (count: number): ReadonlyArray<string> => {
  const keys = Array.from({ length: count }, (_, n) => `app-${n}`)
  return Statistics.shuffled(keys, Statistics.randomOf(count))
}

const jobs: Array<Rounds.Job> = []
const closing: Array<() => Promise<void>> = []

const addGroup = async (group: string, count: number) => {
  const keys = keysOf(count)
  let turn = 0
  const next = count === 1 ? () => keys[0]! : () => keys[turn = turn + 1 === count ? 0 : turn + 1]!
  const add = (name: string, call: () => unknown, calls: number = 1) =>
    void jobs.push({ group, name, unit: "ns", run: () => nanoseconds(call, calls) })
  const addFiber = (name: string, get: (key: string) => Effect.Effect<unknown, unknown>) =>
    add(
      `${name}, in a fiber`,
      () =>
        Effect.runPromise(Effect.gen(function*() {
          for (let n = 0; n < inOneFiber; n++) keep(yield* get(next()))
        })),
      inOneFiber
    )

  const day = Date.now() + 86_400_000
  const map = new Map(keys.map((key) => [key, { value: key, expiresAt: day }]))
  const valid = (key: string) => {
    const entry = map.get(key)
    return entry !== undefined && Date.now() < entry.expiresAt ? entry : undefined
  }
  const asynchronous = async (key: string) => map.get(key)
  add("Map.get", () => keep(map.get(next())))
  add("Map.get, Date.now()", () => keep(valid(next())))
  add("await of Map.get", () => asynchronous(next()))
  // What the loop itself costs.
  addFiber("nothing", () => Effect.void)
  addFiber("Map.get, Clock", (key) =>
    Effect.clockWith((clock) => {
      const entry = map.get(key)
      return entry !== undefined && clock.currentTimeMillisUnsafe() < entry.expiresAt
        ? Effect.succeed(entry)
        : Effect.fail("expired")
    }))

  for (const subject of [...Subjects.promises.filter((each) => each !== Subjects.handWritten), oursPromises]) {
    const client = await subject.open(Source.make())
    closing.push(client.close)
    for (const key of keys) await client.get(key)
    if (count > 1) add(subject.name, () => client.get(next()))
    else {
      const get = client.one(keys[0]!)
      await get()
      add(subject.name, get)
    }
  }
  for (const subject of [...Subjects.fibers, ours]) {
    const client = await subject.open(Source.make())
    closing.push(client.close)
    for (const key of keys) await client.get(key)
    addFiber(subject.name, client.effect)
    add(`${subject.name}, runPromise`, () => Effect.runPromise(client.effect(next())))
  }
  const client = await ours.open(Source.make())
  closing.push(client.close)
  for (const key of keys) await client.get(key)
  add(`${name}, peek`, () => keep(client.tokens.peek(next())))
}

await addGroup("one app", 1)
await addGroup("1,000 apps", Comparison.quick ? 50 : 1_000)
const tasks = await Rounds.run(jobs, Comparison.rounds)
for (const close of closing) await close()

Comparison.report({
  comparison: "hot-path",
  title: "Hot path: a cached token",
  about: `
The time of one call that finds a token in memory. Promises are awaited one after another. In a fiber: ${
    inOneFiber.toLocaleString("en-US")
  } calls
in one \`Effect.gen\` of one \`Effect.runPromise\`, divided by their number, nothing subtracted; the loop is the same for
all. Libraries that have a provider per identity (AWS, Google, Azure) are called as a program with one of them does it in
the first group, and out of a map by app in the second.
  `,
  bases: ["Map.get"],
  seed: Comparison.seed,
  tasks,
  counts: [],
  plots: [{ kind: "bars", file: "hot-path.svg", title: "A cached token of one app", group: "one app" }]
})
