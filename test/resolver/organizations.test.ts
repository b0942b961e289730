import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { FlyTokens, MissReason } from "../../src/index.ts"
import * as World from "../support/World.ts"

const apps = (count: number) => Array.from({ length: count }, (_, n) => `app-${n}`)

describe("one mint serves all apps of an organization", () => {
  it.effect("300 apps of 2 organizations, cold: 2 mints, one list of apps, one token per organization", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.mintTakes = 1_000
      const orgOf = (app: string) => `org-${Number(app.slice(4)) % 2}`
      world.listApps = () => Effect.succeed(new Map(apps(300).map((app) => [app, orgOf(app)])))
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const all = yield* Effect.forkChild(Effect.forEach(apps(300), tokens.get, { concurrency: "unbounded" }))
        yield* TestClock.adjust("5 seconds")
        const resolved = yield* Fiber.join(all)
        assert.strictEqual(world.mints.length, 2)
        assert.deepStrictEqual(world.lookups, ["list"])
        assert.isAtMost(world.mostRunning, 4)
        assert.strictEqual(new Set(resolved.map(({ token }) => token.value)).size, 2)
        for (const { app, token } of resolved) {
          assert.strictEqual(token, resolved.find((other) => orgOf(other.app) === orgOf(app))!.token)
        }
      }).pipe(Effect.provide(world.layer()))
    }))

  it.effect("never more than cliConcurrency children at once", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.mintTakes = 1_000
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const all = yield* Effect.forkChild(Effect.forEach(apps(30), tokens.get, { concurrency: "unbounded" }))
        yield* TestClock.adjust("10 seconds")
        yield* Fiber.join(all)
        assert.strictEqual(world.mints.length, 30)
        assert.strictEqual(world.mostRunning, 3)
      }).pipe(Effect.provide(world.layer({ org: (app) => app, cliConcurrency: 3 })))
    }))

  it.effect("cliTimeout counts from a child's start, not from when it began to wait", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.mintTakes = 10_000
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const all = yield* Effect.forkChild(Effect.forEach(apps(4), tokens.get, { concurrency: "unbounded" }))
        yield* TestClock.adjust("40 seconds")
        assert.deepStrictEqual((yield* Fiber.join(all)).map(({ source }) => source), ["cli", "cli", "cli", "cli"])
        assert.deepStrictEqual(world.mints.map(({ at }) => at), [0, 10_000, 20_000, 30_000])
      }).pipe(Effect.provide(world.layer({ org: (app) => app, cliConcurrency: 1 })))
    }))

  it.effect("later apps share the token, other processes find it in the store", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const first = yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const first = yield* tokens.get("app-1")
        yield* TestClock.adjust("1 hour")
        const second = yield* tokens.get("app-2")
        assert.strictEqual(second.token, first.token)
        assert.strictEqual(second.expiresAt, first.expiresAt)
        return first
      }).pipe(Effect.provide(world.layer()))
      const third = yield* FlyTokens.use((tokens) => tokens.get("app-3")).pipe(Effect.provide(world.layer()))
      assert.strictEqual(third.token.value, first.token.value)
      assert.strictEqual(third.expiresAt, first.expiresAt)
      assert.strictEqual(third.source, "storage")
      assert.strictEqual(world.mints.length, 1)
    }))

  it.effect("a failure is shared by those who wait and not kept for the others", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const works = world.mint
      world.mint = () =>
        Effect.andThen(Effect.sleep("1 second"), Effect.fail(new MissReason.HttpFailed({ status: 500 })))
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const all = yield* Effect.forkChild(
          Effect.forEach(apps(20), (app) => Effect.flip(tokens.get(app)), { concurrency: "unbounded" })
        )
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(all)
        assert.strictEqual(world.mints.length, 1)
        world.mint = works
        assert.strictEqual((yield* tokens.get("app-99")).source, "cli")
      }).pipe(Effect.provide(world.layer()))
    }))
})

