import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import { FlyToken, FlyTokens, MissReason, NoTokenAvailable, StorageError } from "../../src/index.ts"
import * as World from "../support/World.ts"

const reasons = (error: NoTokenAvailable) => error.attempts.map(({ reason, source }) => [source, reason._tag])

describe("the chain", () => {
  it.effect("asks env, storage, config, cli, manual in this order; the first usable token wins", () =>
    Effect.gen(function*() {
      const now = 0
      const named = (life: number) => World.tokenOf({ now, life })
      const [env, stored, config, manual] = [named(5e6), named(6e6), named(7e6), named(8e6)]
      const expected = ["env", "storage", "config", "cli", "manual"] as const
      for (const [index, source] of expected.entries()) {
        const world = yield* World.make
        if (index <= 0) world.variables["FLY_API_TOKEN"] = env.value
        if (index <= 1) {
          yield* world.store.put("my-app", "cached", {
            token: stored.redacted,
            expiresAt: null,
            source: "cli",
            savedAt: 0
          })
        }
        if (index <= 2) world.config = Effect.succeed(config)
        if (index > 3) world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
        yield* world.store.put("my-app", "manual", {
          token: manual.redacted,
          expiresAt: null,
          source: "manual",
          savedAt: 0
        })
        const resolved = yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(Effect.provide(world.layer()))
        assert.strictEqual(resolved.source, source)
        assert.strictEqual(world.mints.length, index === 3 || index === 4 ? 1 : 0)
        const values = { env, storage: stored, config, manual, cli: undefined }
        const value = values[source]
        if (value !== undefined) assert.strictEqual(resolved.token.value, value.value)
      }
    }))

  it.effect("collects every reason in order", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.variables["FLY_ACCESS_TOKEN"] = World.tokenOf({ now: -2 * World.hour, life: World.hour }).value
      world.config = Effect.succeed(World.tokenOf({ now: 0, life: World.hour, discharged: false }))
      world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
      yield* world.store.put("my-app", "cached", {
        token: FlyToken.make("fm2_AAAA").redacted,
        expiresAt: null,
        source: "cli",
        savedAt: 0
      })
      const error = yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(
        Effect.provide(world.layer()),
        Effect.flip
      )
      assert.instanceOf(error, NoTokenAvailable)
      assert.deepStrictEqual(reasons(error), [
        ["env", "Expired"],
        ["storage", "Malformed"],
        ["config", "Undischarged"],
        ["cli", "NotLoggedIn"],
        ["manual", "NotFound"]
      ])
      assert.match(
        error.message,
        /no Fly token for app "my-app"\n {2}env {6}expired at 1969-12-31T23:00:00.000Z\n {11}→ /
      )
    }))

  it.effect("goes on past a source that dies, and tells only the kind of the defect", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.config = Effect.die(new TypeError("secret fo1_abc"))
      world.storeGate = () => Effect.die("fo1_secret")
      world.mint = () => Effect.interrupt
      const error = yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(
        Effect.provide(world.layer()),
        Effect.flip
      )
      assert.instanceOf(error, NoTokenAvailable)
      assert.deepStrictEqual(
        error.attempts.map(({ reason }) => reason._tag === "Defect" ? reason.kind : reason._tag),
        ["NotFound", "string", "TypeError", "Interrupted", "string"]
      )
      assert.notInclude(JSON.stringify(error) + error.message + String(error.stack), "fo1_")
    }))

  it.effect("can be reordered and shortened", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.variables["FLY_API_TOKEN"] = "fo1_env"
      const resolved = yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(
        Effect.provide(world.layer({ chain: ["cli", "env"] }))
      )
      assert.strictEqual(resolved.source, "cli")
      // For who it is that mints; as a source it is not in the chain.
      assert.strictEqual(world.configReads, 1)
    }))

  it.effect("puts manual tokens before all others, if chain says so", () =>
    World.scenario({ chain: ["manual", "env", "storage", "config", "cli"] }, function*({ tokens, world }) {
      world.variables["FLY_API_TOKEN"] = "fo1_env"
      let reads = 0
      world.afterGet = () => Effect.sync(() => reads++)
      yield* tokens.setManual("my-app", FlyToken.make("fo1_manual"))
      assert.strictEqual((yield* tokens.get("my-app")).token.value, "fo1_manual")
      // It is no last resort then: nothing better is looked for behind its back.
      yield* TestClock.adjust("20 hours")
      assert.strictEqual((yield* tokens.get("my-app")).token.value, "fo1_manual")
      assert.strictEqual(reads, 1)
    }))

  it.effect("takes FLY_ACCESS_TOKEN before FLY_API_TOKEN, and neither if empty", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const get = FlyTokens.use((tokens) => tokens.get("my-app"))
      world.variables["FLY_ACCESS_TOKEN"] = "fo1_first"
      world.variables["FLY_API_TOKEN"] = "fo1_second"
      assert.strictEqual((yield* get.pipe(Effect.provide(world.layer()))).token.value, "fo1_first")
      world.variables["FLY_ACCESS_TOKEN"] = "  "
      assert.strictEqual((yield* get.pipe(Effect.provide(world.layer()))).token.value, "fo1_second")
      world.variables["FLY_API_TOKEN"] = ""
      assert.strictEqual((yield* get.pipe(Effect.provide(world.layer()))).source, "cli")
    }))

  it.effect("does not hand a dead environment token to flyctl, but a live one, and tries without it when refused", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const get = FlyTokens.use((tokens) => tokens.get("my-app"))
      world.variables["FLY_API_TOKEN"] = World.tokenOf({ now: -2 * World.hour, life: World.hour }).value
      yield* get.pipe(Effect.provide(world.layer({ org: "o" })))
      assert.deepStrictEqual(world.mints.map((mint) => mint.environmentToken), [false])

      world.variables["FLY_API_TOKEN"] = World.tokenOf({ now: 0, life: World.hour }).value
      const works = world.mint
      world.mint = (org, call) => call.environmentToken ? Effect.fail(new MissReason.MintRefused()) : works(org, call)
      yield* get.pipe(Effect.provide(world.layer({ org: "p", chain: ["cli"] })))
      assert.deepStrictEqual(world.mints.slice(1).map((mint) => mint.environmentToken), [true, false])
    }))
})

