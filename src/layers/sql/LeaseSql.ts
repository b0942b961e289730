/**
 * Leases in an SQL database, for many machines.
 *
 * @since 0.1.0
 * @stability stable
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { type Acquisition, Lease, type LeaseOptions } from "../../services/Lease.ts"
import type { InvalidOption } from "../../services/TokenError.ts"
import { whyOf } from "./SqlFailure.ts"
import * as SqlTables from "./SqlTables.ts"

/**
 * The options of {@link layer}.
 *
 * @category models
 */
export interface LeaseSqlOptions extends SqlTables.SqlTableOptions, LeaseOptions {}

/** The expiry of a lease that was given back, by how that was. */
const released = { done: 0, failed: 1 }

const statements = ({ leases, sql }: SqlTables.SqlTables) => {
  const table = sql(leases)

  /** Epoch milliseconds on the clock of the database, which is one for all. */
  const now = sql.literal(sql.onDialectOrElse({
    pg: () => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
    sqlite: () => "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    orElse: () => "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)"
  }))

  interface Row {
    readonly owner: string
    readonly fence: number | string | bigint
    readonly after_failure: number | string | bigint
    readonly free_in: number | string | bigint
  }

  const acquire = Effect.fnUntraced(
    function*(scope: string, owner: string, ttlMillis: number): Effect.fn.Return<Acquisition, SqlError> {
      const ttl = Math.ceil(ttlMillis)
      for (let round = 0;; round++) {
        // In this order: there are dialects that let a column see what was set before it.
        yield* sql`UPDATE ${table} SET owner = ${owner},
          after_failure = CASE WHEN expires_at = ${released.failed} THEN 1 ELSE 0 END,
          expires_at = ${now} + ${ttl},
          fence = CASE WHEN fence + 1 > ${now} THEN fence + 1 ELSE ${now} END
          WHERE scope = ${scope} AND (expires_at <= ${now} OR owner = ${owner})`
        const [row] = yield* sql<Row>`SELECT owner, fence, after_failure, expires_at - ${now} AS free_in FROM ${table}
          WHERE scope = ${scope}`
        if (row !== undefined) {
          return row.owner === owner
            ? { _tag: "Acquired", fence: Number(row.fence), afterFailure: Number(row.after_failure) === 1 }
            : { _tag: "Busy", freeIn: Number(row.free_in) }
        }
        // Free and without a fence: whoever inserts it has not got it yet.
        const inserted = yield* Effect.result(
          sql`INSERT INTO ${table} (scope, owner, fence, after_failure, expires_at)
            VALUES (${scope}, ${""}, 0, 0, ${released.done})`
        )
        // Somebody else did: not every driver tells that kind of failure, but then the row is there.
        if (Result.isFailure(inserted) && round > 0) return yield* Effect.fail(inserted.failure)
      }
    }
  )

  return {
    acquire,
    renew: Effect.fnUntraced(function*(scope: string, owner: string, ttlMillis: number) {
      yield* sql`UPDATE ${table} SET expires_at = ${now} + ${Math.ceil(ttlMillis)}
        WHERE scope = ${scope} AND owner = ${owner}`
      const rows = yield* sql`SELECT scope FROM ${table} WHERE scope = ${scope} AND owner = ${owner}`
      return rows.length > 0
    }),
    release: (scope: string, owner: string, outcome: "done" | "failed") =>
      sql`UPDATE ${table} SET owner = ${""}, expires_at = ${
        released[outcome]
      } WHERE scope = ${scope} AND owner = ${owner}`
  }
}

const make = Effect.fnUntraced(function*(options: LeaseSqlOptions) {
  const tables = yield* SqlTables.make(options)
  const { acquire, release, renew } = statements(tables)
  return yield* Lease.make({
    why: whyOf,
    acquire: (scope, owner, ttlMillis) => tables.use(acquire(scope, owner, ttlMillis)),
    renew: (scope, owner, ttlMillis) => tables.use(renew(scope, owner, ttlMillis)),
    release: (scope, owner, outcome) => Effect.asVoid(tables.use(release(scope, owner, outcome)))
  }, options)
})

/**
 * Leases as rows, on the clock of the database; no connection is held while one is.
 *
 * @category layers
 */
export const layer = (
  options: LeaseSqlOptions = {}
): Layer.Layer<never, InvalidOption, SqlClient.SqlClient> => Layer.effect(Lease, make(options))
