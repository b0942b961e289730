/**
 * The contract of leases, on each of them, and their end by time.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import * as TestClock from "effect/testing/TestClock"
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Acquisition, Environment, Lease, type LeaseBacking, LeaseError, LeaseLocal } from "../../src/index.ts"
import { LeaseFileSystem } from "../../src/node.ts"
import { LeaseRedis } from "../../src/redis.ts"
import { LeaseSql } from "../../src/sql.ts"
import { LeaseConformance } from "../../src/testing.ts"
import { postgres, postgresLayer, redis, redisLayer, unique } from "../support/Services.ts"
import * as sqlite from "../support/sqlite.ts"

const directory = mkdtempSync(join(tmpdir(), "fly-tokens-lease-"))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const files = (ttl?: string) =>
  LeaseFileSystem.layer({ directory, ...(ttl === undefined ? {} : { ttl: ttl as "1 second" }) }).pipe(
    Layer.provide(Environment.layerRecord({})),
    Layer.provide(NodeServices.layer)
  )

const suite = (layer: Layer.Layer<never, unknown>, options?: LeaseConformance.LeaseConformanceOptions) =>
  LeaseConformance.suite((name, run) => it(name, run, 20_000), layer, options)

describe("the local lease", () => suite(LeaseLocal.layer(), { shared: false }))

describe("the file lease", () => suite(files()))

describe("a file lease that cannot be had", () => {
  it.effect("names the file apart from the reason: of one cause there is one log line", () =>
    Effect.gen(function*() {
      const file = join(directory, "file")
      writeFileSync(file, "")
      const layer = LeaseFileSystem.layer({ directory: join(file, "below") }).pipe(
        Layer.provide(Environment.layerRecord({})),
        Layer.provide(NodeServices.layer)
      )
      const error = yield* Effect.flip(
        Effect.flatMap(Lease, (lease) => lease.withLease({ org: "acme" }, () => Effect.void)).pipe(
          Effect.provide(layer)
        )
      )
      assert.instanceOf(error, LeaseError)
      assert.notInclude(error.why, directory)
      assert.include(error.path, file)
      assert.include(error.message, `${error.path}: ${error.why}`)
    }))
})

describe("the SQLite lease", () => suite(Layer.provide(LeaseSql.layer(), sqlite.layer(join(directory, "leases.db")))))

describe.skipIf(redis.skip)(
  `the Redis lease${redis.why}`,
  () => suite(Layer.provide(LeaseRedis.layer({ prefix: `${unique("test")}:` }), redisLayer))
)

describe.skipIf(postgres.skip)(`the PostgreSQL lease${postgres.why}`, () => {
  const table = unique("fly_tokens")
  suite(Layer.provide(LeaseSql.layer({ table }), postgresLayer))
  afterAll(() =>
    Effect.runPromise(
      Effect.provide(
        SqlClient.SqlClient.use((sql) =>
          Effect.forEach(["", "_lease", "_migrations"], (part) => sql.unsafe(`DROP TABLE IF EXISTS ${table}${part}`))
        ),
        postgresLayer
      )
    )
  )
})

const withLease = <A, E, R>(use: (fence: number) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(Lease, (lease) => lease.withLease({ org: "acme" }, ({ fence }) => use(fence)))

describe("the time to live", () => {
  it.effect("of a lease that is renewed never ends while its holder lives", () =>
    Effect.gen(function*() {
      const holder = yield* Effect.forkChild(withLease(() => Effect.never))
      const waiter = yield* Effect.forkChild(withLease(Effect.succeed))
      yield* TestClock.adjust("10 minutes")
      assert.isUndefined(waiter.pollUnsafe())
      yield* Fiber.interrupt(holder)
      yield* TestClock.adjust("1 second")
      assert.isDefined(waiter.pollUnsafe())
    }).pipe(Effect.provide(LeaseLocal.layer({ ttl: "30 seconds" }))))

  /** A backing in memory whose renewals can be made to fail, as if their owner were suspended or cut off. */
  const cutOff = Effect.gen(function*() {
    const state = {
      owner: "",
      until: 0,
      fence: 0,
      renewals: 0,
      answer: Effect.succeed(false) as Effect.Effect<boolean, LeaseError>
    }
    const backing: LeaseBacking = {
      acquire: (_, owner, ttl) =>
        Effect.map(Clock.currentTimeMillis, (now): Acquisition => {
          if (now < state.until && state.owner !== owner) return { _tag: "Busy", freeIn: state.until - now }
          Object.assign(state, { owner, until: now + ttl, fence: state.fence + 1 })
          return { _tag: "Acquired", fence: state.fence, afterFailure: false }
        }),
      renew: () =>
        Effect.suspend(() => {
          state.renewals++
          return state.answer
        }),
      release: (_, owner) => Effect.sync(() => void (state.owner === owner && (state.until = 0)))
    }
    return { state, layer: Layer.effect(Lease, Lease.make(backing, { ttl: "30 seconds" })) }
  })

  it.effect("of an owner that cannot renew it: the next one gets it then, with a higher fence", () =>
    Effect.gen(function*() {
      const { layer, state } = yield* cutOff
      yield* Effect.gen(function*() {
        const fences: Array<number> = []
        const first = yield* Effect.forkChild(withLease((fence) => {
          fences.push(fence)
          return Effect.never
        }))
        yield* TestClock.adjust(0)
        const second = yield* Effect.forkChild(withLease((fence) => Effect.sync(() => void fences.push(fence))))
        yield* TestClock.adjust("29 seconds")
        assert.deepStrictEqual(fences, [1])
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(fences, [1, 2])
        yield* Fiber.join(second)
        assert.strictEqual(state.renewals, 1)
        yield* Fiber.interrupt(first)
      }).pipe(Effect.provide(layer))
    }))

  it.effect("that fails in its own way says why, and nothing else of it", () =>
    Effect.gen(function*() {
      const refused = Effect.fail({ code: "EFULL", sent: "fo1_secret" })
      const failing: LeaseBacking<{ readonly code: string }> = {
        acquire: () => refused,
        renew: () => refused,
        release: () => refused
      }
      const failure = (backing: typeof failing) =>
        Effect.flip(Effect.provide(withLease(() => Effect.void), Layer.effect(Lease, Lease.make(backing))))
      assert.strictEqual((yield* failure(failing)).message, "lease org/acme: the backend failed")
      assert.strictEqual(
        (yield* failure({ ...failing, why: ({ code }) => `it is full (${code})` })).message,
        "lease org/acme: it is full (EFULL)"
      )
    }))

  it.effect("is renewed again after a renewal that failed", () =>
    Effect.gen(function*() {
      const { layer, state } = yield* cutOff
      state.answer = Effect.fail(new LeaseError({ scope: "org/acme", why: "away" }))
      yield* Effect.gen(function*() {
        const holder = yield* Effect.forkChild(withLease(() => Effect.never))
        yield* TestClock.adjust("31 seconds")
        assert.strictEqual(state.renewals, 3)
        yield* Fiber.interrupt(holder)
      }).pipe(Effect.provide(layer))
    }))

  it.effect("an access that hangs ends after 5 seconds with a typed error", () =>
    Effect.gen(function*() {
      const layer = Layer.effect(
        Lease,
        Lease.make({ acquire: () => Effect.never, renew: () => Effect.never, release: () => Effect.never })
      )
      const call = yield* Effect.forkChild(Effect.flip(Effect.provide(withLease(() => Effect.void), layer)))
      // Nobody waits for its release too.
      yield* TestClock.adjust("5 seconds")
      const error = yield* Fiber.join(call)
      assert.strictEqual(error._tag, "LeaseError")
      assert.include(error.message, "no answer within 5s")
    }))

  it.effect("a free time of nothing or less is no reason to ask each millisecond", () =>
    Effect.gen(function*() {
      let asked = 0
      const layer = Layer.effect(
        Lease,
        Lease.make({
          acquire: () =>
            Effect.sync(() => {
              asked++
              return { _tag: "Busy", freeIn: -1 }
            }),
          renew: () => Effect.succeed(false),
          release: () => Effect.void
        })
      )
      const waiter = yield* Effect.forkChild(Effect.provide(withLease(() => Effect.void), layer))
      yield* TestClock.adjust("10 seconds")
      assert.isBelow(asked, 60)
      yield* Fiber.interrupt(waiter)
    }))

  it.effect.each([1.5, Number.NaN, 2 ** 60])(
    "a fence that is no whole number (%d) is a typed error",
    (fence) =>
      Effect.gen(function*() {
        let released = 0
        const layer = Layer.effect(
          Lease,
          Lease.make({
            acquire: () => Effect.succeed({ _tag: "Acquired", fence, afterFailure: false }),
            renew: () => Effect.succeed(false),
            release: () => Effect.sync(() => void released++)
          })
        )
        const error = yield* Effect.flip(Effect.provide(withLease(() => Effect.void), layer))
        assert.include(error.message, "fence")
        yield* TestClock.adjust(0)
        assert.strictEqual(released, 1)
      })
  )

  it.effect.each(["500 millis", "2 hours", "soon", "-1 seconds"])(
    "of %s fails the layer's construction",
    (ttl) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(
          Effect.provide(withLease(() => Effect.void), LeaseLocal.layer({ ttl: ttl as "1 second" }))
        )
        assert.include(error.message, "leaseTtl")
      })
  )
})