describe("which organization", () => {
  it.effect("option org is asked first; then nothing is looked up", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      yield* FlyTokens.use((tokens) => tokens.get("app-1")).pipe(Effect.provide(world.layer({ org: "acme" })))
      yield* FlyTokens.use((tokens) => tokens.get("app-2")).pipe(
        Effect.provide(world.layer({ org: (app) => app === "app-2" ? "other" : undefined }))
      )
      assert.deepStrictEqual(world.mints.map(({ org }) => org), ["acme", "other"])
      assert.deepStrictEqual(world.lookups, [])
    }))

  it.effect("apps list once, then status for an app that is not in it; both are kept", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.listApps = () => Effect.succeed(new Map([["app-1", "acme"]]))
      world.orgOf = () => Effect.succeed("other")
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        yield* tokens.get("app-1")
        yield* tokens.get("app-2")
        yield* tokens.refresh("app-2")
        yield* tokens.get("app-3")
        assert.deepStrictEqual(world.lookups, ["list", "app-2", "app-3"])
        assert.deepStrictEqual(world.mints.map(({ org }) => org), ["acme", "other", "other"])
      }).pipe(Effect.provide(world.layer()))
    }))

  it.effect("a list that is not allowed is passed over; a missing login ends it", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.listApps = () => Effect.fail(new MissReason.ExitCode({ code: 1 }))
      yield* FlyTokens.use((tokens) => tokens.get("app-1")).pipe(Effect.provide(world.layer()))
      assert.deepStrictEqual(world.lookups, ["list", "app-1"])

      world.listApps = () => Effect.fail(new MissReason.NotLoggedIn())
      const error = yield* FlyTokens.use((tokens) => tokens.get("app-9")).pipe(
        Effect.provide(world.layer()),
        Effect.flip
      )
      assert.include(error.message, "fly auth login")
      assert.deepStrictEqual(world.lookups, ["list", "app-1", "list"])
    }))

  it.effect("is never a flag, whoever says so", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.orgOf = () => Effect.succeed("-t")
      for (const options of [{}, { org: () => "--from-existing" }]) {
        const error = yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(
          Effect.provide(world.layer(options)),
          Effect.flip
        )
        assert.strictEqual(error._tag === "NoTokenAvailable" && error.attempts[3]?.reason._tag, "OrgUnknown")
      }
      assert.lengthOf(world.mints, 0)
    }))

  it.effect("an organization that the environment's token does not see is asked for with flyctl's login", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      // A token of another app, in a program whose chain leaves the environment out.
      world.variables["FLY_API_TOKEN"] = World.tokenOf({ now: 0, life: World.day }).value
      const calls: Array<boolean> = []
      world.listApps = () => Effect.fail(new MissReason.NotAuthenticated())
      world.orgOf = (app, call) => {
        calls.push(call.environmentToken)
        return call.environmentToken ? Effect.fail(new MissReason.OrgUnknown({ name: app })) : Effect.succeed("acme")
      }
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        assert.strictEqual((yield* tokens.get("my-app")).source, "cli")
        assert.deepStrictEqual(calls, [true, false])
        assert.deepStrictEqual(world.mints.map(({ org }) => org), ["acme"])
      }).pipe(Effect.provide(world.layer({ chain: ["cli"] })))
    }))

  it.effect("if neither sees it, the reason is that of the environment's token", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.variables["FLY_API_TOKEN"] = World.tokenOf({ now: 0, life: World.day }).value
      world.listApps = () => Effect.fail(new MissReason.HttpFailed({ status: 403 }))
      world.orgOf = (app, call) =>
        Effect.fail(call.environmentToken ? new MissReason.OrgUnknown({ name: app }) : new MissReason.NotLoggedIn())
      const error = yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(
        Effect.flip,
        Effect.provide(world.layer({ chain: ["cli"] }))
      )
      assert.strictEqual(error._tag, "NoTokenAvailable")
      if (error._tag !== "NoTokenAvailable") return
      assert.deepStrictEqual(error.attempts.map(({ reason }) => reason._tag), ["OrgUnknown"])
      assert.deepStrictEqual(world.lookups, ["list", "my-app", "my-app"])
    }))

  it.effect("without a token in the environment nobody is asked twice", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.orgOf = (app) => Effect.fail(new MissReason.OrgUnknown({ name: app }))
      yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(
        Effect.flip,
        Effect.provide(world.layer({ chain: ["cli"] }))
      )
      assert.deepStrictEqual(world.lookups, ["list", "my-app"])
    }))
})