describe("expiry", () => {
  it.effect("is the earlier of the token's own and the acquisition plus ttl", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.config = Effect.succeed(World.tokenOf({ now: 0, life: World.hour }))
      const config = yield* FlyTokens.use((tokens) => tokens.get("a1")).pipe(Effect.provide(world.layer()))
      assert.strictEqual(config.expiresAt, World.hour)
      world.config = Effect.succeed(World.tokenOf({ now: 0, life: 100 * World.hour }))
      const capped = yield* FlyTokens.use((tokens) => tokens.get("a1")).pipe(Effect.provide(world.layer()))
      assert.strictEqual(capped.expiresAt, World.day)
      world.config = Effect.succeed(FlyToken.make("fo1_user"))
      const short = yield* FlyTokens.use((tokens) => tokens.get("a1")).pipe(
        Effect.provide(world.layer({ ttl: "10 minutes" }))
      )
      assert.strictEqual(short.expiresAt, 600_000)
    }))

  it.effect("of a stored token counts from when it was saved", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      yield* TestClock.setTime(10 * World.hour)
      const token = FlyToken.make("fo1_user")
      yield* world.store.put("my-app", "cached", {
        token: token.redacted,
        expiresAt: null,
        source: "cli",
        savedAt: World.hour
      })
      const resolved = yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(Effect.provide(world.layer()))
      assert.strictEqual(resolved.source, "storage")
      assert.strictEqual(resolved.expiresAt, 25 * World.hour)
      yield* TestClock.setTime(25 * World.hour)
      const fresh = yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(Effect.provide(world.layer()))
      assert.strictEqual(fresh.source, "cli")
    }))

  it.effect("of a stored record whose times are in other units crashes nothing and outlives no token", () =>
    Effect.gen(function*() {
      const now = 1_700_000_000_000
      yield* TestClock.setTime(now)
      const user = FlyToken.make("fo1_user")
      const macaroon = World.tokenOf({ now, life: World.hour })
      const cases = [
        // Seconds: it is as if it were saved in 1970.
        { token: user, expiresAt: now / 1_000 + 3_600, savedAt: now / 1_000, source: "cli", end: now + World.day },
        // Microseconds: in the future, which counts as now; what a token tells itself stands above it.
        { token: user, expiresAt: now * 1_000, savedAt: now * 1_000, source: "storage", end: now + World.day },
        { token: macaroon, expiresAt: now * 1_000, savedAt: now * 1_000, source: "storage", end: now + World.hour },
        { token: macaroon, expiresAt: 5, savedAt: now, source: "storage", end: now + World.hour }
      ]
      for (const { end, expiresAt, savedAt, source, token } of cases) {
        const world = yield* World.make
        yield* world.store.put("my-app", "cached", { token: token.redacted, expiresAt, source: "cli", savedAt })
        const resolved = yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(Effect.provide(world.layer()))
        assert.deepStrictEqual([resolved.source, resolved.expiresAt], [source, end])
      }
    }))

  it.effect("is the moment at which a token is not handed out any more, to the millisecond", () =>
    World.scenario({ softExpiryLead: 0 }, function*({ tokens, world }) {
      world.config = Effect.succeed(World.tokenOf({ now: 0, life: World.hour }))
      const first = yield* tokens.get("my-app")
      yield* TestClock.setTime(World.hour - 1)
      assert.strictEqual((yield* tokens.get("my-app")).token, first.token)
      assert.isTrue(Option.isSome(tokens.peek("my-app")))
      yield* TestClock.setTime(World.hour)
      assert.isTrue(Option.isNone(tokens.peek("my-app")))
      assert.strictEqual((yield* tokens.get("my-app")).source, "cli")
    }))
})

