/**
 * A token that is so short that others take it for expired from the start.
 */
import * as Comparison from "../../harness/Comparison.ts"
import type { Count } from "../../harness/Result.ts"
import * as Subjects from "../../subjects/index.ts"
import * as Scene from "../../subjects/scene.ts"
import * as Source from "../../subjects/Source.ts"

const gets = 200
const counts: Array<Count> = []

for (const subject of Subjects.onMovedClock) {
  const figures = await Scene.play(subject, Source.make({ life: 120_000 }), async ({ serve, source }) => {
    const served = await serve(gets)
    await Scene.settle()
    return { served, "upstream calls": source.calls }
  })
  counts.push({ group: "a token of 120 s", name: subject.name, figures })
}

Comparison.report({
  comparison: "failure/short-token",
  title: "A token of 120 seconds",
  about: `
${gets} gets one after another, at one instant, of a token that lives 120 s. AWS and Google take a token for expired five
minutes before it is.
  `,
  tasks: [],
  counts
})
