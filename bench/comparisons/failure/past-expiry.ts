/**
 * A token that has ended, and a source that is down.
 */
import * as Comparison from "../../harness/Comparison.ts"
import type { Count } from "../../harness/Result.ts"
import * as Subjects from "../../subjects/index.ts"
import * as Scene from "../../subjects/scene.ts"
import * as Source from "../../subjects/Source.ts"

const gets = 200
const pause = 500
/** The library's default: `failureCooldown`. */
const backOff = 5_000
const counts: Array<Count> = []

for (const subject of Subjects.onMovedClock) {
  const figures = await Scene.play(
    subject,
    Source.make({ life: 180_000 }),
    async ({ advance, client, serve, source }) => {
      await client.get(Scene.key)
      source.state = "down"
      await advance(181_000)
      source.calls = 0
      let served = 0
      for (let n = 0; n < gets; n++) {
        served += await serve(1)
        await advance(pause)
      }
      return { served, "upstream calls": source.calls, "calls per 5 s": source.calls / (gets * pause / backOff) }
    }
  )
  counts.push({ group: "past its expiry, the source is down", name: subject.name, figures })
}

Comparison.report({
  comparison: "failure/past-expiry",
  title: "The source is down when a token has ended",
  about: `
A token of 180 s that has ended, and a source that is down: ${gets} gets, one every ${
    pause / 1000
  } s. A failure is remembered by
this library for ${
    backOff / 1000
  } s, the default of \`failureCooldown\`. Served: answers with a token that is valid; there can be none. octokit
never looks at when its token ends, and hands it out for 59 minutes.
  `,
  tasks: [],
  counts
})
