/**
 * The gates before the store and before the `fly` command, where what was let in never ends.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Background from "../../src/concurrency/Background.ts"
import type * as Gate from "../../src/concurrency/Gate.ts"
import { type AppName, FlyToken, FlyTokens } from "../../src/index.ts"
import * as CliCalls from "../../src/minting/CliCalls.ts"
import * as StoreAccess from "../../src/records/StoreAccess.ts"
import * as World from "../support/World.ts"

type Within = Gate.Gate["within"]

/** Lets what is to be let in be what flyctl does for an app. */
const withinCalls = Effect.map(Background.make, (background): Within => {
  const accesses = new Map<string, Effect.Effect<never>>()
  const never = () => Effect.never
  const calls = CliCalls.make({
    cli: { mintReadonly: never, mintDeploy: never, listApps: never, orgOf: (app) => accesses.get(app) ?? Effect.never },
    configFile: { accessToken: Effect.never },
    environment: { get: () => undefined },
    background,
    settings: { cliConcurrency: 5, cliTimeoutMillis: 10_000, configFileTimeoutMillis: 5_000, ttlMillis: 1 },
    onCliEnd: () => {}
  })
  return (access) => {
    const app = `app-${accesses.size}` as AppName
    accesses.set(app, access as Effect.Effect<never>)
    return calls.orgOf(app, { environmentToken: false }) as Effect.Effect<never>
  }
})

const gates: ReadonlyArray<readonly [string, Effect.Effect<Within, never, Effect.Services<typeof Background.make>>]> = [
  ["the store", Effect.map(Background.make, ({ fork }) => StoreAccess.gate(fork, 10_000).within)],
  ["the command", withinCalls]
]

const hanging = Effect.uninterruptible(Effect.never)

const five = <A>(of: (n: number) => Effect.Effect<A>) => Effect.forEach([1, 2, 3, 4, 5], of)

describe.each(gates)("the gate before %s", (_, make) => {
  it.effect("has its places back 5 s after the limit of accesses that never end", () =>
    Effect.gen(function*() {
      const within = yield* make
      yield* five(() => Effect.forkChild(Effect.exit(within(hanging))))
      yield* TestClock.adjust("10 seconds")
      const next = yield* Effect.forkChild(within(Effect.succeed("answer")))
      yield* TestClock.adjust("4 seconds")
      assert.isUndefined(next.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(next), "answer")
      yield* Effect.forkDetach(Effect.andThen(Effect.yieldNow, TestClock.adjust("10 seconds")))
    }))

  it.effect("has its places back 5 s after whoever waited for accesses that never end was interrupted", () =>
    Effect.gen(function*() {
      const within = yield* make
      const waiting = yield* five(() => Effect.forkChild(within(hanging), { startImmediately: true }))
      yield* Effect.forEach(waiting, Fiber.interrupt)
      const next = yield* Effect.forkChild(within(Effect.succeed("answer")))
      yield* TestClock.adjust("4 seconds")
      assert.isUndefined(next.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(next), "answer")
      yield* Effect.forkDetach(Effect.andThen(Effect.yieldNow, TestClock.adjust("10 seconds")))
    }))

  it.effect("lets all go who wait while nobody is answered, and nobody while somebody is", () =>
    Effect.gen(function*() {
      const within = yield* make
      yield* Effect.forEach([1, 2, 3, 4], () => Effect.forkChild(Effect.exit(within(Effect.never))))
      const slow = yield* Effect.forkChild(
        Effect.forEach([1, 2, 3], () => within(Effect.delay(Effect.succeed("answer"), "9 seconds")), {
          concurrency: "unbounded"
        })
      )
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* Fiber.join(slow), ["answer", "answer", "answer"])

      const many = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 100 }), () => Effect.exit(within(Effect.never)), {
          concurrency: "unbounded"
        })
      )
      // Those that got the places of the first ones have their own limit.
      yield* TestClock.adjust("20 seconds")
      assert.isTrue((yield* Fiber.join(many)).every(Exit.isFailure))
    }))
})

describe("a rejection while the reads of the store hang", () => {
  it.effect("takes no place for good: once the store is well again it takes a manual token", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      for (let n = 0; n < 8; n++) {
        const { redacted } = FlyToken.make(`fo1_${n}`)
        yield* world.store.put(`org-${n}`, "org", { token: redacted, expiresAt: null, source: "cli", savedAt: 0 })
      }
      let hangs = true
      // The list takes its time: so the limit of the search ends before that of each read.
      world.storeGate = (operation, _, key) => {
        if (operation === "list") return Effect.sleep("10 millis")
        return hangs && operation === "get" && key === "org" ? hanging : Effect.void
      }
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        yield* Effect.forkChild(Effect.exit(tokens.invalidate("my-app", { rejected: FlyToken.make("fo1_refused") })))
        yield* TestClock.adjust("1 minute")
        hangs = false
        const set = yield* Effect.forkChild(Effect.exit(tokens.setManual("other-app", FlyToken.make("fo1_manual"))))
        yield* TestClock.adjust("1 minute")
        assert.isTrue(Exit.isSuccess(yield* Fiber.join(set)))
        yield* Effect.forkDetach(Effect.andThen(Effect.yieldNow, TestClock.adjust("10 seconds")))
      }).pipe(Effect.provide(world.layer({ chain: ["storage", "manual"] })))
    }))
})
