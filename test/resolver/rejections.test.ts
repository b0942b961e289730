import { assert, describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as TimedMap from "../../src/concurrency/TimedMap.ts"
import { FlyToken, FlyTokens } from "../../src/index.ts"
import * as World from "../support/World.ts"

describe("what is remembered for a time", () => {
  it("leaves memory by itself, a little with each that is added", () => {
    const map = TimedMap.make<true>(1_000)
    for (let n = 0; n < 100_000; n++) map.set(`member-${n}`, true, n)
    // A thousand are in; what has left is swept out before it is as much again.
    const left = Array.from({ length: 100_000 }, (_, n) => map.has(`member-${n}`, 99_999))
    expect(left.filter(Boolean).length).toBe(1_000)
    for (let n = 0; n < 100; n++) map.set("again", true, 200_000)
    for (let n = 0; n < 2_000; n++) map.set(`later-${n}`, true, 200_000 + n)
    expect(map.size()).toBeLessThan(2_100)
  })

  it("is neither lifted nor stretched by a clock that is set back", () => {
    const map = TimedMap.make<true>(1_000)
    map.set("member", true, 1_000_000)
    expect(map.has("member", 500)).toBe(true)
    expect(map.has("member", 1_499)).toBe(true)
    expect(map.has("member", 1_500)).toBe(false)
  })
})

describe("1,001 apps whose tokens are refused at once", () => {
  it.effect("none is handed out again within rejectionTtl, the first one neither", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const apps = Array.from({ length: 1_001 }, (_, n) => `app-${n}`)
      const text = (app: string) => FlyToken.make(`fo1_of-${app}`)
      // A token of its own for each, by hand: it comes back from the store as often as it is asked for.
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        for (const app of apps) yield* tokens.setManual(app, text(app).redacted)
        for (const app of apps) yield* Effect.exit(tokens.refresh(app, { rejected: (yield* tokens.get(app)).token }))
        yield* TestClock.adjust("10 seconds")
        for (const app of ["app-0", "app-500", "app-1000"]) {
          const error = yield* Effect.flip(tokens.get(app))
          assert.strictEqual(error._tag === "NoTokenAvailable" && error.attempts.at(-1)?.reason._tag, "Rejected")
        }
        yield* TestClock.adjust("5 minutes")
        assert.strictEqual((yield* tokens.get("app-0")).token.value, text("app-0").value)
      }).pipe(Effect.provide(world.layer({ chain: ["manual"] })))
    }))
})

describe("a token of an organization that one of its apps reported", () => {
  it.effect("does not come back to another one out of its own record when the rejection is over", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const { token: dead } = yield* tokens.get("app-1")
        assert.strictEqual((yield* tokens.get("app-2")).token.value, dead.value)
        yield* TestClock.adjust("1 minute")
        const { token } = yield* tokens.refresh("app-1", { rejected: dead })
        // Nobody asks for the other app until Fly's refusal is not remembered any more.
        yield* TestClock.adjust("6 minutes")
        assert.strictEqual((yield* tokens.get("app-2")).token.value, token.value)
        assert.lengthOf(world.mints, 2)
      }).pipe(Effect.provide(world.layer()))
    }))
})
