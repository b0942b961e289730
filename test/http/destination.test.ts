/**
 * Where tokens go, and where not.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import { FlyHttpClient, type FlyHttpClientOptions, UntrustedOrigin } from "../../src/http.ts"
import * as Destination from "../../src/layers/http/Destination.ts"
import * as Apis from "../support/Apis.ts"
import * as World from "../support/World.ts"

const foreign = [
  "https://api.fly.io.evil.com/graphql",
  "https://evil.com/api.fly.io",
  "https://api.fly.io@evil.com/",
  "https://api.fly.io:secret@evil.com/",
  "https://evil.com#api.fly.io",
  "https://evil.com?https://api.fly.io",
  "https://evil.com\\@api.fly.io/",
  "https://api.machines.dev:8443/v1",
  "http://api.machines.dev/v1",
  "http://api.fly.io/graphql",
  "https://api.fly.io./graphql",
  "https://fly.io/",
  "https://my-app.fly.io/",
  "https://x.api.fly.io/",
  "https://apı.fly.io/",
  "https://_api.internal:4280/v1",
  "http://_api.internal/v1",
  "ftp://api.fly.io/",
  "file:///etc/passwd",
  "data:text/plain,x",
  "javascript:alert(1)",
  // The origin of such a URL is that of the one in it.
  "blob:https://api.machines.dev/x",
  "BLOB:https://api.fly.io/graphql",
  "blob:http://_api.internal:4280/v1/apps",
  "blob:blob:https://api.fly.io/x",
  "filesystem:https://api.fly.io/temporary/x",
  "wss://api.machines.dev/v1",
  "ws://_api.internal:4280/v1",
  "https+unix://api.machines.dev/v1",
  "about:blank"
]

const flys = [
  "https://api.machines.dev/v1/apps",
  "https://API.Machines.DEV/v1/apps",
  "https://api.fly.io:443/api/v1/apps/my-app/logs",
  "HTTPS://api.fly.io/graphql",
  "http://_api.internal:4280/v1/apps"
]

/** A client that answers 200 and keeps what it was asked to send. */
const scripted = () => {
  const sent: Array<{ readonly url: string; readonly authorization: string | undefined }> = []
  const layer = Layer.succeed(HttpClient.HttpClient)(
    HttpClient.make((request, url) => {
      sent.push({ url: url.href, authorization: request.headers["authorization"] })
      return Effect.succeed(HttpClientResponse.fromWeb(request, new Response("{}")))
    })
  )
  return { sent, layer }
}

const within = (world: World.World, layer: Layer.Layer<HttpClient.HttpClient>, options?: FlyHttpClientOptions) =>
  Layer.provideMerge(FlyHttpClient.layer("my-app", "machines", options), Layer.merge(world.layer(), layer))

