import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { FlyToken, FlyTokens, MissReason, NoTokenAvailable } from "../../src/index.ts"
import { TestFlyCli, TestFlyTokens, TestToken } from "../../src/testing.ts"
import { get, missed, within } from "../support/kit.ts"
import { printed } from "../support/Recorder.ts"

const hour = 3_600_000

describe("scripts", () => {
  it.effect("every reason that flyctl can come to arrives as it is", () =>
    Effect.gen(function*() {
      const reasons = [
        new MissReason.Disabled(),
        new MissReason.BinaryNotFound({ looked: ["PATH"] }),
        new MissReason.NotExecutable({ path: "/bin/fly" }),
        new MissReason.NotFlyctl({ path: "/bin/fly" }),
        new MissReason.OutdatedFlyctl(),
        new MissReason.NotLoggedIn(),
        new MissReason.NotAuthenticated(),
        new MissReason.OrgRequired(),
        new MissReason.OrgUnknown({ slug: "my-app" }),
        new MissReason.MintRefused(),
        new MissReason.HttpFailed({ status: 500 }),
        new MissReason.InvalidExpiry(),
        new MissReason.ConfigLocked(),
        new MissReason.Killed(),
        new MissReason.Panicked(),
        new MissReason.OutputTooLarge({ limitBytes: 65_536 }),
        new MissReason.ExitCode({ code: 1 }),
        new MissReason.Malformed({ why: "flyctl printed no token" })
      ] as const
      for (const reason of reasons) {
        assert.deepStrictEqual(yield* within({ cli: reason }, missed("my-app")), {
          env: "NotFound",
          storage: "NotFound",
          config: "NotFound",
          cli: reason._tag,
          manual: "NotFound"
        })
      }
    }))

  it.effect("tokens that cannot work are a miss of their source, with the reason", () =>
    within(
      {
        env: { FLY_ACCESS_TOKEN: TestToken.expired() },
        storage: { cached: { app: TestToken.malformed() }, manual: { app: FlyToken.make("fo1_") } },
        config: TestToken.undischarged(),
        cli: TestToken.malformed()
      },
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* missed("app"), {
          env: "Expired",
          storage: "Malformed",
          config: "Undischarged",
          cli: "Malformed",
          manual: "Malformed"
        })
      })
    ))

  it.effect("an effect that never ends is a time-out, at the limit and not before", () =>
    within(
      { cli: Effect.never, cliTimeout: "20 seconds" },
      Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(missed("my-app"))
        yield* TestClock.adjust(19_999)
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust(1)
        assert.strictEqual((yield* Fiber.join(fiber))["cli"], "TimedOut")
      })
    ))

  it.effect("an effect that ignores its interruption is a time-out too", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(within({ config: Effect.uninterruptible(Effect.never) }, get("my-app")))
      // Past the limit of the source, and past what closing the layer waits for a call that does not end.
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Fiber.join(fiber)).source, "cli")
    }))

  it.effect("a slow answer takes its time", () =>
    within(
      { cli: Effect.delay(TestToken.make(), "10 seconds") },
      Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(get("my-app"))
        yield* TestClock.adjust(9_999)
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust(1)
        const { expiresAt } = yield* Fiber.join(fiber)
        assert.strictEqual(expiresAt, 24 * hour + 10_000)
      })
    ))

  it.effect("a defect is a miss that tells its kind", () =>
    within(
      {
        config: Effect.die(new RangeError("fo1_secret")),
        cli: Effect.die(new TypeError("boom")),
        storage: { script: Effect.die("boom") }
      },
      Effect.gen(function*() {
        const error = yield* Effect.flip(get("my-app"))
        assert.instanceOf(error, NoTokenAvailable)
        assert.deepStrictEqual(error.attempts.map(({ reason }) => reason.message), [
          "FLY_ACCESS_TOKEN and FLY_API_TOKEN are not set",
          "failed unexpectedly (string)",
          "failed unexpectedly (RangeError)",
          "failed unexpectedly (TypeError)",
          "failed unexpectedly (string)"
        ])
        assert.notInclude(printed(error), "fo1_")
      })
    ))

  it.effect("a list goes on with each call, by name, and its last outcome stays", () =>
    within(
      { cli: [new MissReason.Killed(), new MissReason.ConfigLocked(), TestToken.make()], failureCooldown: 0 },
      Effect.gen(function*() {
        assert.strictEqual((yield* missed("app-1"))["cli"], "Killed")
        assert.strictEqual((yield* missed("app-2"))["cli"], "Killed")
        assert.strictEqual((yield* missed("app-1"))["cli"], "ConfigLocked")
        const first = yield* get("app-1")
        const second = yield* FlyTokens.use((tokens) => tokens.refresh("app-1", { rejected: first.token }))
        assert.notStrictEqual(second.token.value, first.token.value)
        assert.strictEqual((yield* missed("app-2"))["cli"], "ConfigLocked")
      })
    ))

  it.effect("a record scripts apps by name, lists too; others are answered as without a script", () =>
    Effect.gen(function*() {
      const fixed = yield* TestToken.make()
      const program = Effect.gen(function*() {
        assert.strictEqual((yield* get("fixed")).token.value, fixed.value)
        assert.strictEqual((yield* missed("broken"))["cli"], "MintRefused")
        assert.strictEqual((yield* missed("flaky"))["cli"], "Killed")
        assert.strictEqual((yield* get("flaky")).source, "cli")
        // Names that every object has.
        assert.strictEqual((yield* get("constructor")).source, "cli")
      })
      yield* within({
        failureCooldown: 0,
        cli: { fixed, broken: new MissReason.MintRefused(), flaky: [new MissReason.Killed(), TestToken.make()] }
      }, program)
    }))

  it.effect("a token that is the only outcome is rejected once it was refused", () =>
    Effect.gen(function*() {
      const token = yield* TestToken.make()
      const program = Effect.gen(function*() {
        const error = yield* Effect.flip(
          FlyTokens.use((tokens) => Effect.andThen(tokens.get("my-app"), tokens.refresh("my-app", { rejected: token })))
        )
        assert.instanceOf(error, NoTokenAvailable)
        assert.strictEqual(error.attempts.find(({ source }) => source === "cli")?.reason._tag, "Rejected")
      })
      yield* within({ cli: token }, program)
    }))

  it.effect("a function sees the call, and leaves to the default what it has no answer for", () =>
    within(
      {
        env: { FLY_API_TOKEN: TestToken.expired() },
        cli: ({ environmentToken, name }) => name === "odd" && !environmentToken ? new MissReason.Panicked() : undefined
      },
      Effect.gen(function*() {
        assert.strictEqual((yield* missed("odd"))["cli"], "Panicked")
        assert.strictEqual((yield* get("even")).source, "cli")
      })
    ))

  it.effect("another script begins at its start, and what is under way goes on", () =>
    within(
      { cli: Effect.delay(TestToken.make({ life: "1 hour" }), "10 seconds"), failureCooldown: 0 },
      Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(get("app-1"))
        yield* TestClock.adjust("5 seconds")
        yield* TestFlyCli.setScript([new MissReason.Killed(), new MissReason.Panicked()])
        assert.strictEqual((yield* missed("app-2"))["cli"], "Killed")
        yield* TestFlyCli.setScript([new MissReason.Killed(), new MissReason.Panicked()])
        assert.strictEqual((yield* missed("app-2"))["cli"], "Killed")
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual((yield* Fiber.join(fiber)).expiresAt, hour + 10_000)
        yield* TestFlyCli.setScript(undefined)
        assert.strictEqual((yield* get("app-2")).source, "cli")
      })
    ))

  it("are checked by the compiler", () => {
    const layers = () => [
      TestFlyTokens.layer({ cli: { "my-app": [TestToken.make(), new MissReason.Killed()] }, config: Effect.never }),
      // @ts-expect-error: the resolver's own reason, no source comes to it
      TestFlyTokens.layer({ cli: new MissReason.TimedOut({ option: "cliTimeout", limitMillis: 1 }) }),
      // @ts-expect-error: there is one config file, not one by app
      TestFlyTokens.layer({ config: { "my-app": TestToken.make() } }),
      // @ts-expect-error: a text is no token
      TestFlyTokens.layer({ cli: { "my-app": "fo1_text" } }),
      // @ts-expect-error: a list has a first outcome
      TestFlyTokens.layer({ cli: [] }),
      // @ts-expect-error: either or
      TestFlyTokens.layer({ cli: TestToken.make({ life: "1 hour", expiresAt: 0 }) })
    ]
    assert.lengthOf(layers(), 6)
  })
})
