/**
 * Rejections that nobody can handle, because nobody has the promise: they end a Node program.
 */
import * as Comparison from "../../harness/Comparison.ts"
import type { Count } from "../../harness/Result.ts"
import * as Subjects from "../../subjects/index.ts"
import { oursPromises } from "../../subjects/ours.ts"
import * as Scene from "../../subjects/scene.ts"
import * as Source from "../../subjects/Source.ts"

const callers = 100
const counts: Array<Count> = []
let unhandled = 0
process.on("unhandledRejection", () => void unhandled++)

/** Every caller handles what it gets. */
const all = (get: () => Promise<unknown>) => Promise.allSettled(Array.from({ length: callers }, get))

for (const subject of Subjects.onMovedClock) {
  unhandled = 0
  const failed = await Scene.play(subject, Source.make({ life: 180_000, state: "down" }), async (scene) => {
    const { advance, client, source } = scene
    const get = () => client.get(Scene.key)
    const outcomes = await all(get)
    await advance(60_000)
    source.state = "up"
    await get()
    source.state = "down"
    // Soon at its end, then past it.
    for (let n = 0; n < 20; n++) {
      await advance(10_000)
      outcomes.push(...await all(get))
    }
    return outcomes.filter(({ status }) => status === "rejected").length
  })
  counts.push({ group: "the source is down", name: subject.name, figures: { "gets that failed": failed, unhandled } })
}

/** The promise front keeps its own time here: a herd that fails, half of which does not wait for that. */
unhandled = 0
const { client, close } = await oursPromises.open(Source.make({ state: "down", delay: 20 }))
let n = 0
const outcomes = await all(() => client.get(Scene.key, n++ % 2 === 0 ? { signal: AbortSignal.timeout(1) } : {}))
await close()
await Scene.settle()
counts.push({
  group: "the source is down",
  name: oursPromises.name,
  figures: { "gets that failed": outcomes.filter(({ status }) => status === "rejected").length, unhandled }
})

Comparison.report({
  comparison: "failure/unhandled",
  title: "Unhandled rejections",
  about: `
The source is down, then up for one token of 180 s, then down until that token has ended. ${callers} gets at once every
10 s, each of which handles its failure. By promises, this library has one such herd, half of it with signals that abort.
Unhandled are rejections of promises that no caller has: in Node they end the program.
  `,
  tasks: [],
  counts
})
