/**
 * One node of a fleet: gets the tokens of many apps at once when it reads something, and prints what came of it.
 *
 * `node manyApps.ts STORE COUNT ORGANIZATIONS`, the store as JSON.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import { writeSync } from "node:fs"
import { FlyTokens, type TokenEvent } from "../../src/index.ts"
import * as sharedStores from "./sharedStores.ts"

const [store = "", count = "", organizations = ""] = process.argv.slice(2)

const hashOf = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 16)

const tally = (names: Iterable<string>): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

/** Answers of the sources, by `source outcome`. */
const answers = Effect.map(Metric.snapshot, (metrics) =>
  Object.fromEntries(
    metrics.flatMap(({ attributes, id, state }) =>
      id === "fly_tokens_source_attempts" && "count" in state
        ? [[`${attributes?.["source"]} ${attributes?.["outcome"]}`, Number(state.count)]]
        : []
    )
  ))

const program = Effect.gen(function*() {
  const tokens = yield* FlyTokens
  const events: Array<TokenEvent["_tag"]> = []
  yield* Effect.forkChild(Stream.runForEach(tokens.events, ({ _tag }) => Effect.sync(() => void events.push(_tag))))
  writeSync(1, "ready\n")
  yield* Effect.promise(() => new Promise((resolve) => process.stdin.once("data", resolve)))
  const began = performance.now()
  const exits = yield* Effect.forEach(
    Array.from({ length: Number(count) }, (_, n) => `app-${n}`),
    (app) => Effect.exit(tokens.get(app)),
    { concurrency: "unbounded" }
  )
  const took = Math.round(performance.now() - began)
  yield* Effect.yieldNow
  const report = {
    got: exits.filter(Exit.isSuccess).length,
    hashes: [...new Set(exits.flatMap((exit) => Exit.isSuccess(exit) ? [hashOf(exit.value.token.value)] : []))],
    sources: tally(exits.flatMap((exit) => Exit.isSuccess(exit) ? [exit.value.source] : [])),
    answers: yield* answers,
    events: tally(events),
    took,
    mebibytes: process.memoryUsage().rss >> 20
  }
  writeSync(1, `${JSON.stringify(report)}\n`)
})

let lines = 0
const counted = Logger.make(() => void lines++)

const layer = sharedStores.tokens(JSON.parse(store), {
  environment: process.env,
  // This is about the store: on a busy machine a run of the stand-in may take long.
  leaseWait: "5 minutes",
  cliTimeout: "2 minutes",
  org: (app) => `org-${Number(app.slice("app-".length)) % Number(organizations)}`
})

const began = performance.now()
await Effect.runPromise(Effect.provide(program, Layer.provide(layer, Logger.layer([counted]))))
writeSync(1, `${JSON.stringify({ lines, whole: Math.round(performance.now() - began) })}\n`)
process.exit()
