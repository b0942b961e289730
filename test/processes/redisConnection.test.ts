/**
 * A real Redis that is down at the start, and one behind a connection that is cut without a word.
 */
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Redis from "effect/persistence/Redis"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import { once } from "node:events"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import { ConfigFile, Environment, FlyCli, FlyTokens, Storage } from "../../src/index.ts"
import { LeaseRedis, RedisConnection, StorageRedis } from "../../src/redis.ts"
import * as Servers from "../support/Servers.ts"
import * as World from "../support/World.ts"

const missing = Servers.programs.redis === undefined
const why = missing ? " (skipped: redis-server is not installed)" : ""

const server = Effect.acquireRelease(Effect.promise(Servers.redis), (server) => Effect.promise(server.remove))

/** Forwards connections to a port, until it is told to go on with those that there are without forwarding. */
const proxyTo = (port: number) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const sockets = new Set<Socket>()
      const silent = new Set<Socket>()
      const listener = createServer((near) => {
        const far = connect(port, "127.0.0.1")
        for (const [from, to] of [[near, far], [far, near]] as const) {
          sockets.add(from)
          from.on("error", () => {})
          from.on("data", (data) => {
            if (!silent.has(from)) to.write(data)
          })
          from.on("close", () => {
            if (!silent.has(from)) to.destroy()
          })
        }
      }).listen(0, "127.0.0.1")
      await once(listener, "listening")
      return {
        url: `redis://127.0.0.1:${(listener.address() as AddressInfo).port}`,
        cut: () => {
          for (const socket of sockets) silent.add(socket)
        },
        close: () => {
          listener.close()
          for (const socket of sockets) socket.destroy()
        }
      }
    }),
    (proxy) => Effect.sync(proxy.close)
  )

const redisAt = (url: string) =>
  RedisConnection.layer(
    NodeRedis.layer({ url, disableOfflineQueue: true, socket: { socketTimeout: 30_000 } }),
    { checkEvery: "250 millis" }
  )

/** Other processes have no clock to be moved: it is tried again and again. */
const untilStored = (storage: Storage["Service"]) =>
  storage.put("probe", "cached", {
    token: World.tokenOf({ now: 0, life: World.day }).redacted,
    expiresAt: null,
    source: "cli",
    savedAt: 0
  })
    .pipe(Effect.retry({ times: 200, schedule: Schedule.spaced("50 millis") }))

const logged = () => {
  const lines: Array<string> = []
  return { lines, layer: Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))]) }
}

describe("a Redis that answers nothing", () => {
  it.effect("holds up what is built upon it for a second, and each access fails at once until it is there", () =>
    Effect.gen(function*() {
      const there = yield* Deferred.make<void>()
      const redis = Redis.Redis.of({
        send: <A>() => Effect.succeed("PONG" as A),
        eval: () => () => Effect.die("not asked"),
        reserve: Effect.die("not asked"),
        subscribe: () => Effect.die("not asked")
      })
      const slow = Layer.effect(Redis.Redis, Effect.as(Deferred.await(there), redis))
      const building = yield* Effect.forkChild(Layer.build(RedisConnection.layer(slow)))
      yield* TestClock.adjust("1 second")
      assert.isDefined(building.pollUnsafe())
      const connection = Context.get(yield* Fiber.join(building), Redis.Redis)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(connection.send("PING"))))
      yield* Deferred.succeed(there, undefined)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* connection.send("PING"), "PONG")
    }))
})

describe(`a Redis${why}`, () => {
  it.live.skipIf(missing)("that is down at the start is a miss until it is there", () =>
    Effect.gen(function*() {
      const redis = yield* server
      const log = logged()
      const cli = Layer.succeed(FlyCli)({
        mintReadonly: () => Effect.sync(() => World.tokenOf({ now: Date.now(), life: World.day })),
        mintDeploy: () => Effect.die("not asked"),
        listApps: () => Effect.die("not asked"),
        orgOf: () => Effect.die("not asked")
      })
      const layer = FlyTokens.layer({ org: (app) => app }).pipe(
        Layer.provideMerge(Layer.mergeAll(
          Layer.merge(StorageRedis.layer(), LeaseRedis.layer()).pipe(Layer.provide(redisAt(redis.url))),
          Environment.layerRecord({}),
          ConfigFile.layerDisabled,
          cli
        )),
        Layer.provide(log.layer)
      )
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const storage = yield* Storage
        assert.strictEqual((yield* tokens.get("early")).source, "cli")
        assert.isTrue(Exit.isFailure(yield* Effect.exit(storage.get("early", "cached"))))
        assert.strictEqual(log.lines.filter((line) => line.includes("tried again")).length, 1)
        yield* Effect.promise(redis.start)
        yield* untilStored(storage)
        yield* tokens.get("late")
        for (let n = 0; n < 100 && Option.isNone(yield* storage.get("late", "cached")); n++) {
          yield* Effect.sleep("20 millis")
        }
        assert.isTrue(Option.isSome(yield* storage.get("late", "cached")))
      }).pipe(Effect.provide(layer))
    }), 60_000)

  it.live.skipIf(missing)(
    "behind a connection that was cut without a word comes back over another one",
    () =>
      Effect.gen(function*() {
        const redis = yield* server
        yield* Effect.promise(redis.start)
        const proxy = yield* proxyTo(Number(new URL(redis.url).port))
        yield* Effect.gen(function*() {
          const storage = yield* Storage
          yield* untilStored(storage)
          proxy.cut()
          // Asked before anybody knows: it ends when the connection is given up, and does not hang.
          const first = yield* Effect.exit(storage.get("probe", "cached"))
          assert.isTrue(Exit.isFailure(first))
          yield* untilStored(storage)
          assert.isTrue(Option.isSome(yield* storage.get("probe", "cached")))
        }).pipe(
          Effect.provide(StorageRedis.layer().pipe(Layer.provide(redisAt(proxy.url)), Layer.provide(Logger.layer([]))))
        )
      }),
    60_000
  )
})
