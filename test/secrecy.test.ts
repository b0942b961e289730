/**
 * Rule 11: no token, and no raw output of a child, in any error, log, span, JSON or crash output.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { FlyToken, FlyTokens, NoTokenAvailable, StorageError } from "../src/index.ts"
import { FlyTokensNode } from "../src/node.ts"
import * as mac from "./stand-in/macaroon.mjs"
import { printed, recorder } from "./support/Recorder.ts"
import * as Sandbox from "./support/Sandbox.ts"
import * as World from "./support/World.ts"

describe("rule 11: secrets stay inside", () => {
  it.live("when every source holds a secret that cannot be used", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const secrets: Array<string> = []
      const keep = (text: string) => {
        secrets.push(...text.replace(/^FlyV1 /, "").split(","))
        return text
      }
      const past = Date.now() - 86_400_000
      sandbox.environment["FLY_API_TOKEN"] = keep(mac.orgToken({ now: past, life: 60 }))
      const undischarged = keep(mac.orgToken({ now: Date.now(), life: 600, scheme: false, discharged: false }))
      const stored = (token: string) =>
        JSON.stringify({ version: 1, token: keep(token), expiresAt: null, source: "cli", savedAt: Date.now() })
      yield* Effect.promise(async () => {
        await sandbox.writeConfig(`access_token: ${undischarged}\n`)
        await mkdir(join(sandbox.store, "cached"), { recursive: true, mode: 0o700 })
        await mkdir(join(sandbox.store, "manual"), { recursive: true, mode: 0o700 })
        await writeFile(join(sandbox.store, "cached", "my-app.json"), stored(mac.orgToken({ now: past, life: 60 })))
        await writeFile(join(sandbox.store, "manual", "my-app.json"), `${stored("fo1_handmadesecret")}half`)
        await sandbox.settings({ mode: "exit-7" })
      })
      secrets.push("c2VjcmV0c2VjcmV0", "fo1_handmadesecret")
      const record = recorder()
      const exits = yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        return [
          yield* Effect.exit(tokens.get("my-app")),
          yield* Effect.exit(tokens.refresh("my-app", { rejected: FlyToken.make(secrets[0]!) })),
          yield* Effect.exit(tokens.setManual("my-app", FlyToken.make(undischarged))),
          yield* Effect.exit(tokens.setManual("my-app", FlyToken.make("fo1_handmadesecret"))),
          yield* Effect.exit(tokens.removeManual("my-app")),
          yield* Effect.exit(tokens.get(secrets[0]!))
        ]
      }).pipe(
        Effect.withSpan("all"),
        Effect.provide(
          Layer.provideMerge(FlyTokensNode.layer({ environment: sandbox.environment, org: "acme" }), record.layer)
        )
      )
      assert.isTrue(exits.every((exit) => exit._tag === "Failure"))
      const text = [...exits.map(printed), record.text()].join("\n")
      assert.include(text, "NoTokenAvailable")
      for (const secret of secrets) {
        assert.notInclude(text, secret)
        assert.notInclude(text, secret.slice(4, 40))
      }
    }))

  it.effect("when tokens are served and the store breaks with texts of its own", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const record = recorder()
      world.storeGate = (operation, name) =>
        operation === "put"
          ? Effect.die(new Error(`cannot write fo1_broken for ${name}`))
          : Effect.fail(new StorageError({ operation, kind: "Unavailable", why: "broken on purpose" }))
      const resolved = yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(
        Effect.withSpan("all"),
        Effect.provide(Layer.provideMerge(world.layer(), record.layer))
      )
      const text = printed(resolved) + printed(Exit.succeed(resolved)) + record.text()
      assert.include(text, resolved.token.fingerprint)
      assert.include(text, "the store did not take")
      assert.notInclude(text, resolved.token.value.slice(10, 50))
      assert.notInclude(text, "fo1_broken")
    }))

  it.effect("errors cross process borders as JSON and keep their reasons", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.config = Effect.succeed(World.tokenOf({ now: 0, life: 60_000, discharged: false }))
      world.mint = () => Effect.never
      const json = Schema.toCodecJson(NoTokenAvailable)
      const error = yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(
        Effect.provide(world.layer({ chain: ["env", "config"] })),
        Effect.flip
      )
      const text = JSON.stringify(Schema.encodeUnknownSync(json)(error))
      const back = Schema.decodeUnknownSync(json)(JSON.parse(text))
      assert.instanceOf(back, NoTokenAvailable)
      // Programs without Effect write it themselves.
      assert.strictEqual(JSON.stringify(error), text)
      assert.strictEqual(back.message, error.message)
      assert.deepStrictEqual(
        back.attempts.map(({ reason }) => reason.hint),
        error._tag === "NoTokenAvailable" && error.attempts.map(({ reason }) => reason.hint)
      )
    }))
})
