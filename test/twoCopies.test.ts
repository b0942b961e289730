/**
 * Two copies of the package in one process, as a lock file with two versions, or a bundle beside the package, makes them.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { cp, mkdtemp, rm, symlink } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { afterAll, beforeAll } from "vitest"
import * as ours from "../src/index.ts"
import * as PromiseClient from "./support/PromiseClient.ts"
import * as World from "./support/World.ts"

const root = fileURLToPath(new URL("..", import.meta.url))

let folder: string
let theirs: typeof ours

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fly-tokens-copy-"))
  await cp(join(root, "src"), join(folder, "src"), { recursive: true })
  await cp(join(root, "package.json"), join(folder, "package.json"))
  await symlink(join(root, "node_modules"), join(folder, "node_modules"))
  theirs = await import(/* @vite-ignore */ pathToFileURL(join(folder, "src", "index.ts")).href)
})

afterAll(() => rm(folder, { recursive: true, force: true }))

/** A value for a parameter whose type it does not have: programs without types, and two copies, do that. */
const as = (value: unknown) => value as never

const noTokens: ReadonlyArray<readonly [string, (token: ours.FlyToken) => unknown]> = [
  ["a structured clone", (token) => structuredClone(token)],
  ["one that went through JSON", (token) => JSON.parse(JSON.stringify(token))],
  ["what JSON leaves of a plain object", () => ({})],
  ["null", () => null],
  ["a proxy", (token) => new Proxy(token, {})],
  ["a text that is printed in its place", () => Redacted.make("<redacted>")],
  ["a cut text", (token) => Redacted.make(token.value.slice(0, 40))]
]

describe("a token of another copy", () => {
  it("is known, read and equal, and is not an instance of ours", () => {
    const foreign = theirs.FlyToken.make("fo1_user")
    assert.isFalse(foreign instanceof ours.FlyToken)
    assert.isTrue(ours.FlyToken.isFlyToken(foreign))
    const made = ours.FlyToken.make(as(foreign))
    assert.isTrue(made instanceof ours.FlyToken)
    assert.strictEqual(made.value, "fo1_user")
    assert.isTrue(Equal.equals(made, foreign))
    assert.isTrue(Equal.equals(foreign, made))
  })

  it.effect("is the one that was rejected: another one takes its place", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      yield* Effect.gen(function*() {
        const tokens = yield* ours.FlyTokens
        const first = yield* tokens.get("my-app")
        const other = yield* tokens.refresh("my-app", { rejected: as(theirs.FlyToken.make(first.token.value)) })
        assert.notStrictEqual(other.token.value, first.token.value)
        assert.strictEqual(world.mints.length, 2)
        yield* tokens.invalidate("my-app", { rejected: as(theirs.FlyToken.make(other.token.value)) })
        assert.isTrue(tokens.peek("my-app")._tag === "None")
      }).pipe(Effect.provide(world.layer({ org: "my-org" })))
    }))

  it.effect("can be set by hand", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      yield* Effect.gen(function*() {
        const tokens = yield* ours.FlyTokens
        yield* tokens.setManual("my-app", as(theirs.FlyToken.make("fo1_by-hand")))
        assert.strictEqual((yield* tokens.get("my-app")).token.value, "fo1_by-hand")
      }).pipe(Effect.provide(world.layer({ chain: ["manual"] })))
    }))

  it.effect("comes from the layers of its copy: config file, flyctl, and their reasons too", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const layers = Layer.mergeAll(
        Layer.succeed(theirs.Environment)({ get: () => undefined }),
        theirs.StorageMemory.layer,
        Layer.succeed(theirs.ConfigFile)({ accessToken: Effect.suspend(() => world.config) as never }),
        theirs.FlyCli.layerDisabled
      )
      yield* Effect.gen(function*() {
        const tokens = yield* ours.FlyTokens
        world.config = Effect.fail(as(new theirs.MissReason.Unreadable({ path: "/config.yml", why: "it is odd" })))
        const error = yield* Effect.flip(tokens.get("my-app"))
        assert.strictEqual(error._tag, "NoTokenAvailable")
        assert.include(error.message, "config   /config.yml: it is odd")
        assert.include(error.message, "cli      switched off in this program")
        world.config = Effect.succeed(as(theirs.FlyToken.make("fo1_from-file")))
        const { token } = yield* tokens.refresh("my-app")
        assert.isTrue(token instanceof ours.FlyToken)
        assert.strictEqual(token.value, "fo1_from-file")
      }).pipe(Effect.provide(Layer.provide(ours.FlyTokens.layer(), as(layers) as typeof layers)))
    }))
})

