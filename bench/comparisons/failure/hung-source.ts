/**
 * A source that never answers.
 */
import * as Comparison from "../../harness/Comparison.ts"
import type { Count } from "../../harness/Result.ts"
import type { Subject } from "../../subjects/Client.ts"
import { rcMap } from "../../subjects/effect.ts"
import * as Subjects from "../../subjects/index.ts"
import * as Scene from "../../subjects/scene.ts"
import * as Source from "../../subjects/Source.ts"

const callers = 10
const counts: Array<Count> = []
const subjects: ReadonlyArray<Subject> = [...Subjects.onMovedClock, rcMap]

for (const subject of subjects) {
  const figures = await Scene.play(subject, Source.make({ state: "silent" }), async ({ advance, client, source }) => {
    const first = Array.from({ length: callers }, () => client.get(Scene.key))
    for (const get of first) get.catch(() => {})
    await Scene.settle()
    // The limit of a run of flyctl, by default.
    await advance(45_000)
    const settled = (await Promise.all(first.map(Scene.isSettled))).filter(Boolean).length
    source.state = "up"
    // For how long flyctl is left alone after a time-out; for the others an hour more, to be sure.
    await advance(30_000)
    if (settled === 0) await advance(3_600_000)
    const next = client.get(Scene.key)
    next.catch(() => {})
    const isServed = await Scene.isSettled(next) && source.issued.has(client.tokenOf(await next))
    return { "settled within 45 s": settled, "next get served": isServed ? 1 : 0, "upstream calls": source.calls }
  })
  counts.push({ group: "the first call never answers", name: subject.name, figures })
}

Comparison.report({
  comparison: "failure/hung-source",
  title: "A source that never answers",
  about: `
${callers} gets of a source that never answers its first call, and answers later ones. How many callers have an outcome after
45 s, the default of \`cliTimeout\`; and whether a get that comes after that (30 s later; an hour later where nobody had an
outcome) is served.
  `,
  tasks: [],
  counts
})