describe("the file lease", () => {
  const folder = join(directory, "lease")
  const own = (org: string) => readdirSync(folder).filter((name) => name.startsWith(`org.${org}.`)).sort()
  const hold = (org: string) =>
    Effect.gen(function*() {
      const lease = yield* Lease
      const taken = yield* Deferred.make<number>()
      const fiber = yield* Effect.forkChild(
        lease.withLease({ org }, ({ fence }) => Effect.andThen(Deferred.succeed(taken, fence), Effect.never))
      )
      return { fiber, fence: yield* Deferred.await(taken) }
    })
  const probe = (org: string) =>
    Effect.flatMap(
      Lease,
      (lease) => lease.withLease({ org }, ({ fence }) => Effect.succeed(fence), Effect.succeedSome(-1))
    )

  it.live("keeps the two newest generations, with mode 0600, in a directory of mode 0700", () =>
    Effect.gen(function*() {
      for (let n = 0; n < 5; n++) yield* probe("few")
      assert.deepStrictEqual(own("few"), ["org.few.4", "org.few.5"])
      assert.strictEqual(statSync(join(folder, "org.few.5")).mode & 0o777, 0o600)
      assert.strictEqual(statSync(folder).mode & 0o777, 0o700)
    }).pipe(Effect.provide(files())))

  it.live("of an owner that has not renewed it for its time to live is taken over, not before", () =>
    Effect.gen(function*() {
      const { fence, fiber } = yield* hold("dead")
      const path = join(folder, "org.dead.1")
      const ago = (seconds: number) => utimesSync(path, Date.now() / 1000 - seconds, Date.now() / 1000 - seconds)
      ago(29)
      assert.strictEqual(yield* probe("dead"), -1)
      ago(31)
      assert.isAbove(yield* probe("dead"), fence)
      yield* Fiber.interrupt(fiber)
    }).pipe(Effect.provide(files())))

  it.live("from the future, of a clock that was set back since, is taken over", () =>
    Effect.gen(function*() {
      const { fence, fiber } = yield* hold("future")
      utimesSync(join(folder, "org.future.1"), Date.now() / 1000 + 3_600, Date.now() / 1000 + 3_600)
      assert.isAbove(yield* probe("future"), fence)
      yield* Fiber.interrupt(fiber)
    }).pipe(Effect.provide(files())))

  it.live("that is corrupt is taken over; names of others are not looked at", () =>
    Effect.gen(function*() {
      yield* probe("odd")
      writeFileSync(join(folder, "org.odd.7"), "")
      writeFileSync(join(folder, "org.odd.x"), "{}")
      writeFileSync(join(folder, "org.odd-2.900"), "{}")
      assert.isAbove(yield* probe("odd"), 0)
      assert.include(own("odd"), "org.odd.8")
    }).pipe(Effect.provide(files())))

  it.live("whose generation was made anew by one that listed long ago is given up by it", () =>
    Effect.gen(function*() {
      // The second list (the first is of left-over files) is from before the others had the lease.
      let lists = 0
      const late = Layer.effect(
        FileSystem.FileSystem,
        Effect.map(FileSystem.FileSystem, (fileSystem) => ({
          ...fileSystem,
          readDirectory: (path: string) =>
            Effect.suspend(() => {
              lists++
              return lists === 2 ? Effect.succeed([]) : fileSystem.readDirectory(path)
            })
        }))
      ).pipe(Layer.provideMerge(NodeServices.layer))
      yield* Effect.provide(Effect.all([probe("late"), probe("late"), probe("late")]), files(), { local: true })
      const holder = yield* Effect.provide(hold("late"), files(), { local: true })
      assert.deepStrictEqual(own("late"), ["org.late.3", "org.late.4"])
      const layer = LeaseFileSystem.layer({ directory }).pipe(
        Layer.provide(Environment.layerRecord({})),
        Layer.provide(late)
      )
      assert.strictEqual(yield* Effect.provide(probe("late"), layer), -1)
      assert.isAbove(lists, 2)
      assert.deepStrictEqual(own("late"), ["org.late.3", "org.late.4"])
      yield* Fiber.interrupt(holder.fiber)
    }))
})
