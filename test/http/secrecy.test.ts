/**
 * Rule 11 for the client: no token in anything that a program prints of its requests.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { inspect } from "node:util"
import { FlyHttpClient } from "../../src/http.ts"
import { FlyTokens } from "../../src/index.ts"
import * as Apis from "../support/Apis.ts"
import { printed, recorder } from "../support/Recorder.ts"
import * as World from "../support/World.ts"

for (const [name, over] of Object.entries(Apis.clients)) {
  it.live(`errors, answers, log lines and spans over ${name}`, () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const api = yield* Apis.start({ redirects: { "/away": "http://127.0.0.1:1/" } })
      const closed = new URL("http://127.0.0.1:1")
      const record = recorder()
      const secrets: Array<string> = []
      const exits = yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const dead = yield* tokens.get("my-app")
        api.kill(dead.authorization("machines"))
        secrets.push(dead.token.value)
        const client = yield* FlyHttpClient
        const strict = HttpClient.filterStatusOk(client)
        const path = "/v1/apps/my-app/machines"
        const exits = [
          yield* Effect.exit(client.get(path)),
          yield* Effect.exit(strict.get("/v1/nothing")),
          yield* Effect.exit(strict.get("/away")),
          yield* Effect.exit(client.get(`${closed.href}v1`)),
          yield* Effect.exit(client.get("https://evil.com/")),
          yield* Effect.exit(client.get("https://[broken")),
          yield* Effect.exit(
            Effect.flatMap(client.get(path), HttpClientResponse.schemaBodyJson(Schema.Struct({ a: Schema.String })))
          ),
          yield* Effect.exit(
            Effect.flatMap(client.get(path), (response) => Effect.andThen(response.json, response.formData))
          )
        ]
        secrets.push((yield* tokens.get("my-app")).token.value)
        for (const exit of exits) {
          yield* exit._tag === "Failure"
            ? Effect.logError(exit.cause)
            : Effect.logInfo(exit.value)
        }
        return [...exits, client]
      }).pipe(
        Effect.withSpan("all"),
        Effect.provide(Layer.provideMerge(
          FlyHttpClient.layer("my-app", "machines", { baseUrl: new URL(api.url), trustedOrigins: [closed] }),
          Layer.mergeAll(
            world.layer({ org: "acme" }),
            over,
            record.layer,
            Layer.succeed(HttpClient.TracerHeaderFilter)(() => true)
          )
        ))
      )
      assert.deepStrictEqual(
        exits.flatMap((exit) => "_tag" in exit ? [exit._tag as string] : []),
        ["Success", ...Array.from({ length: 7 }, () => "Failure")]
      )
      const text = [
        ...exits.map(printed),
        ...exits.flatMap((exit) => "value" in exit ? [printed(exit.value)] : []),
        ...exits.flatMap((exit) => "cause" in exit ? exit.cause.reasons.map(printed) : []),
        record.text()
      ].join("\n")
      assert.include(text, "http.request.header.authorization")
      assert.include(text, "Transport")
      assert.include(text, "<redacted>")
      assert.strictEqual(secrets.length, 2)
      for (const secret of secrets) {
        assert.notInclude(text, secret)
        for (const piece of secret.replace("FlyV1 ", "").split(",")) assert.notInclude(text, piece.slice(10, 50))
      }
    }))
}

describe("a program that redacts other headers", () => {
  it.live("has ours redacted in spans too", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const api = yield* Apis.start()
      const record = recorder()
      yield* FlyHttpClient.use((client) => client.get("/v1/apps/my-app/machines", { headers: { "x-mine": "mine" } }))
        .pipe(
          Effect.provide(Layer.provideMerge(
            FlyHttpClient.layer("my-app", "machines", { baseUrl: new URL(api.url) }),
            Layer.mergeAll(
              world.layer({ org: "acme" }),
              Apis.clients.fetch,
              record.layer,
              Layer.succeed(HttpClient.TracerHeaderFilter)(() => true),
              Layer.succeed(Headers.CurrentRedactedNames)(["x-mine"])
            )
          ))
        )
      assert.strictEqual(api.requests[0]!.status, 200)
      assert.include(record.text(), "http.request.header.authorization")
      assert.notInclude(record.text(), "fm2_")
      assert.notInclude(record.text(), inspect("mine"))
    }))
})