describe("rule 1: one run per app", () => {
  const herd = 10_000
  const all = Effect.gen(function*() {
    const tokens = yield* FlyTokens
    const fiber = yield* Effect.forkChild(
      Effect.forEach(Array.from({ length: herd }), () => Effect.exit(tokens.get("my-app")), {
        concurrency: "unbounded"
      })
    )
    yield* TestClock.adjust("50 seconds")
    return yield* Fiber.join(fiber)
  })

  it.effect("on success", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.mintTakes = 5_000
      const exits = yield* all.pipe(Effect.provide(world.layer()))
      assert.strictEqual(world.mints.length, 1)
      assert.strictEqual(exits.length, herd)
      const first = exits[0]!
      assert.isTrue(Exit.isSuccess(first))
      assert.isTrue(
        exits.every((exit) => Exit.isSuccess(exit) && exit.value === (first as Exit.Success<unknown>).value)
      )
    }))

  it.effect("on failure", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.mint = () => Effect.andThen(Effect.sleep("5 seconds"), Effect.fail(new MissReason.NotLoggedIn()))
      const exits = yield* all.pipe(Effect.provide(world.layer()))
      assert.strictEqual(world.mints.length, 1)
      assert.isTrue(exits.every(Exit.isFailure))
    }))

  it.effect("on time-out", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.mint = () => Effect.never
      const exits = yield* all.pipe(Effect.provide(world.layer()))
      assert.strictEqual(world.mints.length, 1)
      assert.isTrue(exits.every(Exit.isFailure))
    }))

  it.effect("apps do not wait for each other", () =>
    World.scenario({ org: (app) => app.split("-")[0]! }, function*({ tokens, world }) {
      const works = world.mint
      world.mint = (org, call) => org === "slow" ? Effect.never : works(org, call)
      const slow = yield* Effect.forkChild(Effect.exit(tokens.get("slow-app")))
      assert.strictEqual((yield* tokens.get("quick-app")).source, "cli")
      assert.isUndefined(slow.pollUnsafe())
      yield* Fiber.interrupt(slow)
    }))
})

