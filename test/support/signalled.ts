/**
 * A program that gets a token, says so, and stays until something ends it: `exit` or `throw` on stdin, or a signal.
 *
 * `node signalled.ts promise|effect`. On the promise front it closes its client on SIGTERM, as servers do.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { writeSync } from "node:fs"
import { FlyTokens } from "../../src/index.ts"
import { FlyTokensNode } from "../../src/node.ts"
import { createFlyTokens } from "../../src/promise.ts"

const say = (word: "got" | "failed") => writeSync(1, `${word}\n`)

process.stdin.on("data", (words) => {
  if (String(words) === "exit") process.exit(3)
  setImmediate(() => {
    throw new Error("thrown on purpose")
  })
})

if (process.argv[2] === "promise") {
  const tokens = createFlyTokens({ log: false })
  process.once("SIGTERM", () => void tokens.close().then(() => process.exit(0)))
  tokens.get("my-app").then(() => say("got"), () => say("failed"))
} else {
  Effect.match(FlyTokens.use((tokens) => tokens.get("my-app")), {
    onSuccess: () => say("got"),
    onFailure: () => say("failed")
  }).pipe(
    Effect.andThen(Effect.never),
    Effect.provide([FlyTokensNode.layer(), Logger.layer([])]),
    NodeRuntime.runMain({ disableErrorReporting: true })
  )
}
