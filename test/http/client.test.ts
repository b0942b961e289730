/**
 * The right header, one refresh, one retry: over every client of Effect, against a real server.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { FlyHttpClient, type FlyHttpClientOptions } from "../../src/http.ts"
import { FlyToken, FlyTokens, type FlyTokensOptions, MissReason } from "../../src/index.ts"
import type { ApiTarget } from "../../src/token/FlyToken.ts"
import * as Apis from "../support/Apis.ts"
import * as World from "../support/World.ts"

const path = "/v1/apps/my-app/machines"

type Server = Effect.Success<ReturnType<typeof Apis.start>>

/** A client for `my-app` that talks to the stand-in, and what it lives in. */
const layerOf = (
  world: World.World,
  api: Server,
  over: Layer.Layer<HttpClient.HttpClient> = Apis.clients.fetch,
  target: ApiTarget = "machines",
  options: FlyTokensOptions & FlyHttpClientOptions = {}
) =>
  FlyHttpClient.layer("my-app", target, { baseUrl: new URL(api.url), ...options }).pipe(
    Layer.provideMerge(Layer.merge(world.layer({ org: "acme", ...options }), over))
  )

const killCurrent = (api: Server, target: ApiTarget = "machines") =>
  FlyTokens.use((tokens) => Effect.map(tokens.get("my-app"), (resolved) => api.kill(resolved.authorization(target))))

const statuses = (api: Server) => api.requests.map(({ status }) => status)

const bodies: Readonly<Record<string, () => HttpBody.HttpBody>> = {
  "an empty body": () => HttpBody.empty,
  "JSON": () => HttpBody.jsonUnsafe({ name: "x" }),
  "bytes": () => HttpBody.uint8Array(new TextEncoder().encode("bytes")),
  "a raw text": () => HttpBody.raw("raw", { contentType: "text/plain" }),
  "form data": () => {
    const form = new FormData()
    form.append("name", "x")
    return HttpBody.formData(form)
  }
}

for (const [name, over] of Object.entries(Apis.clients)) {
  describe(`over ${name}`, () => {
    it.live("sends the token, and answers what the API answers", () =>
      Effect.gen(function*() {
        const world = yield* World.make
        const api = yield* Apis.start()
        const body = yield* FlyHttpClient.use((client) => client.get(path)).pipe(
          Effect.flatMap((response) => response.json),
          Effect.provide(layerOf(world, api, over))
        )
        assert.strictEqual((body as ReadonlyArray<unknown>).length, 2)
        assert.match(api.requests[0]!.authorization!, /^FlyV1 fm2_/)
        assert.strictEqual(world.mints.length, 1)
      }))

    for (const [kind, body] of Object.entries(bodies)) {
      it.live(`after a 401 it sends ${kind} again with another token, once`, () =>
        Effect.gen(function*() {
          const world = yield* World.make
          const api = yield* Apis.start()
          yield* Effect.gen(function*() {
            yield* killCurrent(api)
            const client = yield* FlyHttpClient
            const response = yield* client.post(path, { body: body() })
            assert.strictEqual(response.status, 200)
            assert.deepStrictEqual(yield* response.json, { id: "148e4ed3c42089", state: "created" })
          }).pipe(Effect.provide(layerOf(world, api, over)))
          assert.deepStrictEqual(statuses(api), [401, 200])
          const [first, second] = api.requests
          assert.notStrictEqual(first!.authorization, second!.authorization)
          const sent = (text: string) => text.replaceAll(/-{2,}[\w-]+/g, "boundary")
          assert.strictEqual(sent(second!.body), sent(first!.body))
          assert.strictEqual(second!.body === "", kind === "an empty body")
          assert.strictEqual(world.mints.length, 2)
        }))
    }

    it.live("a stream is not sent again: its 401 comes back, and the next request has another token", () =>
      Effect.gen(function*() {
        const world = yield* World.make
        const api = yield* Apis.start()
        yield* Effect.gen(function*() {
          yield* killCurrent(api)
          const client = yield* FlyHttpClient
          const request = () =>
            client.post(path, { body: HttpBody.stream(Stream.make(new TextEncoder().encode("streamed"))) })
          const refused = yield* request()
          assert.strictEqual(refused.status, 401)
          assert.deepStrictEqual(yield* refused.json, { error: "Authenticate: token validation error" })
          assert.strictEqual(world.mints.length, 1)
          assert.isTrue(Option.isNone((yield* FlyTokens).peek("my-app")))
          assert.strictEqual((yield* request()).status, 200)
        }).pipe(Effect.provide(layerOf(world, api, over)))
        assert.deepStrictEqual(api.requests.map(({ body }) => body), ["streamed", "streamed"])
        assert.strictEqual(world.mints.length, 2)
      }))

    it.live("100 concurrent requests whose token dies: 1 mint, 100 successes", () =>
      Effect.gen(function*() {
        const world = yield* World.make
        const api = yield* Apis.start()
        world.mintTakes = 20
        yield* Effect.gen(function*() {
          yield* killCurrent(api)
          const client = yield* FlyHttpClient
          const bodies = yield* Effect.forEach(
            Array.from({ length: 100 }),
            () =>
              Effect.flatMap(
                client.get(path),
                (response) => Effect.zip(Effect.succeed(response.status), response.text)
              ),
            { concurrency: "unbounded" }
          )
          assert.isTrue(bodies.every(([status, text]) => status === 200 && text.includes("3d8d9014b32d89")))
        }).pipe(Effect.provide(layerOf(world, api, over)))
        assert.strictEqual(world.mints.length, 2)
        assert.strictEqual(statuses(api).filter((status) => status === 200).length, 100)
        assert.isAtMost(api.requests.length, 200)
      }))

    it.live("a refused answer that never ends holds no connection, and holds up nobody", () =>
      Effect.gen(function*() {
        const world = yield* World.make
        const server = yield* Apis.serving(
          (response) => {
            response.writeHead(401)
            response.write("x".repeat(200_000))
          },
          (response) => response.end("[]")
        )
        yield* Effect.gen(function*() {
          const client = yield* FlyHttpClient
          const response = yield* client.get(path)
          assert.strictEqual(response.status, 200)
          assert.strictEqual(yield* response.text, "[]")
          while (server.closed() < 2) yield* Effect.sleep(5)
        }).pipe(
          Effect.provide(FlyHttpClient.layer("my-app", "machines", { baseUrl: server.url })),
          Effect.provide([world.layer({ org: "acme" }), over])
        )
        assert.strictEqual(server.served(), 2)
      }))
  })
}