describe("where a token goes", () => {
  it.effect("to no origin that is not Fly's: a typed error, and nothing is asked or sent", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { layer, sent } = scripted()
      yield* Effect.gen(function*() {
        const client = yield* FlyHttpClient
        for (const url of foreign) {
          const error = yield* Effect.flip(client.get(url))
          assert.instanceOf(error, UntrustedOrigin, url)
        }
      }).pipe(Effect.provide(within(world, layer)))
      assert.deepStrictEqual(sent, [])
      assert.strictEqual(world.mints.length, 0)
    }))

  it.effect("to Fly's own, however they are written", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { layer, sent } = scripted()
      yield* Effect.gen(function*() {
        const client = yield* FlyHttpClient
        for (const url of flys) yield* client.get(url)
      }).pipe(Effect.provide(within(world, layer)))
      assert.strictEqual(sent.length, flys.length)
      for (const { authorization } of sent) assert.match(authorization!, /^FlyV1 /)
    }))

  it.effect("to origins of yours, with their scheme and port; and to the base URL's", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { layer, sent } = scripted()
      yield* Effect.gen(function*() {
        const client = yield* FlyHttpClient
        yield* client.get("https://proxy.example.com/other/path")
        yield* client.get("https://api.fly.io/graphql")
        yield* client.get("/v1/apps")
        for (
          const url of [
            "http://proxy.example.com/",
            "https://proxy.example.com:444/",
            "https://a.proxy.example.com/",
            "blob:null/x",
            "blob:https://proxy.example.com/x",
            "https://other.example.com/",
            "data:text/plain,x"
          ]
        ) assert.instanceOf(yield* Effect.flip(client.get(url)), UntrustedOrigin, url)
      }).pipe(Effect.provide(within(world, layer, {
        baseUrl: new URL("http://localhost:4280/below/?a=b"),
        trustedOrigins: [
          new URL("https://proxy.example.com/path"),
          new URL("data:text/plain,y"),
          new URL("blob:https://other.example.com/x")
        ]
      })))
      assert.deepStrictEqual(sent.map(({ url }) => url), [
        "https://proxy.example.com/other/path",
        "https://api.fly.io/graphql",
        "http://localhost:4280/below/v1/apps"
      ])
    }))

  it("what is no absolute URL stays below the base, whatever it looks like", () => {
    const base = new URL("https://api.machines.dev")
    for (
      const [text, url] of [
        ["/v1/apps", "https://api.machines.dev/v1/apps"],
        ["v1/apps", "https://api.machines.dev/v1/apps"],
        ["", "https://api.machines.dev/"],
        ["?a=b", "https://api.machines.dev/?a=b"],
        ["//evil.com/x", "https://api.machines.dev//evil.com/x"],
        ["\\\\evil.com", "https://api.machines.dev///evil.com"],
        ["@evil.com", "https://api.machines.dev/@evil.com"],
        [":80@evil.com", "https://api.machines.dev/:80@evil.com"],
        [".evil.com", "https://api.machines.dev/.evil.com"],
        ["\thttps://evil.com", "https://api.machines.dev/https://evil.com"]
      ] as const
    ) assert.strictEqual(new URL(Destination.resolve(text, base)).href, url, text)
  })

  it("the error names the origin, and nothing else of the URL", () => {
    const error = UntrustedOrigin.of(new URL("https://me:fo1_secret@evil.com:8443/fo1_secret?q=fo1_secret#fo1_secret"))
    assert.strictEqual(error.origin, `"https://evil.com:8443"`)
    assert.notInclude(`${error.message}${JSON.stringify(error)}${error.stack}`, "fo1_secret")
  })

  it.effect("a URL that is none is an error of the client's", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { layer } = scripted()
      const error = yield* FlyHttpClient.use((client) => Effect.flip(client.get("https://[broken"))).pipe(
        Effect.provide(within(world, layer))
      )
      assert.strictEqual(error._tag === "HttpClientError" && error.reason._tag, "InvalidUrlError")
    }))
})

for (const [name, over] of Object.entries(Apis.clients)) {
  describe(`a redirect over ${name}`, () => {
    it.live("comes back as it is, and no token goes with it", () =>
      Effect.gen(function*() {
        const world = yield* World.make
        const other = yield* Apis.start()
        const api = yield* Apis.start({
          redirects: { "/away": `${other.url}/v1/apps/my-app/machines`, "/near": "/v1/x" }
        })
        yield* Effect.gen(function*() {
          const client = yield* FlyHttpClient
          for (const path of ["/away", "/near"]) {
            const response = yield* client.get(path)
            assert.strictEqual(response.status, 307)
            assert.isDefined(response.headers["location"])
          }
        }).pipe(Effect.provide(within(world, over, { baseUrl: new URL(api.url) })))
        assert.strictEqual(api.requests.length, 2)
        assert.strictEqual(other.requests.length, 0)
      }))

    it.live("that is followed around this client goes with the token to trusted origins only", () =>
      Effect.gen(function*() {
        const world = yield* World.make
        const other = yield* Apis.start()
        const trusted = yield* Apis.start({ redirects: { "/on": `${other.url}/v1/apps/my-app/machines` } })
        const api = yield* Apis.start({
          redirects: {
            "/near": "/v1/apps/my-app/machines",
            "/trusted": `${trusted.url}/v1/apps/my-app/machines`,
            "/away": `${other.url}/v1/apps/my-app/machines`,
            "/far": `${trusted.url}/on`
          }
        })
        yield* Effect.gen(function*() {
          const client = HttpClient.followRedirects(yield* FlyHttpClient)
          assert.strictEqual((yield* client.get("/near")).status, 200)
          assert.strictEqual((yield* client.get("/trusted")).status, 200)
          for (const path of ["/away", "/far"]) {
            assert.instanceOf(yield* Effect.flip(client.get(path)), UntrustedOrigin, path)
          }
        }).pipe(Effect.provide(within(world, over, {
          baseUrl: new URL(api.url),
          trustedOrigins: [new URL(trusted.url)]
        })))
        assert.strictEqual(other.requests.length, 0)
        assert.deepStrictEqual(trusted.requests.map(({ path }) => path), ["/v1/apps/my-app/machines", "/on"])
      }))

    it.live("that the client below follows takes no token to another server", () =>
      Effect.gen(function*() {
        const world = yield* World.make
        const other = yield* Apis.start()
        const api = yield* Apis.start({ redirects: { "/away": `${other.url}/v1/apps/my-app/machines` } })
        yield* Effect.gen(function*() {
          const client = (yield* HttpClient.HttpClient).pipe(
            HttpClient.followRedirects(),
            FlyHttpClient.authorized("my-app", "machines", { baseUrl: new URL(api.url) })
          )
          yield* client.get("/away")
        }).pipe(Effect.provide([world.layer(), over]))
        assert.deepStrictEqual(other.requests.map(({ authorization, status }) => [authorization, status]), [[
          undefined,
          401
        ]])
        // Of a server that did not see the token a 401 says nothing about it.
        assert.strictEqual(world.mints.length, 1)
      }))
  })
}

