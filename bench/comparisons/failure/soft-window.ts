/**
 * A token that ends soon, and a source that is down.
 */
import * as Comparison from "../../harness/Comparison.ts"
import type { Count } from "../../harness/Result.ts"
import * as Subjects from "../../subjects/index.ts"
import * as Scene from "../../subjects/scene.ts"
import * as Source from "../../subjects/Source.ts"

const gets = 200
const counts: Array<Count> = []

for (const subject of Subjects.onMovedClock) {
  const figures = await Scene.play(
    subject,
    Source.make({ life: 180_000 }),
    async ({ advance, client, serve, source }) => {
      await client.get(Scene.key)
      source.calls = 0
      source.state = "down"
      await advance(91_000)
      const served = await serve(gets)
      return { served, "upstream calls": source.calls }
    }
  )
  counts.push({ group: "89 s left, the source is down", name: subject.name, figures })
}

Comparison.report({
  comparison: "failure/soft-window",
  title: "The source is down while a token ends soon",
  about: `
A token of 180 s; the source goes down at once. When the token has 89 s left there are ${gets} gets one after another, at one
instant. Served: answers with a token that is valid. Upstream calls: those after the first one, what goes on in the
background included. Caches without a refresh ahead make none: all their callers wait when the token has ended.
  `,
  tasks: [],
  counts
})
