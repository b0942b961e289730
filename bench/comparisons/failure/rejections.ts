/**
 * Many who had the same token hear that it is refused.
 */
import * as Comparison from "../../harness/Comparison.ts"
import type { Count } from "../../harness/Result.ts"
import * as Subjects from "../../subjects/index.ts"
import * as Scene from "../../subjects/scene.ts"
import * as Source from "../../subjects/Source.ts"

const callers = 100
const counts: Array<Count> = []

/** How many tokens were minted after the first one. */
const mints = (subject: (typeof Subjects.onMovedClock)[number], isStaggered: boolean) =>
  Scene.play(subject, Source.make(), async ({ advance, client, source }) => {
    const { replace } = client
    if (replace === undefined) return undefined
    const answer = await client.get(Scene.key)
    const first = client.tokenOf(answer)
    source.calls = 0
    const reports: Array<Promise<unknown>> = []
    for (let n = 0; n < callers; n++) {
      const report = replace(Scene.key, answer)
      if (isStaggered) {
        await report
        await advance(100)
      }
      reports.push(report)
    }
    const answers = await Promise.all(reports)
    const other = answers.filter((answer) => client.tokenOf(answer) !== first).length
    return { mints: source.calls, "got another token": other }
  })

for (const subject of Subjects.onMovedClock) {
  for (const [group, isStaggered] of [["one after another", true], ["at once", false]] as const) {
    const figures = await mints(subject, isStaggered)
    if (figures !== undefined) counts.push({ group, name: subject.name, figures })
  }
}

Comparison.report({
  comparison: "failure/rejections",
  title: "100 reports of one rejected token",
  about: `
${callers} callers hold the same token and hear from the API that it is refused; each of them says so and asks for another one, in
the way that its library has for that: \`forceRefresh\` (AWS, lru-cache), claims (Azure), \`refreshAccessToken\` (Google),
\`refresh: true\` (octokit), dropping and getting (others). One that has no such call is not listed.
  `,
  tasks: [],
  counts
})
