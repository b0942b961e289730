import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { FlyTokens, MissReason } from "../../src/index.ts"
import { TestFlyCli, TestFlyTokens, TestStorage, TestToken } from "../../src/testing.ts"
import { get, missed, within } from "../support/kit.ts"
import { printed } from "../support/Recorder.ts"

const minute = 60_000
const hour = 3_600_000

describe("the layer", () => {
  it.effect("gives every app a minted token of its own, of the life that the options ask for", () =>
    within(
      { ttl: "2 hours" },
      Effect.gen(function*() {
        const one = yield* get("app-1")
        const two = yield* get("app-2")
        assert.deepStrictEqual([one.source, one.expiresAt, one.token.readOnly], ["cli", 2 * hour, true])
        assert.strictEqual(one.token.expiresAt, 2 * hour)
        assert.notStrictEqual(one.token.value, two.token.value)
        assert.notDeepEqual(one.token.orgIds, two.token.orgIds)
        assert.strictEqual(yield* get("app-1"), one)
      })
    ))

  it.effect("puts apps into one organization with the resolver's own option", () =>
    within(
      { org: "acme" },
      Effect.gen(function*() {
        const one = yield* get("app-1")
        assert.strictEqual((yield* get("app-2")).token.value, one.token.value)
        assert.deepStrictEqual((yield* TestFlyCli.mints).map(({ mintFor, name }) => [mintFor, name]), [
          ["organization", "acme"]
        ])
      })
    ))

  it.effect("takes each source's token, in the order of the chain", () =>
    within(
      {
        env: { FLY_API_TOKEN: TestToken.make({ seed: "env" }) },
        storage: { cached: { app: TestToken.make({ seed: "cached" }) }, manual: { app: TestToken.make({ seed: 5 }) } },
        config: TestToken.make({ seed: "config" })
      },
      Effect.gen(function*() {
        const value = (seed: string | number) => Effect.map(TestToken.make({ seed }), (token) => token.value)
        const next = Effect.gen(function*() {
          const { source, token } = yield* get("app")
          yield* FlyTokens.use((tokens) => tokens.refresh("app", { rejected: token })).pipe(Effect.ignore)
          return [source, token.value]
        })
        assert.deepStrictEqual(yield* next, ["env", yield* value("env")])
        assert.deepStrictEqual(yield* next, ["storage", yield* value("cached")])
        assert.deepStrictEqual(yield* next, ["config", yield* value("config")])
        yield* TestFlyCli.setScript(new MissReason.NotLoggedIn())
        assert.strictEqual((yield* next)[0], "cli")
        assert.deepStrictEqual(yield* next, ["manual", yield* value(5)])
      })
    ))

  it.effect("records what the program asked for", () =>
    within(
      {},
      Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const token = yield* TestToken.make()
        const { token: first } = yield* tokens.get("my-app")
        yield* TestClock.adjust("3 minutes")
        yield* tokens.refresh("my-app", { rejected: Redacted.make(first.value) })
        yield* tokens.invalidate("my-app", { rejected: first })
        yield* tokens.refresh("my-app")
        yield* tokens.setManual("my-app", token)
        yield* tokens.removeManual("my-app")
        tokens.peek("my-app")
        yield* Effect.ignore(tokens.get("Not An App"))
        const calls = yield* TestFlyTokens.calls
        assert.deepStrictEqual(calls.map(({ app, at, operation }) => [operation, app, at]), [
          ["get", "my-app", 0],
          ["refresh", "my-app", 3 * minute],
          ["invalidate", "my-app", 3 * minute],
          ["refresh", "my-app", 3 * minute],
          ["setManual", "my-app", 3 * minute],
          ["removeManual", "my-app", 3 * minute],
          ["peek", "my-app", 3 * minute],
          ["get", "Not An App", 3 * minute]
        ])
        assert.deepStrictEqual(calls.map(({ rejected }) => rejected?.value), [
          undefined,
          first.value,
          first.value,
          ...Array.from({ length: 5 }, () => undefined)
        ])
        assert.notMatch(
          printed(calls) + printed(yield* TestFlyCli.mints) + printed(yield* TestStorage.accesses),
          /fm2_/
        )
      })
    ))

  it.effect("an effect that is not run is no call", () =>
    within(
      {},
      Effect.gen(function*() {
        const asked = get("my-app")
        assert.lengthOf(yield* TestFlyTokens.calls, 0)
        yield* asked
        yield* asked
        assert.lengthOf(yield* TestFlyTokens.calls, 2)
      })
    ))

  it.effect("publishes the events of the resolver", () =>
    within(
      { cli: [TestToken.make({ life: "10 minutes" }), TestToken.make()] },
      Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const collected = yield* Effect.forkChild(Stream.runCollect(Stream.take(tokens.events, 2)), {
          startImmediately: true
        })
        yield* tokens.get("my-app")
        yield* TestClock.adjust("5 minutes")
        const events = yield* Fiber.join(collected)
        assert.deepStrictEqual(events.map(({ _tag, at }) => [_tag, at]), [["Acquired", 0], ["Refreshed", 5 * minute]])
      })
    ))

  it.effect("fails with the resolver's own error when an option cannot work", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(within({ cliTimeout: "0 seconds" }, get("my-app")))
      assert.strictEqual(error._tag, "InvalidOption")
    }))

  it.effect("is built anew by each call: two of them share nothing", () =>
    Effect.gen(function*() {
      const two = Effect.andThen(get("my-app"), TestFlyCli.mints)
      assert.lengthOf(yield* within({}, two), 1)
      assert.lengthOf(yield* within({}, two), 1)
      yield* within(
        {},
        Effect.gen(function*() {
          yield* TestStorage.put("my-app", "cached", TestToken.make())
          assert.strictEqual((yield* within({}, get("my-app"))).source, "cli")
          assert.strictEqual((yield* get("my-app")).source, "storage")
        })
      )
    }))

  it.effect("a second resolver over the same sources is another process", () =>
    within(
      {},
      Effect.gen(function*() {
        const first = yield* get("my-app")
        // What was minted is stored behind the answer.
        yield* TestClock.adjust("1 second")
        const second = yield* Effect.provide(get("my-app"), FlyTokens.layer(), { local: true })
        assert.deepStrictEqual([second.source, second.token.value], ["storage", first.token.value])
        assert.lengthOf(yield* TestFlyCli.mints, 1)
      })
    ))
})

