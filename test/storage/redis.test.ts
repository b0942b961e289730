/**
 * What only Redis does: records that expire by themselves, and keys out of a backup.
 */
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redis from "effect/persistence/Redis"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { Lease, Storage } from "../../src/index.ts"
import { LeaseRedis, StorageRedis } from "../../src/redis.ts"
import { redis, redisLayer, unique } from "../support/Services.ts"

const prefix = `${unique("test")}:`
const layer = Layer.merge(StorageRedis.layer({ prefix }), LeaseRedis.layer({ prefix, ttl: "30 seconds" })).pipe(
  Layer.provideMerge(redisLayer)
)

const pttl = (key: string) => NodeRedis.NodeRedis.use(({ use }) => use((client) => client.pTTL(`${prefix}{${key}}`)))

describe.skipIf(redis.skip)(`Redis${redis.why}`, () => {
  it.live("keeps a minted record as long as its token lives, and a manual one until it is removed", () =>
    Effect.gen(function*() {
      const storage = yield* Storage
      const now = Date.now()
      const record = { token: Redacted.make("fo1_x"), source: "cli" as const, savedAt: now }
      for (const key of ["cached", "org", "manual"] as const) {
        yield* storage.put("ends", key, { ...record, expiresAt: now + 60_000 })
        yield* storage.put("endless", key, { ...record, expiresAt: null })
      }
      for (const key of ["cached", "org"] as const) {
        const life = Number(yield* pttl(`${key}/ends`))
        assert.isAbove(life, 30_000)
        assert.isAtMost(life, 60_000)
        assert.strictEqual(Number(yield* pttl(`${key}/endless`)), -1)
      }
      assert.strictEqual(Number(yield* pttl("manual/ends")), -1)
    }).pipe(Effect.provide(layer)))

  it.live("reads many records although MGET is refused, as in a cluster, where they are in many slots", () =>
    Effect.gen(function*() {
      const names = ["many-1", "many-2", "many-3"]
      const sent: Array<string> = []
      const cluster = Layer.effect(
        Redis.Redis,
        Effect.map(Redis.Redis, (redis) => ({
          ...redis,
          send: <A>(command: string, ...args: ReadonlyArray<string>) => {
            sent.push(command)
            return command === "MGET"
              ? Effect.fail(new Redis.RedisError({ cause: new Error("CROSSSLOT") }))
              : redis.send<A>(command, ...args)
          }
        }))
      )
      const found = yield* Effect.gen(function*() {
        const storage = yield* Storage
        for (const name of names.slice(1)) {
          yield* storage.put(name, "org", {
            token: Redacted.make(`fo1_${name}`),
            expiresAt: null,
            source: "cli",
            savedAt: 0
          })
        }
        sent.length = 0
        const found = yield* storage.getMany!(names, "org")
        for (const name of names) yield* storage.delete(name, "org")
        return found
      }).pipe(Effect.provide(Layer.provide(StorageRedis.layer({ prefix }), Layer.provide(cluster, redisLayer))))
      assert.deepStrictEqual(
        names.map((name) =>
          Option.match(Result.getOrThrow(found.get(name)!), {
            onNone: () => "none",
            onSome: ({ token }) => Redacted.value(token)
          })
        ),
        ["none", "fo1_many-2", "fo1_many-3"]
      )
      assert.deepStrictEqual(sent.slice(0, 4), ["MGET", "GET", "GET", "GET"])
    }))

  it.live("a lease without an end, out of a backup, holds nobody up", () =>
    Effect.gen(function*() {
      const { withLease } = yield* Lease
      yield* NodeRedis.NodeRedis.use(({ use }) => use((client) => client.set(`${prefix}{lease/org/acme}`, "gone")))
      const free = yield* withLease({ org: "acme" }, () => Effect.succeed("free"), Effect.succeedSome("taken"))
      assert.strictEqual(free, "free")
    }).pipe(Effect.provide(layer)))

  it.live("a lease ends by itself", () =>
    Effect.gen(function*() {
      const { withLease } = yield* Lease
      const life = yield* withLease({ org: "other" }, () => pttl("lease/org/other"))
      assert.isAbove(Number(life), 15_000)
      assert.isAtMost(Number(life), 30_000)
    }).pipe(Effect.provide(layer)))
})