describe("rule 2: callers do not own the run", () => {
  it.effect("interrupting the first, and many more, disturbs nobody", () =>
    World.scenario({}, function*({ tokens, world }) {
      world.mintTakes = 5_000
      const fibers = yield* Effect.forEach(
        Array.from({ length: 100 }),
        () => Effect.forkChild(tokens.get("my-app"), { startImmediately: true })
      )
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fibers[0]!)
      yield* TestClock.adjust("1 second")
      yield* Effect.forEach(fibers.slice(1, 50), (fiber) => Fiber.interrupt(fiber))
      yield* TestClock.adjust("5 seconds")
      const rest = yield* Effect.forEach(fibers.slice(50), (fiber) => Fiber.join(fiber))
      assert.isTrue(rest.every(({ token }) => token === rest[0]!.token))
      assert.strictEqual(world.mints.length, 1)
    }))

  it.effect("interrupting all of them loses no work: the next caller finds the token", () =>
    World.scenario({}, function*({ tokens, world }) {
      world.mintTakes = 5_000
      const fiber = yield* Effect.forkChild(tokens.get("my-app"), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("5 seconds")
      assert.isTrue(Option.isSome(tokens.peek("my-app")))
      yield* tokens.get("my-app")
      assert.strictEqual(world.mints.length, 1)
    }))
})

describe("rule 3: nothing wedges", () => {
  const hangs: ReadonlyArray<readonly [string, Effect.Effect<never>]> = [
    ["never ends", Effect.never],
    ["never answers an interruption", Effect.uninterruptible(Effect.never)]
  ]
  for (const [name, hang] of hangs) {
    it.effect(`a run goes on past every source that ${name}, each at its own limit`, () =>
      World.scenario({ org: "o" }, function*({ tokens, world }) {
        world.config = hang
        world.mint = () => hang
        world.storeGate = () => hang
        const fiber = yield* Effect.forkChild(Effect.flip(tokens.get("my-app")), { startImmediately: true })
        // storage 5 s, config 2 s, cli 45 s; manual is left out after the store's time-out.
        yield* TestClock.adjust(52_000 - 1)
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust(1)
        const error = (yield* Fiber.join(fiber)) as NoTokenAvailable
        assert.deepStrictEqual(
          error.attempts.map((
            { reason, source }
          ) => [source, reason._tag === "TimedOut" ? reason.option : reason._tag]),
          [
            ["env", "NotFound"],
            ["storage", "storageTimeout"],
            ["config", "configFileTimeout"],
            ["cli", "cliTimeout"],
            ["manual", "storageTimeout"]
          ]
        )
        // A get after that begins a fresh run.
        world.config = Effect.succeed(World.tokenOf({ now: 52_000, life: World.hour }))
        world.storeGate = () => Effect.void
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual((yield* tokens.get("my-app")).source, "config")
        // Closing gives up on what never ends after 5 s.
        yield* Effect.forkDetach(Effect.andThen(Effect.yieldNow, TestClock.adjust("10 seconds")))
      }))
  }

  it.effect("calls of the command that never end give their place back", () =>
    World.scenario({ org: (app) => app }, function*({ tokens, world }) {
      const works = world.mint
      world.mint = (org, call) => org.startsWith("dead") ? Effect.uninterruptible(Effect.never) : works(org, call)
      yield* Effect.forEach([1, 2, 3, 4], (n) => Effect.forkChild(Effect.exit(tokens.get(`dead${n}`))))
      yield* TestClock.adjust("45 seconds")
      const waiting = yield* Effect.forkChild(tokens.get("alive"))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* Fiber.join(waiting)).source, "cli")
      yield* Effect.forkDetach(Effect.andThen(Effect.yieldNow, TestClock.adjust("10 seconds")))
    }))

  it.effect("a storage that fails on every call never stops a get", () =>
    World.scenario({ org: (app) => app }, function*({ tokens, world }) {
      world.storeGate = (operation) =>
        Effect.fail(new StorageError({ operation, kind: "Unavailable", why: "broken on purpose" }))
      assert.strictEqual((yield* tokens.get("my-app")).source, "cli")
      world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
      const error = yield* Effect.flip(tokens.get("other-app"))
      assert.deepStrictEqual(error._tag === "NoTokenAvailable" && reasons(error)[1], ["storage", "StorageFailed"])
    }))
})