describe("what programs go through", () => {
  it.effect("a hundred callers report the same dead token: one mint, and all get the other one", () =>
    within(
      {},
      Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const { token: dead } = yield* tokens.get("my-app")
        const others = yield* Effect.all(
          Array.from({ length: 100 }, () => tokens.refresh("my-app", { rejected: dead })),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(new Set(others.map(({ token }) => token.value)).size, 1)
        assert.notStrictEqual(others[0]!.token.value, dead.value)
        assert.lengthOf(yield* TestFlyCli.mints, 2)
      })
    ))

  it.effect("a token is refreshed ahead; when that fails it serves to its end and not beyond", () =>
    within(
      { cli: [TestToken.make({ life: "1 hour" }), new MissReason.HttpFailed({ status: 500 })] },
      Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const { token } = yield* tokens.get("my-app")
        yield* TestClock.setTime(45 * minute - 1)
        assert.lengthOf(yield* TestFlyCli.mints, 1)
        yield* TestClock.adjust(1)
        assert.lengthOf(yield* TestFlyCli.mints, 2)
        const { backOffUntil, lastFailure } = yield* tokens.status("my-app")
        assert.strictEqual(lastFailure?.attempts.find(({ source }) => source === "cli")?.reason._tag, "HttpFailed")
        assert.isAbove(backOffUntil ?? 0, 45 * minute)
        yield* TestClock.setTime(hour - 1)
        assert.strictEqual((yield* tokens.get("my-app")).token, token)
        yield* TestClock.adjust(1)
        assert.isTrue(Option.isNone(tokens.peek("my-app")))
        assert.strictEqual((yield* missed("my-app"))["cli"], "HttpFailed")
        yield* TestFlyCli.setScript(undefined)
        yield* TestClock.adjust("5 seconds")
        assert.notStrictEqual((yield* tokens.get("my-app")).token, token)
      })
    ))
})
