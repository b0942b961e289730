/**
 * A refusal of GraphQL's is a 200 with an error in its body: the body is looked at, and stays whole for the caller.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { ServerResponse } from "node:http"
import { FlyHttpClient } from "../../src/http.ts"
import { FlyTokens } from "../../src/index.ts"
import { refusesInGraphql } from "../../src/layers/http/Unauthorized.ts"
import type { ApiTarget } from "../../src/token/FlyToken.ts"
import * as Apis from "../support/Apis.ts"
import * as World from "../support/World.ts"

const unauthorized = { message: "no", extensions: { code: "UNAUTHORIZED" } }

const json = (body: string | Uint8Array, type = "application/json") => (response: ServerResponse) => {
  response.writeHead(200, { "content-type": type, "set-cookie": ["a=1", "b=2"], "x-id": "7" })
  response.end(body)
}

const within = (
  world: World.World,
  baseUrl: URL,
  over: Layer.Layer<HttpClient.HttpClient> = Apis.clients.fetch,
  target: ApiTarget = "graphql"
) =>
  FlyHttpClient.layer("my-app", target, { baseUrl }).pipe(
    Layer.provideMerge(Layer.merge(world.layer({ org: "acme" }), over))
  )

const request = HttpClientRequest.post("/graphql").pipe(HttpClientRequest.bodyText(`{"query":"{viewer{email}}"}`))

const refusal = JSON.stringify({ data: null, errors: [unauthorized] })

describe("what is a refusal", () => {
  it("an error UNAUTHORIZED without data, and nothing else", () => {
    const errors = [{ message: "x" }, unauthorized]
    for (
      const body of [
        { errors },
        { errors, data: null },
        { errors, data: { app: null, viewer: null } }
      ]
    ) assert.isTrue(refusesInGraphql(JSON.stringify(body)), JSON.stringify(body))
    for (
      const body of [
        { data: { text: "UNAUTHORIZED" } },
        { errors: [{ message: "UNAUTHORIZED" }] },
        { errors: [{ message: "x", extensions: { code: "FORBIDDEN", was: "UNAUTHORIZED" } }] },
        // The first mutation was carried out.
        { errors, data: { createApp: { id: 1 }, deleteApp: null } },
        { errors: "UNAUTHORIZED" },
        { errors: [null, "UNAUTHORIZED", 1, { extensions: null }, { extensions: "UNAUTHORIZED" }] },
        [{ errors }],
        "UNAUTHORIZED",
        null
      ]
    ) assert.isFalse(refusesInGraphql(JSON.stringify(body)), JSON.stringify(body))
    assert.isFalse(refusesInGraphql(`${JSON.stringify({ errors })}, cut`))
  })
})

for (const [name, over] of Object.entries(Apis.clients)) {
  describe(`GraphQL over ${name}`, () => {
    it.live("100 concurrent requests whose token dies: 1 mint, 100 answers", () =>
      Effect.gen(function*() {
        const world = yield* World.make
        const api = yield* Apis.start()
        world.mintTakes = 20
        yield* Effect.gen(function*() {
          const dead = yield* FlyTokens.use((tokens) => tokens.get("my-app"))
          api.kill(dead.authorization("graphql"))
          const client = yield* FlyHttpClient
          const answers = yield* Effect.forEach(
            Array.from({ length: 100 }),
            () => Effect.flatMap(client.execute(request), (response) => response.json),
            { concurrency: "unbounded" }
          )
          for (const answer of answers) {
            assert.deepStrictEqual(answer, { data: { viewer: { email: "me@example.com" } } })
          }
        }).pipe(Effect.provide(within(world, new URL(api.url), over)))
        assert.strictEqual(world.mints.length, 2)
        assert.isAtMost(api.requests.length, 200)
      }))

    const text = JSON.stringify({ data: { name: "Köln" } })
    const readers: Readonly<
      Record<string, (response: HttpClientResponse.HttpClientResponse) => Effect.Effect<unknown, unknown>>
    > = {
      text: (response) => response.text,
      json: (response) => Effect.map(response.json, (body) => JSON.stringify(body)),
      "text, again and again": (response) =>
        Effect.andThen(response.text, Effect.andThen(response.json, response.text)),
      arrayBuffer: (response) => Effect.map(response.arrayBuffer, (bytes) => new TextDecoder().decode(bytes)),
      stream: (response) => Stream.mkString(Stream.decodeText(response.stream)),
      "the Web response": (response) =>
        Effect.promise(() => Option.getOrThrow(HttpClientResponse.toWeb(response)).text())
    }
    for (const [how, read] of Object.entries(readers)) {
      it.live(`an answer that was looked at can be read by ${how}`, () =>
        Effect.gen(function*() {
          const world = yield* World.make
          const server = yield* Apis.serving(json(text))
          yield* Effect.gen(function*() {
            const response = yield* FlyHttpClient.use((client) => client.execute(request))
            assert.strictEqual(response.status, 200)
            assert.strictEqual(response.headers["x-id"], "7")
            assert.strictEqual(response.url, `${server.url}graphql`)
            assert.deepStrictEqual(Object.keys(response.cookies.cookies), ["a", "b"])
            assert.strictEqual(yield* read(response), text)
          }).pipe(Effect.provide(within(world, server.url, over)))
        }))
    }

    it.live("a long answer comes whole, and is not waited for", () =>
      Effect.gen(function*() {
        const world = yield* World.make
        let finish = () => {}
        const start = `{"data":"${"x".repeat(200_000)}`
        const server = yield* Apis.serving((response) => {
          response.writeHead(200, { "content-type": "application/json" })
          response.write(start)
          finish = () => response.end(`ö"}`)
        })
        yield* Effect.gen(function*() {
          const client = yield* FlyHttpClient
          for (const read of [readers["text"]!, readers["stream"]!]) {
            const response = yield* client.execute(request)
            finish()
            assert.strictEqual(yield* read(response), `${start}ö"}`)
          }
        }).pipe(Effect.provide(within(world, server.url, over)))
        assert.strictEqual(server.served(), 2)
      }))

    it.live("an answer that breaks off is the client's error; one without a body is an answer", () =>
      Effect.gen(function*() {
        const world = yield* World.make
        const server = yield* Apis.serving(
          (response) => {
            response.writeHead(200, { "content-type": "application/json", "content-length": "1000" })
            response.write("{", () => response.destroy())
          },
          json("")
        )
        yield* Effect.gen(function*() {
          const client = yield* FlyHttpClient
          const error = yield* Effect.flip(client.execute(request))
          assert.strictEqual(error._tag, "HttpClientError")
          assert.strictEqual(yield* Effect.flatMap(client.execute(request), (response) => response.text), "")
        }).pipe(Effect.provide(within(world, server.url, over)))
      }))

    it.live("interrupting a caller while an answer is looked at ends its connection", () =>
      Effect.gen(function*() {
        const world = yield* World.make
        const server = yield* Apis.serving((response) => {
          response.writeHead(200, { "content-type": "application/json" })
          response.write("{")
        })
        yield* Effect.gen(function*() {
          const client = yield* FlyHttpClient
          // A moment after the request has come, its answer is being looked at; before, the test is weaker, not wrong.
          const arrived = Effect.gen(function*() {
            while (server.served() === 0) yield* Effect.sleep(5)
            yield* Effect.sleep(50)
          })
          yield* Effect.raceFirst(client.execute(request), arrived)
          while (server.closed() === 0) yield* Effect.sleep(5)
        }).pipe(Effect.provide(within(world, server.url, over)))
      }))
  })
}

describe("GraphQL", () => {
  it.live("only JSON of target graphql is looked at", () =>
    Effect.gen(function*() {
      for (
        const [type, target, served] of [
          ["application/json", "graphql", 2],
          ["application/graphql-response+json; charset=utf-8", "graphql", 2],
          ["text/plain", "graphql", 1],
          ["application/jsonlines", "graphql", 1],
          ["application/json", "machines", 1]
        ] as const
      ) {
        const world = yield* World.make
        const server = yield* Apis.serving(json(refusal, type))
        const text = yield* FlyHttpClient.use((client) => client.execute(request)).pipe(
          Effect.flatMap((response) => response.text),
          Effect.provide(within(world, server.url, undefined, target))
        )
        assert.strictEqual(text, refusal)
        assert.strictEqual(server.served(), served, type)
      }
    }))
})
