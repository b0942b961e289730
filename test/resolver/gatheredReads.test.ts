/**
 * Over a store that reads many records in one access: reads that wait for the store are taken together.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import * as Background from "../../src/concurrency/Background.ts"
import { FlyToken, FlyTokens, Storage, StorageError } from "../../src/index.ts"
import * as StoreAccess from "../../src/records/StoreAccess.ts"
import * as StoreReads from "../../src/records/StoreReads.ts"
import * as World from "../support/World.ts"

const apps = Array.from({ length: 1_000 }, (_, n) => `app-${n}`)

const tokenOf = (app: string) => FlyToken.make(`fo1_of-${app}`)

/** What another process minted for a thousand apps. Each access takes `millis`. */
const stored = Effect.gen(function*() {
  const world = yield* World.make
  for (const app of apps) {
    yield* world.store.put(app, "cached", { token: tokenOf(app).redacted, expiresAt: null, source: "cli", savedAt: 0 })
  }
  const accesses: Array<ReadonlyArray<string>> = []
  const underWay = { now: 0, most: 0, interrupted: 0 }
  const takes = { millis: 10, one: 10 }
  const access = (names: ReadonlyArray<string>, millis: number) =>
    Effect.suspend(() => {
      accesses.push(names)
      underWay.most = Math.max(underWay.most, ++underWay.now)
      return Effect.sleep(millis).pipe(
        Effect.onInterrupt(() => Effect.sync(() => underWay.interrupted++)),
        Effect.ensuring(Effect.sync(() => underWay.now--))
      )
    })
  world.storeGate = (operation, name, key) =>
    operation === "get" && key === "cached" ? access([name], takes.one) : Effect.void
  world.getMany = (names, key) =>
    Effect.andThen(key === "cached" ? access(names, takes.millis) : Effect.void, world.store.getMany!(names, key))
  return { world, accesses, takes, underWay }
})

const getAll = (asked: ReadonlyArray<string>) =>
  FlyTokens.use((tokens) => Effect.forEach(asked, (app) => Effect.exit(tokens.get(app)), { concurrency: "unbounded" }))

/** Step by step: the clock waits so long for what it woke, and no longer. */
const steps = (count: number) => Effect.repeat(TestClock.adjust("10 millis"), { times: count })

const over = (world: World.World, options: Parameters<World.World["layer"]>[0] = { chain: ["storage"] }) =>
  Effect.provide(Layer.provide(world.layer(options), Logger.layer([])))

const reasonOf = (exit: Exit.Exit<unknown, unknown> | undefined) =>
  exit !== undefined && Exit.isFailure(exit) ? JSON.stringify(exit) : "a token"

describe("a thousand apps at once", () => {
  it.effect("are read in few accesses, five at a time, and each gets its own token", () =>
    Effect.gen(function*() {
      const { accesses, underWay, world } = yield* stored
      yield* Effect.gen(function*() {
        const getting = yield* Effect.forkChild(getAll(apps))
        yield* steps(50)
        const exits = yield* Fiber.join(getting)
        assert.isTrue(
          exits.every((exit, n) => Exit.isSuccess(exit) && exit.value.token.identity === tokenOf(apps[n]!).identity)
        )
        // Five that found a place, and a hundred at a time of the others.
        assert.deepStrictEqual(
          accesses.map(({ length }) => length),
          [...Array.from({ length: 5 }, () => 1), ...Array.from({ length: 9 }, () => 100), 95]
        )
        assert.deepStrictEqual(accesses.flat(), apps)
        assert.strictEqual(underWay.most, 5)
      }).pipe(over(world))
    }))

  it.effect("one after another are read one by one", () =>
    Effect.gen(function*() {
      const { accesses, takes, world } = yield* stored
      takes.one = 0
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        for (const app of apps.slice(0, 20)) yield* tokens.get(app)
        assert.deepStrictEqual(accesses, apps.slice(0, 20).map((app) => [app]))
      }).pipe(over(world))
    }))
})

