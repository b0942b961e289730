/**
 * Services that fail: typed errors, and nothing of what was sent in them, in logs or in spans.
 */
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Redis from "effect/persistence/Redis"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import { Lease, Storage, type StorageError, StorageKeyValue, type StoredToken } from "../../src/index.ts"
import { LeaseRedis, StorageRedis } from "../../src/redis.ts"
import { LeaseSql, SqlTables, StorageSql } from "../../src/sql.ts"
import { printed, recorder } from "../support/Recorder.ts"
import { postgres, postgresLayer, redis, redisLayer, unique } from "../support/Services.ts"
import * as sqlite from "../support/sqlite.ts"

const secret = "fo1_secret-of-this-test"

const record: StoredToken = {
  token: Redacted.make(secret),
  expiresAt: Date.UTC(2100, 0, 1),
  source: "cli",
  savedAt: 0,
  fence: 5
}

/** Every access fails, typed, and shows nothing of the record; those of the lease too, if there is one. */
const allFail = (layer: Layer.Layer<Storage, unknown>, why: RegExp, { lease = true } = {}) =>
  Effect.gen(function*() {
    const seen = recorder()
    const exits = yield* Effect.gen(function*() {
      const storage = yield* Storage
      const { withLease } = yield* Lease
      const calls: ReadonlyArray<
        Effect.Effect<unknown, StorageError | { readonly _tag: string; readonly why: string }>
      > = [
        storage.put("my-app", "cached", record),
        storage.put("my-app", "manual", record),
        storage.get("my-app", "cached"),
        storage.delete("my-app", "cached"),
        storage.list("cached"),
        ...(lease ? [withLease({ org: "acme" }, () => Effect.void)] : [])
      ]
      const errors = yield* Effect.forEach(calls, Effect.flip)
      for (const error of errors) {
        assert.match(error._tag, /^(StorageError|LeaseError)$/)
        assert.match(error.why, why)
      }
      return errors.map(Exit.fail)
    }).pipe(Effect.withSpan("all"), Effect.provide(Layer.provideMerge(layer, seen.layer)))
    const text = exits.map(printed).join("\n") + seen.text()
    assert.notInclude(text, "secret-of-this-test")
  })

describe("Redis", () => {
  const failing = (cause: unknown) => {
    const fail = () => Effect.fail(new Redis.RedisError({ cause }))
    return Layer.merge(StorageRedis.layer(), LeaseRedis.layer()).pipe(
      Layer.provide(
        Layer.succeed(Redis.Redis)({
          send: fail,
          eval: () => fail,
          subscribe: () => Effect.die("not used"),
          reserve: Effect.die("not used")
        })
      )
    )
  }

  const causes: ReadonlyArray<readonly [unknown, RegExp]> = [
    [
      Object.assign(new Error(`connect with ${secret}`), { code: "ECONNREFUSED" }),
      /^Redis cannot be reached \(ECONNREFUSED\)$/
    ],
    [new Error(`OOM command not allowed, with args beginning with: '${secret}'`), /^Redis refused it \(OOM\)$/],
    [new Error(`The client is closed ${secret}`), /^Redis cannot be reached$/],
    [{ message: secret }, /^Redis cannot be reached$/],
    [secret, /^Redis cannot be reached$/],
    [null, /^Redis cannot be reached$/]
  ]
  it.live.each(causes)("that fails with %s", ([cause, why]) => allFail(failing(cause), why))

  it.live.skipIf(redis.skip)(`that holds something else under the key${redis.why}`, () =>
    Effect.gen(function*() {
      const prefix = `${unique("test")}:`
      yield* Effect.provide(
        NodeRedis.NodeRedis.use(({ use }) => use((client) => client.lPush(`${prefix}{manual/my-app}`, "x"))),
        redisLayer
      )
      const layer = Layer.provide(StorageRedis.layer({ prefix }), redisLayer)
      const seen = recorder()
      const errors = yield* Effect.gen(function*() {
        const storage = yield* Storage
        return [
          yield* Effect.flip(storage.get("my-app", "manual")),
          yield* Effect.flip(storage.put("my-app", "manual", record)),
          yield* Effect.flip(storage.delete("my-app", "manual"))
        ]
      }).pipe(Effect.provide(Layer.provideMerge(layer, seen.layer)))
      assert.deepStrictEqual(errors.map(({ why }) => why), Array(3).fill("Redis refused it (WRONGTYPE)"))
      assert.notInclude(errors.map(printed).join() + seen.text(), "secret-of-this-test")
    }))
})

