/**
 * Options, errors as plain errors, and secrets.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { execFileSync } from "node:child_process"
import { inspect } from "node:util"
import { MissReason } from "../../src/index.ts"
import {
  createFlyTokens,
  type CreateFlyTokensOptions,
  fromLayer,
  InvalidAppName,
  InvalidOption,
  NoTokenAvailable,
  PersistFailed,
  UnusableToken
} from "../../src/promise.ts"
import { orgToken } from "../stand-in/macaroon.mjs"
import * as PromiseClient from "../support/PromiseClient.ts"
import { printed } from "../support/Recorder.ts"
import * as World from "../support/World.ts"

const wrong: ReadonlyArray<readonly [string, object]> = [
  ["ttl", { ttl: "soon" }],
  ["ttl", { ttl: -1 }],
  ["cliConcurrency", { cliConcurrency: 0 }],
  ["chain", { chain: ["cloud"] }],
  ["org", { org: "--help" }]
]

describe("createFlyTokens: options", () => {
  it.each(wrong)("%s that cannot work throws at once", (option, options) => {
    let error: unknown
    try {
      createFlyTokens(options)
    } catch (thrown) {
      error = thrown
    }
    assert.instanceOf(error, InvalidOption)
    assert.strictEqual(error.option, option)
  })

  it("durations are texts and numbers, without a type of Effect", () => {
    const options: CreateFlyTokensOptions = {
      ttl: "12 hours",
      cliTimeout: 20_000,
      idleTimeToLive: Infinity,
      leaseTtl: "1 minute",
      org: (app) => app.startsWith("eu-") ? "acme-eu" : "acme",
      log: false
    }
    assert.isFunction(createFlyTokens(options).get)
    // @ts-expect-error no duration
    const none: CreateFlyTokensOptions = { ttl: new Date() }
    assert.throws(() => createFlyTokens(none))
  })

  it("importing the entry loads nothing of Node's platform before the first call", () => {
    const program = `
      import { registerHooks } from "node:module"
      const loaded = []
      registerHooks({ resolve: (specifier, context, next) => (loaded.push(specifier), next(specifier, context)) })
      const { createFlyTokens } = await import(${JSON.stringify(new URL("../../src/promise.ts", import.meta.url).href)})
      const platform = () => loaded.filter((each) => /platform-node|FlyTokensNode/.test(each)).length
      const tokens = createFlyTokens({ environment: { FLY_API_TOKEN: "fo1_x" }, chain: ["env"] })
      const before = platform()
      await tokens.get("my-app")
      console.log(before, platform() > 0)
    `
    const printed = execFileSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" })
    assert.strictEqual(printed, "0 true\n")
  })
})

describe("createFlyTokens: errors", () => {
  it.effect("are plain errors with their tags, and print with message, reasons and stack", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
      world.storeGate = (operation, name) =>
        operation === "put" && name === "stuck" ? Effect.die("no disk") : Effect.void
      const { client } = yield* PromiseClient.make(world)
      const none = yield* PromiseClient.rejection(() => client.get("my-app"))
      assert.instanceOf(none, NoTokenAvailable)
      assert.deepStrictEqual(
        none.attempts.map(({ reason, source }) => `${source} ${reason._tag}`),
        ["env NotFound", "storage NotFound", "config NotFound", "cli NotLoggedIn", "manual NotFound"]
      )
      const errors = [
        none,
        yield* PromiseClient.rejection(() => client.get("../x")),
        yield* PromiseClient.rejection(() => client.refresh(undefined as unknown as string)),
        yield* PromiseClient.rejection(() => client.setManual("my-app", "")),
        yield* PromiseClient.rejection(() => client.setManual("stuck", "fo1_x"))
      ]
      const classes: ReadonlyArray<abstract new(...args: never) => Error> = [
        NoTokenAvailable,
        InvalidAppName,
        InvalidAppName,
        UnusableToken,
        PersistFailed
      ]
      for (const [n, error] of errors.entries()) {
        assert.instanceOf(error, Error)
        assert.strictEqual(error.constructor, classes[n])
        assert.strictEqual((error as { readonly _tag?: string })._tag, error.name)
        assert.include(error.stack ?? "", error.message)
        assert.include(inspect(error), `${error.name}: ${error.message}`)
        assert.include(inspect(new Error("around", { cause: error })), error.name)
      }
    }))

  it.effect("a failure of a layer that is no Error is wrapped in one", () =>
    Effect.gen(function*() {
      const cause = { code: 7 }
      const client = fromLayer(Layer.unwrap(Effect.fail(cause)))
      const error = yield* PromiseClient.rejection(() => client.get("my-app"))
      assert.instanceOf(error, Error)
      assert.strictEqual(error.cause, cause)
      yield* Effect.promise(client.close)
    }))

  it.effect("no token is in what is answered, rejected, told or logged, however it is printed", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const expired = orgToken({ now: -World.day, life: 60 })
      world.variables["FLY_API_TOKEN"] = expired
      const shown: Array<unknown> = []
      const { client, lines } = yield* PromiseClient.make(world)
      client.on("*", (event) => shown.push(event))
      const first = yield* Effect.promise(() => client.get("my-app"))
      const second = yield* Effect.promise(() => client.refresh("my-app", { rejected: first.token.value }))
      yield* Effect.promise(() => client.setManual("my-app", "fo1_byhand"))
      world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
      shown.push(
        client,
        first,
        second,
        client.peek("my-app"),
        yield* PromiseClient.rejection(() => client.setManual("my-app", expired)),
        yield* PromiseClient.rejection(() => client.get(expired)),
        yield* Effect.promise(() => client.status("my-app")),
        yield* Effect.promise(() => client.refresh("my-app")),
        lines
      )
      // Listeners are told in a turn of the event loop of their own.
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      const text = shown.map(printed).join("\n")
      assert.include(text, first.token.fingerprint)
      assert.include(text, "Refreshed")
      for (const secret of [first.token.value, second.token.value, expired, "fo1_byhand"]) {
        assert.notInclude(text, secret.replace("FlyV1 ", "").slice(0, 40))
      }
    }))
})