describe("reads that are taken together", () => {
  it.effect("have each its own outcome", () =>
    Effect.gen(function*() {
      const { world } = yield* stored
      const getMany = world.getMany!
      world.getMany = (names, key) =>
        Effect.map(getMany(names, key), (found) => {
          const broken = new StorageError({ operation: "get", kind: "Corrupt", why: "this one is broken" })
          return new Map([...found, ["app-7", Result.fail(broken)]])
        })
      yield* Effect.gen(function*() {
        const getting = yield* Effect.forkChild(getAll(apps.slice(0, 10)))
        yield* steps(5)
        const exits = yield* Fiber.join(getting)
        assert.deepStrictEqual(exits.flatMap((exit, n) => Exit.isFailure(exit) ? [n] : []), [7])
        assert.include(reasonOf(exits[7]), "this one is broken")
      }).pipe(over(world))
    }))

  it.effect("fail together with their access: each is a miss, and another source serves", () =>
    Effect.gen(function*() {
      for (
        const failure of [
          Effect.fail(new StorageError({ operation: "get", kind: "Unavailable", why: "gone" })),
          Effect.die(new Error("a store with a defect")),
          Effect.succeed(5 as never)
        ]
      ) {
        const { world } = yield* stored
        world.getMany = () => failure
        yield* Effect.gen(function*() {
          const getting = yield* Effect.forkChild(getAll(apps.slice(0, 10)))
          yield* steps(5)
          const exits = yield* Fiber.join(getting)
          assert.deepStrictEqual(
            exits.map((exit) => Exit.isSuccess(exit) ? exit.value.source as string : "none"),
            [...Array.from({ length: 5 }, () => "storage"), ...Array.from({ length: 5 }, () => "cli")]
          )
        }).pipe(over(world, { org: "acme", chain: ["storage", "cli"] }))
      }
    }))

  it.effect("have the limit of time of their access, from when that begins", () =>
    Effect.gen(function*() {
      const { takes, underWay, world } = yield* stored
      takes.one = 3_000
      takes.millis = 60_000
      yield* Effect.gen(function*() {
        const getting = yield* Effect.forkChild(getAll(apps.slice(0, 10)))
        yield* TestClock.adjust("7999 millis")
        assert.strictEqual(underWay.now, 1)
        yield* TestClock.adjust("1 millis")
        const exits = yield* Fiber.join(getting)
        assert.deepStrictEqual(exits.map(Exit.isSuccess), [...Array(5).fill(true), ...Array(5).fill(false)])
        for (const exit of exits.slice(5)) assert.include(reasonOf(exit), "TimedOut")
        assert.strictEqual(underWay.interrupted, 1)
      }).pipe(over(world))
    }))

  it.effect("end while they wait before a store that answers nobody; whoever asks later begins anew", () =>
    Effect.gen(function*() {
      const { accesses, world } = yield* stored
      const works = world.storeGate
      world.storeGate = () => Effect.uninterruptible(Effect.sleep("20 seconds"))
      yield* Effect.gen(function*() {
        const getting = yield* Effect.forkChild(getAll(apps.slice(0, 10)))
        yield* TestClock.adjust("6 seconds")
        const exits = yield* Fiber.join(getting)
        for (const exit of exits) assert.include(reasonOf(exit), "TimedOut")
        assert.lengthOf(accesses, 0)
        world.storeGate = works
        // The failures are forgotten by then.
        yield* TestClock.adjust("1 minute")
        const again = yield* Effect.forkChild(getAll(apps.slice(0, 10)))
        yield* steps(5)
        assert.isTrue((yield* Fiber.join(again)).every(Exit.isSuccess))
      }).pipe(over(world))
    }))

  it.effect("go on when one who waits goes away, and end with the last one, whether they have begun or not", () =>
    Effect.gen(function*() {
      const { accesses, takes, underWay, world } = yield* stored
      takes.one = 1_000
      takes.millis = 1_000
      const { fork } = yield* Background.make
      const gate = StoreAccess.gate(fork, 5_000)
      const storage = yield* Effect.provide(Storage, world.layer())
      const get = StoreReads.gathering({ storage, gate, fork })
      const ask = (names: ReadonlyArray<string>) =>
        Effect.forEach(names, (name) => Effect.forkChild(get({ kind: "cached", name }), { startImmediately: true }))
      const leave = (who: ReadonlyArray<Fiber.Fiber<unknown, unknown>>) => Fiber.interruptAll(who)

      const first = yield* ask(apps.slice(0, 5))
      yield* leave(yield* ask(["app-5", "app-6"]))
      const [gone, ...left] = yield* ask(["app-7", "app-8", "app-9"])
      yield* leave([gone!])
      yield* TestClock.adjust("1 second")
      yield* Fiber.joinAll(first)
      // Nobody waits for app-5 and app-6; those who are left have begun.
      assert.deepStrictEqual(accesses.slice(5), [["app-7", "app-8", "app-9"]])
      yield* leave([left[0]!])
      assert.strictEqual(underWay.interrupted, 0)
      yield* leave([left[1]!])
      assert.strictEqual(underWay.interrupted, 1)
      assert.strictEqual(underWay.now, 0)

      // Their place is free again.
      const again = yield* ask(apps.slice(0, 10))
      yield* TestClock.adjust("2 seconds")
      assert.lengthOf(yield* Fiber.joinAll(again), 10)
      assert.deepStrictEqual(accesses.at(-1), apps.slice(5, 10))
    }).pipe(Effect.scoped))

  it.effect("end with the layer", () =>
    Effect.gen(function*() {
      const { accesses, takes, underWay, world } = yield* stored
      takes.one = 1_000
      takes.millis = 1_000
      const getting = yield* Effect.forkChild(getAll(apps).pipe(over(world)))
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(underWay.now, 5)
      yield* Fiber.interrupt(getting)
      assert.deepStrictEqual([underWay.now, underWay.interrupted], [0, accesses.length])
    }))
})
