import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import {
  ConfigFile,
  Environment,
  FlyCli,
  type FlyCliReason,
  FlyTokens,
  MissReason,
  StorageMemory
} from "../../src/index.ts"
import * as World from "../support/World.ts"

const apps = (count: number) => Array.from({ length: count }, (_, n) => `app-${n}`)

describe("one mint serves all apps of an organization", () => {
  it.effect("300 apps of 2 organizations, cold: 2 mints, one list of apps, few questions, one token per organization", () =>
    World.scenario({}, function*({ tokens, world }) {
      world.mintTakes = 1_000
      const orgOf = (app: string) => `org-${Number(app.slice(4)) % 2}`
      world.listApps = () => Effect.delay(Effect.succeed(new Map(apps(300).map((app) => [app, orgOf(app)]))), 300)
      world.orgOf = (app) => Effect.delay(Effect.succeed(orgOf(app)), 300)
      const all = yield* Effect.forkChild(Effect.forEach(apps(300), tokens.get, { concurrency: "unbounded" }))
      yield* TestClock.adjust("5 seconds")
      const resolved = yield* Fiber.join(all)
      assert.strictEqual(world.mints.length, 2)
      assert.lengthOf(world.lookups.filter((asked) => asked === "list"), 1)
      assert.isAtMost(world.lookups.length, 8)
      assert.isAtMost(world.mostRunning, 4)
      assert.strictEqual(new Set(resolved.map(({ token }) => token.value)).size, 2)
      for (const { app, token } of resolved) {
        assert.strictEqual(token, resolved.find((other) => orgOf(other.app) === orgOf(app))!.token)
      }
    }))

  it.effect("never more than cliConcurrency children at once", () =>
    World.scenario({ org: (app) => app, cliConcurrency: 3 }, function*({ tokens, world }) {
      world.mintTakes = 1_000
      const all = yield* Effect.forkChild(Effect.forEach(apps(30), tokens.get, { concurrency: "unbounded" }))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(all)
      assert.strictEqual(world.mints.length, 30)
      assert.strictEqual(world.mostRunning, 3)
    }))

  it.effect("cliTimeout counts from a child's start, not from when it began to wait", () =>
    World.scenario({ org: (app) => app, cliConcurrency: 1 }, function*({ tokens, world }) {
      world.mintTakes = 10_000
      const all = yield* Effect.forkChild(Effect.forEach(apps(4), tokens.get, { concurrency: "unbounded" }))
      yield* TestClock.adjust("40 seconds")
      assert.deepStrictEqual((yield* Fiber.join(all)).map(({ source }) => source), ["cli", "cli", "cli", "cli"])
      assert.deepStrictEqual(world.mints.map(({ at }) => at), [0, 10_000, 20_000, 30_000])
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
    World.scenario({}, function*({ tokens, world }) {
      const works = world.mint
      world.mint = () =>
        Effect.andThen(Effect.sleep("1 second"), Effect.fail(new MissReason.HttpFailed({ status: 500 })))
      const all = yield* Effect.forkChild(
        Effect.forEach(apps(20), (app) => Effect.flip(tokens.get(app)), { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(all)
      assert.strictEqual(world.mints.length, 1)
      world.mint = works
      assert.strictEqual((yield* tokens.get("app-99")).source, "cli")
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

  it.effect("each app is asked for by itself, and the answer kept: an account has any number of apps", () =>
    World.scenario({}, function*({ tokens, world }) {
      world.orgOf = (app) => Effect.succeed(app === "app-1" ? "acme" : "other")
      yield* tokens.get("app-1")
      yield* tokens.get("app-2")
      yield* tokens.refresh("app-2")
      yield* tokens.get("app-3")
      // A refresh asks anew: the app may have moved.
      assert.deepStrictEqual(world.lookups, ["app-1", "app-2", "app-2", "app-3"])
      assert.deepStrictEqual(world.mints.map(({ org }) => org), ["acme", "other", "other"])
    }))

  it.effect("where the question fails and a list may know, it is asked; not where Fly or flyctl said that there is nothing", () =>
    Effect.gen(function*() {
      const ended = new MissReason.Forbidden()
      const rows: ReadonlyArray<readonly [FlyCliReason, boolean]> = [
        // Those of the Machines API alone, which `status` asks too.
        [new MissReason.NotAuthenticated(), true],
        [new MissReason.Forbidden(), true],
        [new MissReason.RateLimited(), true],
        [new MissReason.HttpFailed({ status: 500 }), true],
        [new MissReason.Unreachable({ by: "portal" }), true],
        [new MissReason.ExitCode({ code: 1 }), true],
        [new MissReason.Malformed({ why: "flyctl printed something else than the status of an app" }), true],
        [new MissReason.AppUnknown({ app: "app-1" }), false],
        [new MissReason.Unreachable({ by: "timedOut" }), false],
        [new MissReason.NotLoggedIn(), false],
        [new MissReason.BinaryNotFound({ looked: [] }), false],
        [new MissReason.HomeUnusable({ problem: "noHome", path: null }), false]
      ]
      for (const [reason, listed] of rows) {
        const world = yield* World.make
        world.orgOf = () => Effect.fail(reason)
        world.listApps = () => Effect.succeed(new Map([["app-1", "acme"]]))
        const got = yield* Effect.result(
          FlyTokens.use((tokens) => tokens.get("app-1")).pipe(Effect.provide(world.layer({ chain: ["cli"] })))
        )
        assert.deepStrictEqual(world.lookups, listed ? ["app-1", "list"] : ["app-1"], reason._tag)
        assert.strictEqual(got._tag, listed ? "Success" : "Failure")

        // The list fails too: the first reason is told, and no list is asked for again and again.
        world.lookups.length = 0
        world.listApps = () => Effect.fail(ended)
        yield* Effect.gen(function*() {
          const tokens = yield* FlyTokens
          for (const app of ["app-1", "app-2", "app-3"]) {
            const error = yield* Effect.flip(tokens.get(app))
            assert.strictEqual(error._tag === "NoTokenAvailable" && error.attempts[0]?.reason._tag, reason._tag)
          }
        }).pipe(Effect.provide(world.layer({ chain: ["cli"] })))
        assert.deepStrictEqual(
          world.lookups,
          listed ? ["app-1", "list", "app-2", "app-3"] : ["app-1", "app-2", "app-3"],
          reason._tag
        )
      }
    }))

  it.effect("is never a flag, whoever says so", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.orgOf = () => Effect.succeed("-t")
      for (const [options, reason] of [[{}, "Malformed"], [{ org: () => "--from-existing" }, "OrgUnknown"]] as const) {
        const error = yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(
          Effect.provide(world.layer(options)),
          Effect.flip
        )
        assert.strictEqual(error._tag === "NoTokenAvailable" && error.attempts[3]?.reason._tag, reason)
      }
      assert.lengthOf(world.mints, 0)
    }))

  it.effect("a name that is none is not kept: flyctl is asked again, and healed it serves", () =>
    World.scenario({}, function*({ tokens, world }) {
      world.orgOf = () => Effect.succeed("")
      world.listApps = () => Effect.succeed(new Map([["my-app", ""], ["other-app", "acme"]]))
      yield* Effect.flip(tokens.get("my-app"))
      // A wrong row of a list takes nothing from the others.
      assert.strictEqual((yield* tokens.get("other-app")).source, "cli")
      world.orgOf = () => Effect.succeed("acme")
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* tokens.get("my-app")).source, "cli")
      assert.deepStrictEqual(world.lookups, ["my-app", "list", "my-app"])
      assert.deepStrictEqual(world.mints.map(({ org }) => org), ["acme"])
    }))

  it.effect("an organization that the environment's token does not see is asked for with flyctl's login", () =>
    World.scenario({ chain: ["cli"] }, function*({ tokens, world }) {
      // A token of another app, in a program whose chain leaves the environment out.
      world.variables["FLY_API_TOKEN"] = World.tokenOf({ now: 0, life: World.day }).value
      const calls: Array<boolean> = []
      world.orgOf = (app, call) => {
        calls.push(call.environmentToken)
        return call.environmentToken ? Effect.fail(new MissReason.OrgUnknown({ slug: app })) : Effect.succeed("acme")
      }
      assert.strictEqual((yield* tokens.get("my-app")).source, "cli")
      assert.deepStrictEqual(calls, [true, false])
      assert.deepStrictEqual(world.mints.map(({ org }) => org), ["acme"])
    }))

  it.effect("if neither sees it, the reason is that of the environment's token", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.variables["FLY_API_TOKEN"] = World.tokenOf({ now: 0, life: World.day }).value
      world.orgOf = (app, call) =>
        Effect.fail(call.environmentToken ? new MissReason.OrgUnknown({ slug: app }) : new MissReason.NotLoggedIn())
      const error = yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(
        Effect.flip,
        Effect.provide(world.layer({ chain: ["cli"] }))
      )
      assert.strictEqual(error._tag, "NoTokenAvailable")
      if (error._tag !== "NoTokenAvailable") return
      assert.deepStrictEqual(error.attempts.map(({ reason }) => reason._tag), ["OrgUnknown"])
      assert.deepStrictEqual(world.lookups, ["my-app", "my-app"])
    }))

  it.effect("without a token in the environment nobody is asked twice", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.orgOf = (app) => Effect.fail(new MissReason.OrgUnknown({ slug: app }))
      yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(
        Effect.flip,
        Effect.provide(world.layer({ chain: ["cli"] }))
      )
      assert.deepStrictEqual(world.lookups, ["my-app"])
    }))
})