describe("a lease of another copy", () => {
  it.effect("that fails says why, and the token is minted without it", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const failing = {
        withLease: () => Effect.fail(new theirs.LeaseError({ scope: "org/acme", why: "Redis cannot be reached" }))
      }
      const [event] = yield* Effect.gen(function*() {
        const tokens = yield* ours.FlyTokens
        const seen = yield* tokens.events.pipe(
          Stream.filter(({ _tag }) => _tag === "LeaseUnavailable"),
          Stream.take(1),
          Stream.runCollect,
          Effect.forkChild({ startImmediately: true })
        )
        yield* tokens.get("my-app")
        return yield* Fiber.join(seen)
      }).pipe(Effect.provide(Layer.provide(world.layer({ org: "acme" }), Layer.succeed(theirs.Lease)(as(failing)))))
      assert.strictEqual(event?._tag === "LeaseUnavailable" && event.error.why, "Redis cannot be reached")
    }))
})

describe("the promise front", () => {
  it.effect("takes a token of another copy, and refuses what is none", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { client } = yield* PromiseClient.make(world, { org: "acme" })
      const { token } = yield* Effect.promise(() => client.get("my-app"))
      for (const rejected of ["<redacted>", String(token), as(structuredClone(token)), as(null)]) {
        const error = yield* PromiseClient.rejection(() => client.refresh("my-app", { rejected }))
        assert.strictEqual((error as { readonly _tag: string })._tag, "UnusableToken")
      }
      const foreign = theirs.FlyToken.make(token.value)
      const other = yield* Effect.promise(() => client.refresh("my-app", { rejected: as(foreign) }))
      assert.notStrictEqual(other.token.value, token.value)
      yield* Effect.promise(() => client.setManual("my-app", as(foreign)))
      assert.strictEqual(world.mints.length, 2)
    }))
})

describe("what is no token", () => {
  it.effect.each(noTokens)("%s is refused as rejected, and the token stays", ([, made]) =>
    Effect.gen(function*() {
      const world = yield* World.make
      yield* Effect.gen(function*() {
        const tokens = yield* ours.FlyTokens
        const { token } = yield* tokens.get("my-app")
        const refusal = { rejected: as(made(token)) }
        for (const call of [tokens.refresh("my-app", refusal), tokens.invalidate("my-app", refusal)]) {
          const error = yield* Effect.flip(call as Effect.Effect<unknown, { readonly _tag: string }>)
          assert.strictEqual(error._tag, "UnusableToken")
        }
        assert.strictEqual((yield* tokens.get("my-app")).token.value, token.value)
        assert.strictEqual(world.mints.length, 1)
      }).pipe(Effect.provide(world.layer({ org: "my-org" })))
    }))

  it.effect.each([...noTokens, ["undefined", () => undefined] as const])(
    "%s is not set by hand",
    ([, made]) =>
      Effect.gen(function*() {
        const world = yield* World.make
        yield* Effect.gen(function*() {
          const tokens = yield* ours.FlyTokens
          const error = yield* Effect.flip(
            tokens.setManual("my-app", as(made(World.tokenOf({ now: 0, life: World.day }))))
          )
          assert.strictEqual(error._tag, "UnusableToken")
          assert.notInclude(error.message, "empty")
        }).pipe(Effect.provide(world.layer({ chain: ["manual"] })))
      })
  )
})