describe("isolation", () => {
  it.effect("hundreds of apps whose sources crash take nobody down with them", () =>
    World.scenario({ org: (app) => app }, function*({ tokens, world }) {
      const works = world.mint
      world.mint = (org, call) => org === "good" ? works(org, call) : Effect.die(new Error("crash"))
      const good = yield* tokens.get("good")
      for (let n = 0; n < 400; n++) {
        assert.strictEqual((yield* Effect.flip(tokens.get(`bad-${n}`)))._tag, "NoTokenAvailable")
      }
      assert.strictEqual((yield* tokens.get("good")).token, good.token)
      assert.notStrictEqual((yield* tokens.refresh("good")).token, good.token)
    }))

  it.effect("a failing command costs an app that lives on its manual token one run, not one per get", () =>
    World.scenario({}, function*({ tokens, world }) {
      world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
      yield* tokens.setManual("my-app", FlyToken.make("fo1_manual"))
      for (let n = 0; n < 20; n++) assert.strictEqual((yield* tokens.get("my-app")).source, "manual")
      assert.strictEqual(world.mints.length, 1)
    }))
})

describe("failure is remembered briefly", () => {
  it.effect("for failureCooldown, with the same reasons; then a fresh run", () =>
    World.scenario({}, function*({ tokens, world }) {
      const works = world.mint
      world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
      const first = yield* Effect.flip(tokens.get("my-app"))
      yield* TestClock.adjust(4_999)
      assert.strictEqual(yield* Effect.flip(tokens.get("my-app")), first)
      assert.strictEqual(world.mints.length, 1)
      yield* TestClock.adjust(1)
      world.mint = works
      assert.strictEqual((yield* tokens.get("my-app")).source, "cli")
      assert.strictEqual(world.mints.length, 2)
    }))

  it.effect("refresh and setManual end the pause", () =>
    World.scenario({}, function*({ tokens, world }) {
      world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
      yield* Effect.flip(tokens.get("my-app"))
      yield* Effect.flip(tokens.refresh("my-app"))
      assert.strictEqual(world.mints.length, 2)
      yield* tokens.setManual("my-app", FlyToken.make("fo1_manual"))
      assert.strictEqual((yield* tokens.get("my-app")).source, "manual")
    }))
})

describe("app names", () => {
  const bad = [
    "",
    " ",
    "My-App",
    "-app",
    "app-",
    "../etc",
    "a/b",
    "a.b",
    "--help",
    "a b",
    "a\nb",
    "a".repeat(64),
    "äpp"
  ]
  it.effect("that are none fail before anything is asked", () =>
    World.scenario({}, function*({ tokens, world }) {
      let asked = 0
      world.storeGate = () => Effect.sync(() => void asked++)
      for (const name of [...bad, undefined as unknown as string, 7 as unknown as string]) {
        const calls = [
          tokens.get(name),
          tokens.refresh(name),
          tokens.invalidate(name),
          tokens.setManual(name, FlyToken.make("fo1_x")),
          tokens.removeManual(name)
        ]
        for (const call of calls) {
          const error = yield* Effect.flip(call as Effect.Effect<unknown, { readonly _tag: string }>)
          assert.strictEqual(error._tag, "InvalidAppName")
        }
        assert.isTrue(Option.isNone(tokens.peek(name)))
      }
      assert.strictEqual(asked + world.configReads + world.mints.length + world.lookups.length, 0)
      for (const name of ["a", "0", "my-app", "a".repeat(63)]) assert.strictEqual((yield* tokens.get(name)).app, name)
    }))

  it.effect("in errors are cut, quoted and without tokens", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const error = yield* FlyTokens.use((tokens) => tokens.get(`fm2_${"c2VjcmV0".repeat(40)}`)).pipe(
        Effect.provide(world.layer()),
        Effect.flip
      )
      assert.notInclude(error.message, "c2VjcmV0")
      assert.isBelow(error.message.length, 300)
    }))
})