describe("many apps at once", () => {
  const of = (app: string) => `org-${Number(app.slice(4)) % 3}`
  const listed = (count: number) => new Map(apps(count).map((app) => [app, of(app)]))
  const lists = (world: World.World) => world.lookups.filter((asked) => asked === "list").length
  const all = (count: number) =>
    FlyTokens.use((tokens) => Effect.forEach(apps(count), tokens.get, { concurrency: "unbounded" }))

  it.effect("1,000: one list, few questions, never more than cliConcurrency at once", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.listApps = () => Effect.delay(Effect.succeed(listed(1_000)), "1 second")
      world.orgOf = (app) => Effect.delay(Effect.succeed(of(app)), "300 millis")
      yield* Effect.gen(function*() {
        const got = yield* Effect.forkChild(all(1_000))
        yield* TestClock.adjust("2 seconds")
        yield* Fiber.join(got)
        assert.strictEqual(lists(world), 1)
        // Three beside the list, as long as that takes, and those that are queued when it comes.
        assert.isAtMost(world.lookups.length, 20)
        assert.isAtMost(world.mostRunning, 4)
        assert.deepStrictEqual(world.mints.map(({ org }) => org).sort(), ["org-0", "org-1", "org-2"])
      }).pipe(Effect.provide(world.layer()))
    }))

  it.effect("three are not many", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.orgOf = (app) => Effect.delay(Effect.succeed(of(app)), "300 millis")
      yield* Effect.gen(function*() {
        const got = yield* Effect.forkChild(all(3))
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(got)
        assert.strictEqual(lists(world), 0)
      }).pipe(Effect.provide(world.layer()))
    }))

  it.effect("nobody waits for a list that hangs, fails, or does not have the app", () =>
    Effect.gen(function*() {
      for (
        const list of [
          Effect.never,
          Effect.fail(new MissReason.Forbidden()),
          Effect.succeed(new Map([["elsewhere", "acme"]]))
        ]
      ) {
        const world = yield* World.make
        world.listApps = () => list
        world.orgOf = (app) => Effect.delay(Effect.succeed(of(app)), "300 millis")
        yield* Effect.gen(function*() {
          const got = yield* Effect.forkChild(all(30))
          // Ten rounds of three.
          yield* TestClock.adjust("3 seconds")
          assert.isDefined(got.pollUnsafe())
          assert.lengthOf(world.lookups, 31)
          assert.strictEqual(lists(world), 1)
        }).pipe(Effect.provide(world.layer({ cliTimeout: "1 minute" })))
      }
    }))

  it.effect("whoever the list knows first is served by it, though its own question hangs", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.listApps = () => Effect.delay(Effect.succeed(listed(6)), "1 second")
      world.orgOf = () => Effect.never
      yield* Effect.gen(function*() {
        const got = yield* Effect.forkChild(
          Effect.forEach(apps(6), (app) => Effect.exit(FlyTokens.use((tokens) => tokens.get(app))), {
            concurrency: "unbounded"
          })
        )
        yield* TestClock.adjust("20 seconds")
        const exits = yield* Fiber.join(got)
        assert.isTrue(exits.every(Exit.isSuccess))
      }).pipe(Effect.provide(world.layer({ cliTimeout: "10 seconds" })))
    }))

  it.effect("a question that timed out waits for a list that is under way, and asks for none", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.listApps = () => Effect.delay(Effect.succeed(listed(4)), "7 seconds")
      world.orgOf = () => Effect.never
      const get = (app: string) => Effect.forkChild(Effect.exit(FlyTokens.use((tokens) => tokens.get(app))))
      yield* Effect.gen(function*() {
        const three = yield* Effect.forEach(apps(3), get)
        yield* TestClock.adjust("5 seconds")
        const fourth = yield* get("app-3")
        yield* TestClock.adjust("8 seconds")
        const exits = yield* Effect.forEach([...three, fourth], Fiber.join)
        assert.isTrue(exits.every(Exit.isSuccess))
      }).pipe(Effect.provide(world.layer({ cliTimeout: "10 seconds" })))

      world.lookups.length = 0
      yield* Effect.gen(function*() {
        const one = yield* get("app-9")
        yield* TestClock.adjust("10 seconds")
        assert.isTrue(Exit.isFailure(yield* Fiber.join(one)))
        assert.deepStrictEqual(world.lookups, ["app-9"])
      }).pipe(Effect.provide(world.layer({ cliTimeout: "10 seconds" })))
    }))

  it.effect("a mint waits for no queue of questions", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.listApps = () => Effect.never
      world.orgOf = (app) => Effect.delay(Effect.succeed(of(app)), "1 second")
      yield* Effect.gen(function*() {
        yield* Effect.forkChild(all(300))
        yield* TestClock.adjust("3 seconds")
        assert.lengthOf(world.mints, 3)
      }).pipe(Effect.provide(world.layer({ cliTimeout: "1 minute" })))
    }))
})

