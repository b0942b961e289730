/**
 * Many apps at once, and a store that is slow, hangs or is gone.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Background from "../../src/concurrency/Background.ts"
import * as Warnings from "../../src/concurrency/Warnings.ts"
import { FlyTokens, type FlyTokensOptions, MissReason, StorageError, type TokenEvent } from "../../src/index.ts"
import * as World from "../support/World.ts"

const apps = Array.from({ length: 200 }, (_, n) => `app-${n}`)
const org = (app: string) => `org-${Number(app.slice(4)) % 12}`

const logged = () => {
  const lines: Array<string> = []
  return { lines, layer: Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))]) }
}

const all = Effect.flatMap(
  FlyTokens,
  (tokens) => Effect.forEach(apps, (app) => Effect.exit(tokens.get(app)), { concurrency: "unbounded" })
)

describe("many apps at once", () => {
  it.effect("do not wait in a store's pool longer than its limit: one mint per organization, all is stored", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const log = logged()
      // A pool of ten connections. Without a gate before it the last access would wait for a minute.
      const pool = yield* Semaphore.make(10)
      const waits = { now: 0, most: 0 }
      world.storeGate = () =>
        Effect.suspend(() => {
          waits.most = Math.max(waits.most, ++waits.now)
          return Effect.ensuring(pool.withPermit(Effect.sleep("400 millis")), Effect.sync(() => waits.now--))
        })
      yield* Effect.gen(function*() {
        const getting = yield* Effect.forkChild(all)
        yield* TestClock.adjust("10 minutes")
        assert.isTrue((yield* Fiber.join(getting)).every(Exit.isSuccess))
        assert.strictEqual(world.mints.length, 12)
        assert.isAtMost(waits.most, 20)
        assert.deepStrictEqual(log.lines, [])
      }).pipe(Effect.provide(Layer.provide(world.layer({ org }), log.layer)))
      for (const app of [apps[0]!, apps.at(-1)!]) assert.isTrue((yield* world.store.get(app, "cached"))._tag === "Some")
    }))

  it.effect("that wait before a store that hangs go on together after its limit", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.storeGate = (operation) => operation === "get" ? Effect.never : Effect.void
      yield* Effect.gen(function*() {
        const getting = yield* Effect.forkChild(all)
        yield* TestClock.adjust("20 seconds")
        assert.isTrue((yield* Fiber.join(getting)).every(Exit.isSuccess))
        assert.strictEqual(world.mints.length, 12)
      }).pipe(Effect.provide(Layer.provide(world.layer({ org }), Logger.layer([]))))
    }))

  it.effect("over a store that is gone are few log lines, and each event for whoever keeps up", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const log = logged()
      // As files say it: each record has a path of its own.
      world.storeGate = (operation, name) =>
        Effect.fail(new StorageError({ operation, kind: "Unavailable", why: "gone", path: `/store/${name}` }))
      yield* Effect.gen(function*() {
        const events: Array<TokenEvent["_tag"]> = []
        const { events: stream } = yield* FlyTokens
        yield* Effect.forkChild(Stream.runForEach(stream, ({ _tag }) => Effect.sync(() => void events.push(_tag))))
        yield* Effect.yieldNow
        yield* all
        yield* TestClock.adjust("9 seconds")
        const count = (tag: string) => events.filter((each) => each === tag).length
        // One for each app, and one for each organization.
        assert.deepStrictEqual([count("Acquired"), count("PersistFailed")], [apps.length, apps.length + 12])
        assert.strictEqual(log.lines.length, 1)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(log.lines.length, 2)
        assert.include(log.lines[1], `(and ${apps.length + 10} more like it within 10s)`)
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(log.lines.length, 2)
      }).pipe(Effect.provide(Layer.provide(world.layer({ org }), log.layer)))
    }))

  it.effect("whose refresh fails because of the same are few log lines", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const log = logged()
      yield* Effect.gen(function*() {
        yield* all
        yield* TestClock.adjust("1 hour")
        world.storeGate = (operation, name) =>
          Effect.fail(new StorageError({ operation, kind: "Unavailable", why: "gone", path: `/store/${name}` }))
        world.mint = () => Effect.fail(new MissReason.HttpFailed({ status: 500 }))
        yield* TestClock.adjust("22 hours")
        yield* TestClock.adjust("10 seconds")
        const lines = log.lines.filter((line) => line.includes("refreshing the token"))
        assert.lengthOf(lines, 2)
        assert.include(lines[1], `(and ${apps.length - 2} more like it within 10s)`)
      }).pipe(
        Effect.provide(Layer.provide(world.layer({ org: (app) => app, softExpiryJitter: 0 }), log.layer))
      )
    }))

  it.effect.each<[string, FlyTokensOptions]>([
    ["questions", {}],
    ["mints", { org: (app: string) => app }]
  ])("whose %s hang in flyctl are all answered within twice cliTimeout", ([, options]) =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.orgOf = world.listApps = world.mint = () => Effect.never
      yield* Effect.gen(function*() {
        const getting = yield* Effect.forkChild(all)
        yield* TestClock.adjust("20 seconds")
        const exits = getting.pollUnsafe()
        assert.isDefined(exits, "not all are answered")
        const reasons = (yield* exits!).map((exit) =>
          Exit.isFailure(exit) ? JSON.stringify(exit.cause).includes("cliTimeout") : false
        )
        assert.isTrue(reasons.every(Boolean))
        assert.isAtMost(world.lookups.length + world.mints.length, 8)
      }).pipe(Effect.provide(Layer.provide(world.layer({ cliTimeout: "10 seconds", ...options }), Logger.layer([]))))
    }))

  it.effect("of which one question hangs: the list that is under way serves those that are not asked yet", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      world.orgOf = () => Effect.never
      world.listApps = () => Effect.delay(Effect.succeed(new Map(apps.map((app) => [app, org(app)]))), "9 seconds")
      yield* Effect.gen(function*() {
        const first = yield* Effect.forkChild(Effect.exit(FlyTokens.use((tokens) => tokens.get("app-0"))))
        yield* TestClock.adjust("5 seconds")
        const getting = yield* Effect.forkChild(all)
        yield* TestClock.adjust("10 seconds")
        assert.isTrue(Exit.isSuccess(yield* Fiber.join(first)))
        assert.isTrue((yield* Fiber.join(getting)).every(Exit.isSuccess))
      }).pipe(Effect.provide(world.layer({ cliTimeout: "10 seconds" })))
    }))
})

describe("warnings", () => {
  it.effect("of one cause have a line in ten seconds, of another their own; what is left is told at the end", () =>
    Effect.gen(function*() {
      const log = logged()
      yield* Effect.scoped(Effect.gen(function*() {
        const warn = yield* Warnings.make
        yield* warn("a", "a 1")
        yield* warn("a", "a 2")
        yield* warn("b", "b 1")
        assert.deepStrictEqual(log.lines, ["a 1", "b 1"])
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(log.lines, ["a 1", "b 1", "a 2"])
        yield* TestClock.adjust("10 seconds")
        yield* warn("a", "a 3")
        yield* warn("a", "a 4")
        yield* warn("a", "a 5")
        assert.deepStrictEqual(log.lines, ["a 1", "b 1", "a 2", "a 3"])
      })).pipe(Effect.provide(log.layer))
      assert.deepStrictEqual(log.lines.slice(4), ["a 5 (and 1 more like it within 10s)"])
    }))
})

/** Every timer is late, as in a process whose event loop is always busy. */
const lateClock = (millis: number) =>
  Effect.map(Clock.Clock, (clock) => {
    let late = 0
    const now = () => clock.monotonicTimeNanosUnsafe() + BigInt(late) * 1_000_000n
    const timers = { ever: 0 }
    const lateClock: Clock.Clock = Object.assign(Object.create(clock) as Clock.Clock, {
      monotonicTimeNanosUnsafe: now,
      monotonicTimeNanos: Effect.sync(now),
      sleep: (duration: Duration.Duration) => {
        timers.ever++
        late += Duration.toMillis(duration) + millis
        return Effect.yieldNow
      }
    })
    return { timers, clock: lateClock, now: () => Number(now()) / 1e6 }
  })

