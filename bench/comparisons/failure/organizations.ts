/**
 * Many apps of few organizations.
 */
import * as Comparison from "../../harness/Comparison.ts"
import type { Count } from "../../harness/Result.ts"
import * as Subjects from "../../subjects/index.ts"
import { ours } from "../../subjects/ours.ts"
import * as Source from "../../subjects/Source.ts"

const apps = Array.from({ length: 1_000 }, (_, n) => `app-${n}`)
const organizations = 3
const inOrganizations: (typeof Subjects.onMovedClock)[number] = {
  name: ours.name,
  open: (source) => ours.open(source, { org: (app) => `org-${Number(app.slice("app-".length)) % organizations}` })
}
const counts: Array<Count> = []

for (const subject of [...Subjects.onMovedClock.filter((each) => each !== ours), inOrganizations]) {
  const source = Source.make({ delay: 20 })
  const client = await subject.open(source)
  const answers = await Promise.allSettled(apps.map((app) => client.get(app)))
  await client.close()
  const served = answers.filter(({ status }) => status === "fulfilled").length
  counts.push({ group: "1,000 apps at once", name: subject.name, figures: { mints: source.calls, served } })
}

Comparison.report({
  comparison: "failure/organizations",
  title: "1,000 apps of 3 organizations",
  about: `
A cold get of each of ${
    apps.length.toLocaleString("en-US")
  } apps, at once. One token of an organization serves all of its apps; a cache by app knows
nothing of that.
  `,
  tasks: [],
  counts
})