describe("a FlyCli that throws before it answers an effect", () => {
  it.effect("is a Defect of each source that asks it, and the next get asks it again", () =>
    Effect.gen(function*() {
      const broken = { orgOf: true, listApps: true, mint: true }
      const answer = <A>(what: keyof typeof broken, value: () => A) => {
        if (broken[what]) throw new TypeError("of somebody's own")
        return Effect.sync(value)
      }
      const token = () => World.tokenOf({ now: 0, life: World.day })
      const cli = Layer.succeed(FlyCli)({
        orgOf: () => answer("orgOf", () => "acme"),
        listApps: () => answer("listApps", () => new Map()),
        mintReadonly: () => answer("mint", token),
        mintDeploy: () => answer("mint", token)
      })
      const services = Layer.mergeAll(Environment.layerRecord({}), StorageMemory.layer, ConfigFile.layerDisabled, cli)
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const reason = Effect.fnUntraced(function*(app: string) {
          const asking = yield* Effect.forkChild(Effect.flip(tokens.get(app)))
          yield* TestClock.adjust("1 second")
          const error = yield* Fiber.join(asking)
          return error._tag === "NoTokenAvailable" ? error.attempts.at(-1)?.reason._tag : error._tag
        })
        // Ten of them ask for a list, too.
        const reasons = yield* Effect.forEach(apps(10), reason, { concurrency: "unbounded" })
        assert.deepStrictEqual([...new Set(reasons)], ["Defect"])
        broken.orgOf = broken.listApps = false
        assert.strictEqual(yield* reason("other-app"), "Defect")
        broken.mint = false
        yield* TestClock.adjust("1 hour")
        assert.strictEqual((yield* tokens.get("app-0")).source, "cli")
      }).pipe(Effect.provide(FlyTokens.layer({ chain: ["env", "cli"] }).pipe(Layer.provide(services))))
    }))
})

