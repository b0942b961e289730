/**
 * The main job with real parts: the program of the guide as a process, the stand-ins for flyctl and for Fly's APIs.
 */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import { execFile } from "node:child_process"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { FlyHttpClient } from "../../src/http.ts"
import { FlyToken } from "../../src/index.ts"
import { FlyTokensNode } from "../../src/node.ts"
import * as mac from "../stand-in/macaroon.mjs"
import * as Apis from "../support/Apis.ts"
import { fileOf } from "../support/Programs.ts"
import * as Sandbox from "../support/Sandbox.ts"

const program = fileOf("test/support/listMachines.ts")

/** A token that looks good for a day, in the store, and that the API refuses. */
const storeDeadToken = (sandbox: Sandbox.Sandbox, api: Effect.Success<ReturnType<typeof Apis.start>>) =>
  Effect.promise(async () => {
    const now = Date.now()
    const token = mac.orgToken({ now, life: 86_400 })
    api.kill(FlyToken.make(token).authorization("machines"))
    await mkdir(join(sandbox.store, "cached"), { recursive: true, mode: 0o700 })
    await writeFile(
      join(sandbox.store, "cached", "my-app.json"),
      JSON.stringify({ version: 1, token, expiresAt: now + 86_400_000, source: "cli", savedAt: now }),
      { mode: 0o600 }
    )
    return FlyToken.make(token)
  })

it.live("the program lists an app's machines, first with a dead token from the store", () =>
  Effect.gen(function*() {
    const sandbox = yield* Sandbox.make
    const api = yield* Apis.start()
    const dead = yield* storeDeadToken(sandbox, api)
    const run = Effect.promise(() =>
      promisify(execFile)(process.execPath, [program], {
        env: { ...sandbox.environment, FLY_FLAPS_BASE_URL: api.url } as NodeJS.ProcessEnv
      })
    )
    const mints = Effect.map(Effect.promise(sandbox.mints), (calls) => calls.length)

    const first = yield* run
    assert.include(first.stdout, "3d8d9014b32d89")
    assert.include(first.stdout, "my-app-2")
    assert.deepStrictEqual(api.requests.map(({ status }) => status), [401, 200])
    assert.strictEqual(api.requests[0]!.authorization, dead.authorization("machines"))
    assert.strictEqual(yield* mints, 1)

    const second = yield* run
    assert.strictEqual(second.stdout, first.stdout)
    assert.deepStrictEqual(api.requests.map(({ status }) => status), [401, 200, 200])
    assert.strictEqual(yield* mints, 1)
    for (const { stderr, stdout } of [first, second]) assert.notMatch(stdout + stderr, /fm2_|fo1_/)
  }), 120_000)

it.live("the program is the guide's, and has at most 12 lines", () =>
  Effect.gen(function*() {
    const read = (path: string) => Effect.promise(() => readFile(new URL(path, import.meta.url), "utf8"))
    const programOf = (text: string) =>
      [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = ""]) => code)
        .find((code) => code.includes("FlyHttpClient.use") && code.includes("runMain")) ?? ""
    const guides = programOf(yield* read("../../docs/http.md"))
    const ours = (yield* read("../support/listMachines.ts"))
      .replace("../../src/http.ts", "effect-fly-tokens/http")
      .replace("../../src/node.ts", "effect-fly-tokens/node")
    const lines = (text: string) => text.split("\n").filter((line) => line !== "").sort()
    assert.deepStrictEqual(lines(ours), lines(guides))
    assert.isAtMost(lines(guides).length, 12)
  }))

it.live(
  "100 concurrent requests whose stored token is dead: 1 mint by flyctl, 100 successes",
  () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const api = yield* Apis.start()
      yield* Effect.promise(() => sandbox.settings({ delay: 50 }))
      yield* storeDeadToken(sandbox, api)
      const statuses = yield* Effect.gen(function*() {
        const client = yield* FlyHttpClient
        return yield* Effect.forEach(
          Array.from({ length: 100 }),
          () =>
            Effect.flatMap(
              client.get("/v1/apps/my-app/machines"),
              (response) => Effect.as(response.json, response.status)
            ),
          { concurrency: "unbounded" }
        )
      }).pipe(
        Effect.provide(FlyHttpClient.layer("my-app", "machines", { baseUrl: new URL(api.url) })),
        Effect.provide([FlyTokensNode.layer({ environment: sandbox.environment, org: "acme" }), FetchHttpClient.layer])
      )
      assert.deepStrictEqual(statuses, Array.from({ length: 100 }, () => 200))
      assert.strictEqual((yield* Effect.promise(sandbox.mints)).length, 1)
      const sent = api.requests.map(({ status }) => status)
      assert.strictEqual(sent.filter((status) => status === 200).length, 100)
      assert.isAtLeast(sent.filter((status) => status === 401).length, 1)
      assert.isAtMost(sent.length, 200)
    }),
  120_000
)