describe("the base URL", () => {
  it.effect("is flyctl's of the environment, with layerConfig", () =>
    Effect.gen(function*() {
      const world = yield* World.make

      const { layer, sent } = scripted()
      for (const [target, path] of [["machines", "/v1/apps"], ["graphql", "/graphql"]] as const) {
        const unset = { FLY_FLAPS_BASE_URL: "", FLY_API_BASE_URL: "" }
        for (
          const variables of [{}, unset, { FLY_FLAPS_BASE_URL: "http://flaps:1", FLY_API_BASE_URL: "http://api:2" }]
        ) {
          yield* FlyHttpClient.use((client) => client.get(path)).pipe(
            Effect.provide(FlyHttpClient.layerConfig("my-app", target)),
            Effect.provide([world.layer(), layer, ConfigProvider.layer(ConfigProvider.fromUnknown(variables))])
          )
        }
      }
      assert.deepStrictEqual(sent.map(({ url }) => url), [
        "https://api.machines.dev/v1/apps",
        "https://api.machines.dev/v1/apps",
        "http://flaps:1/v1/apps",
        "https://api.fly.io/graphql",
        "https://api.fly.io/graphql",
        "http://api:2/graphql"
      ])
    }))

  it.effect("and trusted origins are values or Configs, with layerConfig", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { layer, sent } = scripted()
      const variables = {
        FLY_FLAPS_BASE_URL: "http://flaps:1",
        MY_BASE_URL: "http://mine:2",
        MY_PROXY: "http://proxy:3"
      }
      for (const baseUrl of [new URL("http://value:4"), Config.URL("MY_BASE_URL"), undefined]) {
        const trustedOrigins = Config.map(Config.URL("MY_PROXY"), (url) => [url])
        yield* Effect.gen(function*() {
          const client = yield* FlyHttpClient
          yield* client.get("/v1/apps")
          yield* client.get("http://proxy:3/x")
          assert.instanceOf(yield* Effect.flip(client.get("http://other:5/x")), UntrustedOrigin)
        }).pipe(
          Effect.provide(FlyHttpClient.layerConfig("my-app", "machines", { baseUrl, trustedOrigins })),
          Effect.provide([world.layer(), layer, ConfigProvider.layer(ConfigProvider.fromUnknown(variables))])
        )
      }
      assert.deepStrictEqual(sent.map(({ url }) => url), [
        "http://value:4/v1/apps",
        "http://proxy:3/x",
        "http://mine:2/v1/apps",
        "http://proxy:3/x",
        "http://flaps:1/v1/apps",
        "http://proxy:3/x"
      ])
    }))

  it.effect("that is none of the web gets no token, and is named", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { layer, sent } = scripted()
      const program = FlyHttpClient.use((client) => client.get("/v1/apps"))
      const error = yield* program.pipe(
        Effect.provide(within(world, layer, { baseUrl: new URL("localhost:4280") })),
        Effect.flip
      )
      assert.strictEqual(error._tag === "UntrustedOrigin" && error.origin, `"localhost:"`)
      const blob = yield* program.pipe(
        Effect.provide(within(world, layer, { baseUrl: new URL("blob:https://api.machines.dev/x") })),
        Effect.flip
      )
      assert.strictEqual(blob._tag === "UntrustedOrigin" && blob.origin, `"blob:"`)
      const unreadable = yield* program.pipe(
        Effect.provide(FlyHttpClient.layerConfig("my-app", "machines")),
        Effect.provide([
          world.layer(),
          layer,
          ConfigProvider.layer(ConfigProvider.fromUnknown({ FLY_FLAPS_BASE_URL: "127.0.0.1:4280" }))
        ]),
        Effect.flip
      )
      assert.strictEqual(unreadable._tag, "ConfigError")
      assert.deepStrictEqual(sent, [])
    }))
})