describe("a limit of time", () => {
  it.effect.each<[number, number]>([[100, 11], [8_000, 2]])(
    "ends although every timer is %d ms late: it waits for twice as long at most",
    ([late, timers]) =>
      Effect.gen(function*() {
        const lag = yield* lateClock(late)
        const began = lag.now()
        yield* Effect.provideService(Background.sleepUnhurried(1_000), Clock.Clock, lag.clock)
        assert.strictEqual(lag.timers.ever, timers)
        assert.strictEqual(lag.now() - began, 2_000 + timers * late)
      })
  )

  it.live("does not run while the event loop is busy: an answer that came meanwhile counts", () =>
    Effect.scoped(Effect.gen(function*() {
      const background = yield* Background.make
      // An answer from outside, which the event loop brings after the timers that are due.
      const answer = Effect.callback<string>((resume) => {
        setImmediate(() => setImmediate(() => resume(Effect.succeed("answer"))))
      })
      const asked = yield* Effect.forkChild(
        Background.within(background.fork, answer, { option: "any", millis: 100 }),
        {
          startImmediately: true
        }
      )
      // The event loop stands still for longer than the limit: that can only be had by really blocking it.
      const until = performance.now() + 300
      while (performance.now() < until);
      assert.strictEqual(yield* Fiber.join(asked), "answer")
    })))
})
