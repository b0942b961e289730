/**
 * Gets the token of an app, once, when it reads something, and prints a hash of it and where it came from.
 *
 * `node tokenGetter.ts APP STORE`, the store as JSON.
 */
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { createHash } from "node:crypto"
import { writeSync } from "node:fs"
import { FlyTokens } from "../../src/index.ts"
import * as sharedStores from "./sharedStores.ts"

const [app = "", store = ""] = process.argv.slice(2)

const program = Effect.gen(function*() {
  const tokens = yield* FlyTokens
  writeSync(1, "ready\n")
  yield* Effect.promise(() => new Promise((resolve) => process.stdin.once("data", resolve)))
  const { source, token } = yield* tokens.get(app)
  const hash = createHash("sha256").update(token.value).digest("hex").slice(0, 16)
  writeSync(1, `${JSON.stringify({ hash, source })}\n`)
})

const layer = sharedStores.tokens(JSON.parse(store), { environment: process.env, org: "acme" })

await Effect.runPromise(Effect.provide(program, [layer, Logger.layer([])]))
process.exit()