describe("an organization that was learned", () => {
  const expired = (world: World.World, org?: string) =>
    world.store.put("my-app", "cached", {
      token: World.tokenOf({ now: -World.day, life: World.hour }).redacted,
      expiresAt: World.hour - World.day,
      source: "cli",
      savedAt: -World.day,
      ...(org === undefined ? {} : { org })
    })
  const recorded = (world: World.World) =>
    Effect.map(world.store.get("my-app", "cached"), (record) => Option.getOrThrow(record).org)

  it.effect("is in the app's record: another process asks nobody", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.orgOf = () => Effect.succeed("acme")
      const get = FlyTokens.use((tokens) => tokens.get("my-app")).pipe(Effect.provide(world.layer()))
      yield* get
      assert.strictEqual(yield* recorded(world), "acme")
      // The token's life is over.
      yield* TestClock.adjust("2 days")
      world.lookups.length = 0
      yield* get
      assert.deepStrictEqual([world.lookups, world.mints.map(({ org }) => org)], [[], ["acme", "acme"]])
      assert.strictEqual(yield* recorded(world), "acme")
    }))

  it.effect("an app that moved: forgotten when a mint for it fails, asked for anew, minted for the new one", () =>
    Effect.gen(function*() {
      for (const reason of [new MissReason.OrgUnknown({ slug: "old" }), new MissReason.Forbidden()]) {
        const world = yield* World.make
        yield* expired(world, "old")
        const works = world.mint
        world.mint = (org, call) => org === "old" ? Effect.fail(reason) : works(org, call)
        world.orgOf = () => Effect.succeed("new")
        const { source } = yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(Effect.provide(world.layer()))
        assert.strictEqual(source, "cli")
        assert.deepStrictEqual(world.mints.map(({ org }) => org), ["old", "new"])
        assert.strictEqual(yield* recorded(world), "new")
      }
    }))

  it.effect("an app that moved is found though the login is dead, by what the environment's token says", () =>
    Effect.gen(function*() {
      for (const dead of [new MissReason.NotAuthenticated(), new MissReason.NotLoggedIn()]) {
        const world = yield* World.make
        world.variables["FLY_API_TOKEN"] = World.tokenOf({ now: 0, life: World.day }).value
        yield* expired(world, "old")
        const works = world.mint
        world.mint = (org, call) => {
          if (!call.environmentToken) return Effect.fail(dead)
          return org === "old" ? Effect.fail(new MissReason.OrgUnknown({ slug: org })) : works(org, call)
        }
        world.orgOf = (_, call) => call.environmentToken ? Effect.succeed("new") : Effect.fail(dead)
        const get = FlyTokens.use((tokens) => tokens.get("my-app"))
        const { source } = yield* get.pipe(Effect.provide(world.layer({ chain: ["storage", "cli"] })))
        assert.strictEqual(source, "cli")
      }
    }))

  it.effect("one that is right is not asked for over and over", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      yield* expired(world, "acme")
      world.mint = (org) => Effect.fail(new MissReason.OrgUnknown({ slug: org }))
      world.orgOf = () => Effect.succeed("acme")
      yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(Effect.flip, Effect.provide(world.layer()))
      assert.deepStrictEqual([world.lookups, world.mints.length], [["my-app"], 1])
    }))

  it.effect("is asked for anew by the app that first reports a token as refused, once for a token", () =>
    World.scenario({}, function*({ tokens, world }) {
      let moved = "old"
      world.orgOf = (app) => Effect.succeed(app === "my-app" ? moved : "old")
      const { token } = yield* tokens.get("my-app")
      yield* Effect.forEach(apps(20), tokens.get)
      moved = "new"
      world.lookups.length = 0
      yield* tokens.refresh("my-app", { rejected: token })
      yield* Effect.forEach(apps(20), (app) => tokens.refresh(app, { rejected: token }))
      assert.deepStrictEqual(world.lookups, ["my-app"])
      assert.deepStrictEqual(world.mints.map(({ org }) => org), ["old", "new", "old"])
    }))

  it.effect("`personal` is not recorded: it is another organization for another login", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.orgOf = () => Effect.succeed("personal")
      yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(Effect.provide(world.layer()))
      assert.isUndefined(yield* recorded(world))
      yield* expired(world, "personal")
      world.orgOf = () => Effect.succeed("acme")
      yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(Effect.provide(world.layer()))
      assert.deepStrictEqual(world.mints.map(({ org }) => org), ["personal", "acme"])
    }))

  it.effect("what the store says is checked", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      yield* expired(world, "--from-existing")
      world.orgOf = () => Effect.succeed("acme")
      yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(Effect.provide(world.layer()))
      assert.deepStrictEqual(world.mints.map(({ org }) => org), ["acme"])
    }))

  it.effect("the option wins, and is not recorded", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      yield* expired(world, "old")
      yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(Effect.provide(world.layer({ org: "acme" })))
      assert.deepStrictEqual(world.mints.map(({ org }) => org), ["acme"])
      assert.isUndefined(yield* recorded(world))
    }))
})