describe("SQL", () => {
  it.live.each(["mssql", "clickhouse"] as const)("in a dialect that is not supported (%s) fails, typed", (dialect) => {
    const other = Layer.effect(
      SqlClient.SqlClient,
      Effect.map(SqlClient.SqlClient, (client) => {
        const speaking = (sql: SqlClient.SqlClient): SqlClient.SqlClient =>
          Object.assign((...args: Parameters<SqlClient.SqlClient>) => sql(...args), sql, {
            onDialectOrElse: (options: Record<string, () => unknown>) => (options[dialect] ?? options["orElse"]!)(),
            withoutTransforms: () => speaking(sql.withoutTransforms())
          }) as SqlClient.SqlClient
        return speaking(client)
      })
    ).pipe(Layer.provide(sqlite.layer(":memory:")))
    return allFail(
      Layer.merge(StorageSql.layer(), LeaseSql.layer()).pipe(Layer.provide(other)),
      /^the database's dialect \((SQL Server|ClickHouse)\) is not supported$/
    )
  })

  it.live("a thousand first accesses at once run the migrations once", () =>
    Effect.gen(function*() {
      const made: Array<string> = []
      const client = sqlite.layer(":memory:", (text) => {
        if (/CREATE TABLE[^(]*fly_tokens_migrations/.test(text)) made.push(text)
      })
      yield* Effect.gen(function*() {
        const storage = yield* Storage
        yield* Effect.forEach(
          Array.from({ length: 1_000 }, (_, n) => `app-${n}`),
          (name) => storage.get(name, "cached"),
          { concurrency: "unbounded" }
        )
        yield* storage.put("my-app", "manual", record)
      }).pipe(Effect.provide(Layer.provide(StorageSql.layer(), client)))
      assert.lengthOf(made, 1)
    }))
})

describe.skipIf(postgres.skip)(`PostgreSQL${postgres.why}`, () => {
  it.live("without its tables, and not allowed to make them", () =>
    allFail(
      Layer.merge(
        StorageSql.layer({ table: unique("missing"), migrate: false }),
        LeaseSql.layer({ table: unique("missing"), migrate: false })
      ).pipe(Layer.provide(postgresLayer)),
      /^the database refused it \([A-Za-z]+\)$/
    ))

  it.live("whose table has become another one", () =>
    Effect.gen(function*() {
      const table = unique("odd")
      yield* Effect.provide(
        SqlClient.SqlClient.use((sql) => sql.unsafe(`CREATE TABLE ${table} (kind TEXT, name TEXT, record INT)`)),
        postgresLayer
      )
      const seen = recorder()
      const error = yield* Effect.flip(Storage.use((storage) => storage.put("my-app", "cached", record))).pipe(
        Effect.provide(
          Layer.provideMerge(Layer.provide(StorageSql.layer({ table, migrate: false }), postgresLayer), seen.layer)
        )
      )
      assert.strictEqual(error._tag, "StorageError")
      assert.notInclude(printed(error) + seen.text(), "secret-of-this-test")
      yield* Effect.provide(SqlClient.SqlClient.use((sql) => sql.unsafe(`DROP TABLE ${table}`)), postgresLayer)
    }))

  it.live("many processes that migrate at once: the tables are there, and nobody failed", () =>
    Effect.gen(function*() {
      const table = unique("fly_tokens")
      yield* Effect.all(
        Array.from({ length: 12 }, () =>
          Effect.provide(
            Storage.use((storage) => storage.list("cached")),
            Layer.fresh(Layer.provide(StorageSql.layer({ table }), postgresLayer)),
            { local: true }
          )),
        { concurrency: "unbounded" }
      )
      yield* Effect.provide(SqlTables.migrate({ table }), postgresLayer)
      yield* Effect.provide(
        SqlClient.SqlClient.use((sql) =>
          Effect.forEach(["", "_lease", "_migrations"], (part) => sql.unsafe(`DROP TABLE ${table}${part}`))
        ),
        postgresLayer
      )
    }))
})

describe("a key-value store that fails", () => {
  it.live("with typed errors", () => {
    const fail = () =>
      Effect.fail(new KeyValueStore.KeyValueStoreError({ method: "any", message: secret, cause: new Error(secret) }))
    const store = Layer.succeed(KeyValueStore.KeyValueStore)(
      KeyValueStore.makeStringOnly({
        get: fail,
        set: fail,
        remove: fail,
        clear: fail(),
        size: fail(),
        keys: fail()
      })
    )
    return allFail(Layer.provide(StorageKeyValue.layer, store), /^the key-value store failed$/, { lease: false })
  })
})
