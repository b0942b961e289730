/**
 * The contract of storages, on each of them, and encrypted over memory and files: over what, makes no difference.
 */
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import {
  Environment,
  Storage,
  StorageEncrypted,
  type StorageKey,
  StorageKeyValue,
  StorageMemory
} from "../../src/index.ts"
import { StorageFileSystem } from "../../src/node.ts"
import { StorageRedis } from "../../src/redis.ts"
import { SqlTables, StorageSql } from "../../src/sql.ts"
import { StorageConformance } from "../../src/testing.ts"
import { postgres, postgresLayer, redis, redisLayer, unique } from "../support/Services.ts"
import { storedApps as apps } from "../support/sizes.ts"
import * as sqlite from "../support/sqlite.ts"

/** In CI some checks write a thousand records, each of them synced. */
const test = (name: string, run: () => Promise<void>) => it(name, run, 60_000)

const encrypted = (layer: Layer.Layer<Storage, unknown>) =>
  StorageEncrypted.layer({ keys: [Redacted.make(Buffer.alloc(32, 7).toString("base64"))] }).pipe(Layer.provide(layer))

const suite = (layer: Layer.Layer<Storage, unknown>, options?: StorageConformance.StorageConformanceOptions) =>
  // That it warns of corrupt records is not what is checked here.
  StorageConformance.suite(test, Layer.merge(layer, Logger.layer([])), { apps, ...options })

/** The storage as it is, and encrypted. What a record's text is, is the inner storage's: nothing is planted then. */
const both = (
  layer: Layer.Layer<Storage, unknown>,
  { plant, ...options }: StorageConformance.StorageConformanceOptions
) => {
  suite(layer, { ...options, plant })
  describe("encrypted", () => suite(encrypted(layer), options))
}

describe("memory", () => both(StorageMemory.layer, { persistent: false }))

describe("files", () => {
  const directory = mkdtempSync(join(tmpdir(), "fly-tokens-conformance-"))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))
  const layer = StorageFileSystem.layer({ directory }).pipe(
    Layer.provide(Environment.layerRecord({})),
    Layer.provide(NodeServices.layer)
  )
  const plant = (name: string, key: StorageKey, text: string) =>
    Effect.sync(() => {
      const path = join(directory, key, `${name}.json`)
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      writeFileSync(path, text, { mode: 0o600 })
    })
  both(layer, { plant })
})

describe("a key-value store", () => {
  const shared = new Map<string, string>()
  const store = Layer.sync(KeyValueStore.KeyValueStore, () =>
    KeyValueStore.makeStringOnly({
      get: (key) => Effect.sync(() => shared.get(key)),
      set: (key, value) => Effect.sync(() => void shared.set(key, value)),
      remove: (key) => Effect.sync(() => void shared.delete(key)),
      clear: Effect.sync(() => shared.clear()),
      size: Effect.sync(() => shared.size),
      keys: Effect.sync(() => [...shared.keys()])
    }))
  const plant = (name: string, key: StorageKey, text: string) =>
    Effect.sync(() => void shared.set(`${key}/${name}`, text))
  suite(Layer.provide(StorageKeyValue.layer, store), { plant, atomic: false })

  describe("of Effect, in memory", () =>
    suite(Layer.provide(StorageKeyValue.layer, KeyValueStore.layerMemory), { persistent: false, atomic: false }))
})

describe("SQLite", () => {
  const directory = mkdtempSync(join(tmpdir(), "fly-tokens-sqlite-"))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))
  const client = sqlite.layer(join(directory, "tokens.db"))
  /** As somebody who copies a row: its fence comes with it. */
  const plant = (name: string, key: StorageKey, text: string) =>
    SqlTables.migrate().pipe(
      Effect.andThen(SqlClient.SqlClient.use((sql) =>
        sql`INSERT INTO fly_tokens ${sql.insert({ kind: key, name, record: text, fence: 9, saved_at: 0 })}
          ON CONFLICT (kind, name) DO UPDATE SET record = excluded.record, fence = excluded.fence`
      )),
      Effect.provide(client)
    )
  suite(Layer.provide(StorageSql.layer(), client), { plant })
})

describe.skipIf(redis.skip)(`Redis${redis.why}`, () => {
  const prefix = `${unique("test")}[*]:`
  const plant = (name: string, key: StorageKey, text: string) =>
    Effect.provide(
      NodeRedis.NodeRedis.use(({ use }) => use((client) => client.set(`${prefix}{${key}/${name}}`, text))),
      redisLayer
    )
  suite(Layer.provide(StorageRedis.layer({ prefix }), redisLayer), { plant })
})

describe.skipIf(postgres.skip)(`PostgreSQL${postgres.why}`, () => {
  const table = unique("fly_tokens")
  const statement = (text: string, params: ReadonlyArray<unknown>) =>
    Effect.provide(SqlClient.SqlClient.use((sql) => sql.unsafe(text, params)), postgresLayer)
  afterAll(() =>
    Effect.runPromise(
      Effect.forEach(["", "_lease", "_migrations"], (part) => statement(`DROP TABLE IF EXISTS ${table}${part}`, []), {
        discard: true
      })
    )
  )
  const plant = (name: string, key: StorageKey, text: string) =>
    Effect.provide(SqlTables.migrate({ table }), postgresLayer).pipe(
      Effect.andThen(statement(
        `INSERT INTO ${table} (kind, name, record, saved_at) VALUES ($1, $2, $3, 0)
        ON CONFLICT (kind, name) DO UPDATE SET record = excluded.record, fence = NULL`,
        [key, name, text]
      ))
    )
  suite(Layer.provide(StorageSql.layer({ table }), postgresLayer), { plant })

  /** The statements for dialects that are not tested here, on the one that is. */
  const otherDialect = Layer.effect(
    SqlClient.SqlClient,
    Effect.map(SqlClient.SqlClient, (client) => {
      const other = (sql: SqlClient.SqlClient): SqlClient.SqlClient =>
        Object.assign((...args: Parameters<SqlClient.SqlClient>) => sql(...args), sql, {
          onDialectOrElse: (options: { readonly orElse: () => unknown }) => options.orElse(),
          withoutTransforms: () => other(sql.withoutTransforms())
        }) as SqlClient.SqlClient
      return other(client)
    })
  )
  describe("with the statements for other dialects", () => {
    it.live("a newer record under a newer fence refuses a write, what is no record does not hold it up", () =>
      Effect.gen(function*() {
        for (const [text, outcome] of [["{\"version\":2}", "Superseded"], ["{", "written"]] as const) {
          const name = unique("odd").replace("_", "-")
          yield* plant(name, "org", text)
          yield* statement(`UPDATE ${table} SET fence = 100 WHERE name = $1`, [name])
          const found = yield* Storage.use((storage) =>
            storage.put(name, "org", {
              token: Redacted.make("fo1_x"),
              expiresAt: null,
              source: "cli",
              savedAt: 0,
              fence: 50
            })
          ).pipe(
            Effect.as("written"),
            Effect.catchTag("StorageError", ({ kind }) => Effect.succeed(kind)),
            Effect.provide(
              Layer.provide(StorageSql.layer({ table, migrate: false }), Layer.provide(otherDialect, postgresLayer))
            )
          )
          assert.strictEqual(found, outcome)
        }
      }))

    suite(Layer.provide(StorageSql.layer({ table, migrate: false }), Layer.provide(otherDialect, postgresLayer)))
  })
})