describe("FlyHttpClient", () => {
  it.live("each API gets its header: macaroons for machines, user tokens too for GraphQL", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const api = yield* Apis.start()
      const text = `${World.tokenOf({ now: Date.now(), life: World.hour }).value},fo1_user`
      world.config = Effect.succeed(FlyToken.make(text))
      for (const target of ["machines", "graphql"] as const) {
        yield* FlyHttpClient.use((client) => client.post("/graphql")).pipe(
          Effect.provide(layerOf(world, api, undefined, target))
        )
      }
      assert.deepStrictEqual(api.requests.map(({ authorization }) => authorization), [
        text.replace(",fo1_user", ""),
        text
      ])
    }))

  it.live("a header of the caller's is replaced", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const api = yield* Apis.start()
      const response = yield* FlyHttpClient.use((client) =>
        client.get(path, { headers: { Authorization: "Bearer mine" } })
      ).pipe(Effect.provide(layerOf(world, api)))
      assert.strictEqual(response.status, 200)
    }))

  it.live("the second 401 is the answer, and other statuses are nobody's business", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const api = yield* Apis.start({ isDead: () => true })
      const refused = yield* FlyHttpClient.use((client) => client.get(path)).pipe(
        Effect.flatMap((response) => Effect.zip(Effect.succeed(response.status), response.text)),
        Effect.provide(layerOf(world, api))
      )
      assert.deepStrictEqual(refused, [401, `{"error":"Authenticate: token validation error"}`])
      assert.deepStrictEqual(statuses(api), [401, 401])

      const other = yield* Apis.start()
      const missing = yield* FlyHttpClient.use((client) => client.get("/v1/nothing")).pipe(
        Effect.provide(layerOf(world, other))
      )
      assert.strictEqual(missing.status, 404)
      assert.strictEqual(other.requests.length, 1)
    }))

  it.live("an API that refuses every token does not cause a mint per request", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const api = yield* Apis.start({ isDead: () => true })
      let shift = 0
      const clock = yield* Clock.Clock
      const shifted: Clock.Clock = Object.assign(Object.create(clock) as Clock.Clock, {
        currentTimeMillis: Effect.sync(() => clock.currentTimeMillisUnsafe() + shift),
        currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + shift
      })
      yield* Effect.gen(function*() {
        const client = yield* FlyHttpClient
        const get = client.get(path)
        for (let n = 0; n < 5; n++) assert.strictEqual((yield* get).status, 401)
        // The second token was minted in place of the first; a third would be no better.
        assert.strictEqual(world.mints.length, 2)
        shift = 61_000
        for (let n = 0; n < 5; n++) assert.strictEqual((yield* get).status, 401)
        assert.strictEqual(world.mints.length, 3)
      }).pipe(Effect.provide(layerOf(world, api)), Effect.provideService(Clock.Clock, shifted))
    }))

  it.live("a token that worked and died soon is replaced at once, and so are dead ones that cost no mint", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const api = yield* Apis.start()
      yield* Effect.gen(function*() {
        const client = yield* FlyHttpClient
        for (let n = 0; n < 4; n++) {
          yield* killCurrent(api)
          assert.strictEqual((yield* client.get(path)).status, 200)
        }
        assert.strictEqual(world.mints.length, 5)
      }).pipe(Effect.provide(layerOf(world, api)))

      const dead = [1, 2].map(() => World.tokenOf({ now: Date.now(), life: World.hour }))
      for (const token of dead) api.kill(token.authorization("machines"))
      world.variables["FLY_API_TOKEN"] = dead[0]!.value
      world.config = Effect.succeed(dead[1]!)
      yield* Effect.gen(function*() {
        const client = yield* FlyHttpClient
        assert.strictEqual((yield* client.get(path)).status, 401)
        assert.strictEqual((yield* client.get(path)).status, 200)
      }).pipe(Effect.provide(layerOf(world, api, undefined, "machines", { chain: ["env", "config", "cli"] })))
    }))

  it.live("without another token the request fails with the reasons, typed", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const api = yield* Apis.start()
      yield* Effect.gen(function*() {
        yield* killCurrent(api)
        world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
        const client = yield* FlyHttpClient
        const error = yield* Effect.flip(client.get(path))
        assert.strictEqual(error._tag, "NoTokenAvailable")
        assert.deepInclude(
          error._tag === "NoTokenAvailable" ? error.attempts.map(({ reason, source }) => [source, reason._tag]) : [],
          ["cli", "NotLoggedIn"]
        )
      }).pipe(Effect.provide(layerOf(world, api)))
      assert.deepStrictEqual(statuses(api), [401])
    }))

  it.live("the transform goes around any client, keeps its own transforms, and knows invalid names", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const api = yield* Apis.start()

      yield* Effect.gen(function*() {
        const below = (yield* HttpClient.HttpClient).pipe(
          HttpClient.mapRequest(HttpClientRequest.setHeader("x-below", "1")),
          HttpClient.mapRequest(HttpClientRequest.prependUrl(api.url))
        )
        const options = { trustedOrigins: [new URL(api.url)] }
        const ok: Effect.Effect<HttpClientResponse, unknown, FlyTokens> = FlyHttpClient.authorized(
          below,
          "my-app",
          "machines",
          options
        ).get(path)
        assert.strictEqual((yield* ok).status, 200)
        const above = below.pipe(
          FlyHttpClient.authorized("my-app", "machines", options),
          HttpClient.mapRequest(HttpClientRequest.appendUrl("/nothing"))
        )
        assert.strictEqual((yield* above.get(path)).status, 404)
        const invalid = yield* Effect.flip(
          below.pipe(FlyHttpClient.authorized("../my-app", "machines", options)).get(path)
        )
        assert.strictEqual(invalid._tag, "InvalidAppName")
      }).pipe(Effect.provide([world.layer(), Apis.clients.fetch]))
      assert.strictEqual(api.requests.length, 2)
    }))

  it.live("what the program says about fetch stays, but for redirects", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const inits: Array<RequestInit | undefined> = []
      const fetch: typeof globalThis.fetch = (_, init) => {
        inits.push(init)
        return Promise.resolve(new Response("[]"))
      }
      const wired = FlyHttpClient.layer("my-app", "machines").pipe(
        Layer.provide([world.layer({ org: "acme" }), Apis.clients.fetch])
      )
      const init = (init: RequestInit) => Layer.succeed(FetchHttpClient.RequestInit)(init)
      const get = FlyHttpClient.use((client) => client.get(path)).pipe(
        Effect.provideService(FetchHttpClient.Fetch, fetch)
      )
      yield* Effect.provide(get, Layer.provide(wired, init({ keepalive: true, redirect: "follow" })))
      yield* Effect.provide(get, Layer.merge(wired, init({ credentials: "omit", redirect: "follow" })))
      assert.deepStrictEqual(
        inits.map((init) => [init?.redirect, init?.keepalive, init?.credentials]),
        [["manual", true, undefined], ["manual", undefined, "omit"]]
      )
    }))
})
