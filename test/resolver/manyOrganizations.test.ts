/**
 * A thousand organizations, and thousands of apps of one: a rejection, and the end of a mint that all wait for.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { FlyToken, FlyTokens, StorageError } from "../../src/index.ts"
import * as World from "../support/World.ts"

const slugs = Array.from({ length: 1_000 }, (_, n) => `org-${n}`)

const tokenOf = (slug: string) => FlyToken.make(`fo1_of-${slug}`)

/** What another process minted for a thousand organizations. `reads` are those of their records. */
const stored = Effect.gen(function*() {
  const world = yield* World.make
  for (const slug of slugs) {
    yield* world.store.put(slug, "org", { token: tokenOf(slug).redacted, expiresAt: null, source: "cli", savedAt: 0 })
  }
  const reads: Array<string> = []
  const most = { now: 0, ever: 0 }
  const takes = { millis: 0 }
  world.storeGate = (operation, name, key) => {
    if (operation !== "get" || key !== "org") return Effect.void
    reads.push(name)
    most.ever = Math.max(most.ever, ++most.now)
    return Effect.ensuring(Effect.sleep(takes.millis), Effect.sync(() => most.now--))
  }
  return { world, reads, most, takes }
})

const lives = (world: World.World, slug: string) => Effect.map(world.store.get(slug, "org"), Option.isSome)

describe("a rejection among a thousand organizations", () => {
  it.effect("of a token that this process had from one of them looks there alone", () =>
    Effect.gen(function*() {
      const { reads, world } = yield* stored
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const { token } = yield* tokens.get("org-500")
        assert.strictEqual(token.value, tokenOf("org-500").value)
        reads.length = 0
        yield* tokens.invalidate("org-500", { rejected: token })
        assert.isFalse(yield* lives(world, "org-500"))
        assert.deepStrictEqual([...new Set(reads)], ["org-500"])
      }).pipe(Effect.provide(world.layer({ org: (app) => app, chain: ["storage", "cli"], persist: [] })))
    }))

  it.effect("of another one reads each record once, five at a time, however many are rejected at once", () =>
    Effect.gen(function*() {
      const { most, reads, takes, world } = yield* stored
      takes.millis = 10
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const all = yield* Effect.forkChild(
          Effect.forEach(
            slugs.slice(0, 100),
            (slug) => tokens.invalidate(slug, { rejected: tokenOf(slug) }),
            { concurrency: "unbounded" }
          )
        )
        // Step by step: the clock waits so long for what it woke, and no longer.
        for (let step = 0; step < 40; step++) yield* TestClock.adjust("100 millis")
        yield* Fiber.join(all)
        assert.strictEqual(most.ever, 5)
        // Once to look for all of them, and once more before each that was found is deleted.
        assert.strictEqual(reads.length, slugs.length + 100)
        assert.isFalse(yield* lives(world, "org-0"))
        assert.isFalse(yield* lives(world, "org-99"))
        assert.isTrue(yield* lives(world, "org-100"))
      }).pipe(Effect.provide(world.layer()))
    }))

  it.effect("reads a hundred records at a time where the store can do that", () =>
    Effect.gen(function*() {
      const { reads, world } = yield* stored
      const accesses: Array<number> = []
      world.getMany = (names, key) => {
        accesses.push(names.length)
        return Effect.map(world.store.getMany!(names, key), (found) => {
          const broken = new StorageError({ operation: "get", kind: "Corrupt", why: "broken" })
          return new Map([...found, ["org-3", Result.fail(broken)]])
        })
      }
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        yield* tokens.invalidate("my-app", { rejected: tokenOf("org-7") })
        assert.isFalse(yield* lives(world, "org-7"))
        assert.deepStrictEqual(accesses, Array.from({ length: 10 }, () => 100))
        assert.deepStrictEqual(reads, ["org-7"])
        // It may be in the record that cannot be read.
        const error = yield* Effect.flip(tokens.invalidate("my-app", { rejected: tokenOf("org-3") }))
        assert.strictEqual(error._tag === "PersistFailed" && error.reason._tag, "StorageFailed")
      }).pipe(Effect.provide(world.layer()))
    }))

  it.effect("has one limit of time, and deletes what was found by then", () =>
    Effect.gen(function*() {
      const { takes, world } = yield* stored
      takes.millis = 4_000
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const found = yield* Effect.forkChild(tokens.invalidate("my-app", { rejected: tokenOf("org-0") }))
        // The look at all records, 5 s at most, and the read and deletion of the one.
        yield* TestClock.adjust("10 seconds")
        yield* Fiber.join(found)
        assert.isFalse(yield* lives(world, "org-0"))
        const late = yield* Effect.forkChild(
          Effect.flip(tokens.invalidate("my-app", { rejected: tokenOf("org-99") }))
        )
        yield* TestClock.adjust("10 seconds")
        const error = yield* Fiber.join(late)
        assert.strictEqual(error._tag === "PersistFailed" && error.reason._tag, "TimedOut")
      }).pipe(Effect.provide(world.layer()))
    }))

  it.effect("a record that cannot be read keeps nobody from the others", () =>
    Effect.gen(function*() {
      const { world } = yield* stored
      const gate = world.storeGate
      world.storeGate = (operation, name, key) =>
        name === "org-3"
          ? Effect.die(new Error("a store with a defect"))
          : gate(operation, name, key)
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        yield* tokens.invalidate("my-app", { rejected: tokenOf("org-7") })
        assert.isFalse(yield* lives(world, "org-7"))
      }).pipe(Effect.provide(world.layer()))
    }))
})

describe("thousands of first gets of one organization", () => {
  it.effect("go on in portions when the mint ends, if it succeeds and if it fails", () =>
    Effect.gen(function*() {
      for (const end of ["succeeds", "fails"]) {
        const world = yield* World.make
        const works = world.mint
        world.mint = (org, call) =>
          Effect.andThen(Effect.sleep("1 second"), end === "fails" ? Effect.die(new Error("boom")) : works(org, call))
        yield* Effect.gen(function*() {
          const tokens = yield* FlyTokens
          let turn = 0
          const perTurn = new Map<number, number>()
          yield* Effect.forkChild(Effect.forever(Effect.andThen(Effect.yieldNow, Effect.sync(() => turn++))))
          const all = yield* Effect.forkChild(
            Effect.forEach(
              Array.from({ length: 4_000 }, (_, n) => `app-${n}`),
              (app) =>
                Effect.ensuring(
                  Effect.exit(tokens.get(app)),
                  Effect.sync(() => perTurn.set(turn, (perTurn.get(turn) ?? 0) + 1))
                ),
              { concurrency: "unbounded", discard: true }
            )
          )
          yield* TestClock.adjust("1 second")
          yield* Fiber.join(all)
          assert.strictEqual(world.mints.length, 1)
          // Between two portions the event loop has a turn.
          assert.isBelow(Math.max(...perTurn.values()), 100)
          assert.isAbove(perTurn.size, 4_000 / 100)
        }).pipe(Effect.provide(world.layer({ org: "acme" })))
      }
    }))
})
