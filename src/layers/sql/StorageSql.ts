/**
 * A storage in an SQL database.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Fence from "../../services/Fence.ts"
import { type RecordMeta, Storage, type StorageKey } from "../../services/Storage.ts"
import { Contended, whyOf } from "./SqlFailure.ts"
import * as SqlTables from "./SqlTables.ts"

interface Row {
  readonly kind: StorageKey
  readonly name: string
  readonly record: string
  readonly fence: number | null
  readonly expires_at: number | null
  readonly saved_at: number
}

/** `false` if the record that is there makes it outdated. */
type Put = (row: Row, now: number) => Effect.Effect<boolean, SqlError | Contended>

/** So often is a write tried that others come between. */
const maxRounds = 20

const statements = ({ records, sql }: SqlTables.SqlTables) => {
  const table = sql(records)

  /** That a record does not make another one outdated: the opposite of `Fence.isOutdated`. */
  const admits = (fence: number | null, now: number) =>
    fence === null
      ? sql.literal("1 = 1")
      : sql.or([
        sql`${table}.fence IS NULL`,
        sql`${table}.fence <= ${fence}`,
        sql`${table}.expires_at <= ${now}`,
        sql`${table}.saved_at > ${now + Fence.clockTolerance}`
      ])

  const upsert: Put = (row, now) =>
    Effect.map(
      sql`INSERT INTO ${table} ${sql.insert({ ...row })}
        ON CONFLICT (kind, name) DO UPDATE SET record = excluded.record, fence = excluded.fence,
          expires_at = excluded.expires_at, saved_at = excluded.saved_at
        WHERE ${admits(row.fence, now)}
        RETURNING name`,
      (rows) => rows.length > 0
    )

  /** The same in steps that every dialect knows. */
  const updateOrInsert: Put = Effect.fnUntraced(function*(row, now) {
    const { kind, name, ...columns } = row
    for (let round = 0; round < maxRounds; round++) {
      yield* sql`UPDATE ${table} SET ${sql.update({ ...columns })}
        WHERE kind = ${kind} AND name = ${name} AND (${admits(row.fence, now)})`
      const [present] = yield* sql<{ readonly record: string; readonly admitted: number | string | bigint }>`
        SELECT record, CASE WHEN ${admits(row.fence, now)} THEN 1 ELSE 0 END AS admitted FROM ${table}
        WHERE kind = ${kind} AND name = ${name}`
      if (present?.record === row.record) return true
      if (present !== undefined) {
        if (Number(present.admitted) === 0) return false
        // Another one came between the two statements, before this one or after it.
        continue
      }
      const inserted = yield* Effect.result(sql`INSERT INTO ${table} ${sql.insert({ ...row })}`)
      if (Result.isSuccess(inserted)) return true
      // Somebody else did: not every driver tells that kind of failure, but then the row is there.
      if (round > 0) return yield* Effect.fail(inserted.failure)
    }
    return yield* new Contended()
  })

  const recordOf = (kind: StorageKey, name: string) =>
    Effect.map(
      sql<{ readonly record: string }>`SELECT record FROM ${table} WHERE kind = ${kind} AND name = ${name}`,
      (rows) => rows[0]?.record
    )

  const recordsOf = (kind: StorageKey, names: ReadonlyArray<string>) =>
    Effect.map(
      sql<{ readonly name: string; readonly record: string }>`SELECT name, record FROM ${table}
        WHERE kind = ${kind} AND ${sql.in("name", names)}`,
      (rows) => new Map(rows.map(({ name, record }) => [name, record]))
    )

  return {
    recordOf,
    recordsOf,
    put: sql.onDialectOrElse({ pg: () => upsert, sqlite: () => upsert, orElse: () => updateOrInsert }),
    remove: (kind: StorageKey, name: string) => sql`DELETE FROM ${table} WHERE kind = ${kind} AND name = ${name}`,
    setAside: (kind: StorageKey, name: string, record: string) =>
      Effect.andThen(
        sql`DELETE FROM ${table} WHERE kind = ${`${kind}.corrupt`} AND name = ${name}`,
        sql`UPDATE ${table} SET kind = ${`${kind}.corrupt`}
          WHERE kind = ${kind} AND name = ${name} AND record = ${record}`
      ),
    names: (kind: StorageKey) =>
      Effect.map(
        sql<{ readonly name: string }>`SELECT name FROM ${table} WHERE kind = ${kind}`,
        (rows) => rows.map(({ name }) => name)
      )
  }
}

const rowOf = (name: string, kind: StorageKey, record: string, meta: RecordMeta): Row => ({
  kind,
  name,
  record,
  fence: meta.fence ?? null,
  expires_at: meta.expiresAt === null ? null : Math.round(meta.expiresAt),
  saved_at: Math.round(meta.savedAt)
})

const make = Effect.fnUntraced(function*(options: SqlTables.SqlTableOptions) {
  const tables = yield* SqlTables.make(options)
  const { names, put, recordOf, recordsOf, remove, setAside } = statements(tables)
  return Storage.make({
    why: whyOf,
    read: (name, key) => Effect.map(tables.use(recordOf(key, name)), Option.fromUndefinedOr),
    readMany: (names, key) => tables.use(recordsOf(key, names)),
    write: Effect.fnUntraced(function*(name, key, text, meta) {
      const now = yield* Clock.currentTimeMillis
      if (!(yield* tables.use(put(rowOf(name, key, text, meta), now)))) return yield* Storage.superseded()
    }),
    remove: (name, key) => Effect.asVoid(tables.use(remove(key, name))),
    setAside: (name, key, text) => Effect.asVoid(tables.use(setAside(key, name, text))),
    names: (key) => tables.use(names(key))
  })
})

/**
 * One row per record, in a table of its own that is made and migrated on first use.
 *
 * **Details**
 *
 * Tested on PostgreSQL and on SQLite (`node:sqlite`), where a write is one `INSERT … ON CONFLICT`. MySQL gets an `UPDATE`,
 * and an `INSERT` if there was nothing to update: statements that are tested on PostgreSQL. SQL Server and ClickHouse are
 * not supported, each access fails then. Errors have the kind of a failure and nothing of what was sent.
 *
 * @category layers
 * @since 0.1.0
 * @stability stable
 */
export const layer = (
  options: SqlTables.SqlTableOptions = {}
): Layer.Layer<Storage, never, SqlClient.SqlClient> => Layer.effect(Storage, make(options))
