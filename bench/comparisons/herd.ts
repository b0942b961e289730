/**
 * Very many who want the same token at once, and nobody has it.
 */
import * as Comparison from "../harness/Comparison.ts"
import type { Count } from "../harness/Result.ts"
import * as Rounds from "../harness/Rounds.ts"
import { milliseconds } from "../harness/Timing.ts"
import type { Client, EffectClient, Subject } from "../subjects/Client.ts"
import * as Subjects from "../subjects/index.ts"
import { ours, oursPromises } from "../subjects/ours.ts"
import * as Runtime from "../subjects/runtime.ts"
import * as Source from "../subjects/Source.ts"

const callers = 10_000
const delay = 20
const key = "my-app"

const outcomes = {
  success: () => Source.make({ delay }),
  failure: () => Source.make({ delay, state: "down" }),
  "time-out": () => Source.make({ limit: delay, state: "silent" })
}

const jobs: Array<Rounds.Job> = []
/** The worst of all rounds, of each job. */
const counts = new Map<string, Count>()

const add = <C extends Client>(
  group: string,
  subject: Subject<C>,
  makeSource: () => Source.Source,
  /** Answers how many of the callers were served. */
  callAll: (client: C) => Promise<number>
) => {
  const { name } = subject
  const run = async () => {
    const source = makeSource()
    const client = await subject.open(source)
    let served = 0
    const time = await milliseconds(async () => {
      served = await callAll(client)
    })
    await client.close()
    const before = counts.get(`${group} ${name}`)?.figures ?? { "upstream calls": source.calls, served }
    counts.set(`${group} ${name}`, {
      group,
      name,
      figures: {
        "upstream calls": Math.max(source.calls, before["upstream calls"] ?? 0),
        served: Math.min(served, before["served"] ?? 0)
      }
    })
    return time
  }
  jobs.push({ group, name, unit: "ms", run })
}

const byPromises = async (client: Client) => {
  const settled = await Promise.allSettled(Array.from({ length: callers }, () => client.get(key)))
  return settled.filter(({ status }) => status === "fulfilled").length
}

const byFibers = (client: EffectClient) =>
  client.run(Runtime.herd(Array.from({ length: callers }, () => client.effect(key))))

for (const [outcome, source] of Object.entries(outcomes)) {
  for (const subject of [...Subjects.promises, oursPromises]) add(`promises, ${outcome}`, subject, source, byPromises)
  for (const subject of [...Subjects.fibers, ours]) add(`fibers, ${outcome}`, subject, source, byFibers)
}

const tasks = await Rounds.run(jobs, Comparison.rounds)

Comparison.report({
  comparison: "herd",
  title: "Herd: 10,000 cold gets of one app",
  about: `
${
    callers.toLocaleString("en-US")
  } concurrent calls for one app of which there is no token, until the last of them has its
answer. The source takes ${delay} ms, or fails after ${delay} ms, or never answers. For the last case this library has its
limit (\`cliTimeout\`, here ${delay} ms); the others have none, so that a limit of ${delay} ms is put around each call of their
source. Counts are the worst of any round.
  `,
  bases: ["Map<key, Promise>", "Effect Cache"],
  seed: Comparison.seed,
  tasks,
  counts: [...counts.values()],
  plots: [
    { kind: "bars", file: "herd.svg", title: "10,000 cold gets of one app, by promises", group: "promises, success" },
    { kind: "bars", file: "herd-fibers.svg", title: "10,000 cold gets of one app, in fibers", group: "fibers, success" }
  ]
})
