/**
 * What programs print when something goes wrong: is there a token in it, or what flyctl wrote?
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { inspect } from "node:util"
import { FlyTokens } from "../../../dist/index.js"
import { FlyTokensNode } from "../../../dist/node.js"
import * as Comparison from "../../harness/Comparison.ts"
import { type Count, ours } from "../../harness/Result.ts"
import * as Subjects from "../../subjects/index.ts"
import * as Sandbox from "../../subjects/sandbox.ts"
import * as Source from "../../subjects/Source.ts"

/** What the stand-in writes to stderr before it ends with 7. */
const inStderr = "c2VjcmV0c2VjcmV0"

/** Every form in which a program may print a value. */
const printed = (value: unknown): ReadonlyArray<string> => {
  const json = () => {
    try {
      return JSON.stringify(value) ?? ""
    } catch {
      // It has cycles.
      return ""
    }
  }
  const stack = value instanceof Error ? value.stack ?? "" : ""
  return [String(value), inspect(value, { depth: 20, showHidden: true, getters: true }), json(), stack]
}

const holding = (secrets: ReadonlyArray<string>, value: unknown): number =>
  printed(value).filter((text) => secrets.some((secret) => text.includes(secret))).length

/** Parts of a token are secrets too. */
const partsOf = (token: string) => token.replace(/^FlyV1 /, "").split(",").map((part) => part.slice(4, 44))

const failureOf = (get: Promise<unknown>) => get.then(() => undefined, (error: unknown) => error)

const counts: Array<Count> = []
const note = (name: string, secrets: ReadonlyArray<string>, values: Readonly<Record<string, unknown>>) => {
  if (values["of the failure"] === undefined) throw new Error(`${name} did not fail`)
  const found = Object.entries(values).map(([what, value]) => [what, holding(secrets, value)] as const)
  const total = found.reduce((sum, [, figure]) => sum + figure, 0)
  counts.push({ group: "texts with a secret", name, figures: { total, ...Object.fromEntries(found) } })
}

for (const subject of Subjects.promises) {
  await Sandbox.use(async (sandbox) => {
    const client = await subject.open(Source.make({ ask: () => Sandbox.mint(sandbox) }))
    const answer = await client.get("my-app")
    await sandbox.settings({ mode: "exit-7" })
    const failure = await failureOf(client.get("other-app"))
    note(subject.name, [...partsOf(client.tokenOf(answer)), inStderr], {
      "of the answer": answer,
      "of the failure": failure
    })
  })
}

await Sandbox.use(async (sandbox) => {
  const lines: Array<unknown> = []
  const logger = Logger.layer([Logger.make((options) => void lines.push([options.message, options.cause]))])
  const layer = FlyTokensNode.layer({ environment: sandbox.environment, org: (app) => app })
  await Effect.runPromise(
    Effect.gen(function*() {
      const tokens = yield* FlyTokens
      const answer = yield* tokens.get("my-app")
      yield* Effect.promise(() => sandbox.settings({ mode: "exit-7" }))
      const failure = yield* Effect.flip(tokens.get("other-app"))
      const secrets = [...partsOf(answer.token.value), inStderr]
      note(ours, secrets, {
        "of the answer": answer,
        "of the failure": failure,
        "of service, statuses, log": [tokens, yield* tokens.statuses, lines]
      })
    }).pipe(Effect.provide(Layer.provideMerge(layer, logger)))
  )
})

Comparison.report({
  comparison: "failure/secrets",
  title: "Secrets in what a program prints",
  about: `
A token from the stand-in for flyctl, then a failure of it that writes a secret to stderr. The peers have as their source what
a program writes by itself: \`execFile\`, and \`JSON.parse\` of its stdout. Counted are the texts (\`String\`, \`util.inspect\`,
\`JSON.stringify\`, the stack) of the answer and of the failure, for this library of the service, its statuses and its log
lines too, that hold a part of the token or of that stderr. The peers hand out plain strings, and what their source fails
with: that is what they promise, and what a log then shows.
  `,
  tasks: [],
  counts
})
