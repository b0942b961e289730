/**
 * What cannot be a token is a miss of every source that has it, and shadows no better one.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { FlyToken, FlyTokens, type StorageKey } from "../../src/index.ts"
import * as Output from "../../src/layers/fly/FlyCliOutput.ts"
import * as World from "../support/World.ts"

const texts: ReadonlyArray<readonly [string, string]> = [
  ["\"fo1_quoted\"", "not a token: it is in quotes"],
  ["undefined", "not a token: it is a word that programs write where there is no value"],
  ["${FLY_API_TOKEN}", "not a token: it is a variable or a template that was not expanded"],
  ["op://vault/fly/token", "not a token: it is a reference to a secret"]
]

const store = (world: World.World, key: StorageKey, text: string) =>
  world.store.put("my-app", key, { token: Redacted.make(text), expiresAt: null, source: "cli", savedAt: 0 })

describe("text that cannot be a token", () => {
  it.effect.each(texts)(
    "%j is a miss wherever it is, and a mint takes its place",
    ([text, message]) =>
      Effect.gen(function*() {
        const world = yield* World.make
        world.variables["FLY_API_TOKEN"] = text
        world.config = Effect.succeed(FlyToken.make(text))
        yield* store(world, "cached", text)
        yield* store(world, "manual", text)
        const got = FlyTokens.use((tokens) => tokens.get("my-app"))
        const error = yield* Effect.flip(got).pipe(
          Effect.provide(world.layer({ chain: ["env", "storage", "config", "manual"] }))
        )
        assert.deepStrictEqual(
          error._tag === "NoTokenAvailable" && error.attempts.map(({ reason }) => reason.message),
          [message, message, message, message]
        )
        const { source } = yield* Effect.provide(got, world.layer())
        assert.strictEqual(source, "cli")
        // flyctl is not given what is no token.
        assert.isFalse(world.mints[0]?.environmentToken)
      })
  )

  it.effect.each(texts)(
    "%j is not set by hand, and is no token that was refused",
    ([text, message]) =>
      World.scenario({}, function*({ tokens }) {
        const { token } = yield* tokens.get("my-app")
        const rejected = Redacted.make(text)
        const errors = [
          yield* Effect.flip(tokens.setManual("my-app", rejected)),
          yield* Effect.flip(tokens.refresh("my-app", { rejected })),
          yield* Effect.flip(tokens.invalidate("my-app", { rejected }))
        ]
        for (const error of errors) {
          assert.strictEqual(error._tag === "UnusableToken" && error.reason.message, message)
        }
        assert.strictEqual((yield* tokens.get("my-app")).token, token)
      })
  )

  it.each(texts)("%j is no answer of flyctl", (text, message) => {
    const minted = Output.mintedToken(JSON.stringify({ token: text }))
    assert.strictEqual(
      minted._tag === "Failure" && minted.failure.message,
      message.replace("not a token: ", "not a token: flyctl's answer: ")
    )
  })
})
