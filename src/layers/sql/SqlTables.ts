/**
 * The tables of the SQL store and their migrations.
 *
 * @since 0.1.0
 * @stability stable
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Migrator from "effect/sql/Migrator"
import type { MigrationError } from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as SingleFlight from "../../concurrency/SingleFlight.ts"
import { type SqlFailure, UnsupportedDialect } from "./SqlFailure.ts"

/**
 * Which tables, and who makes them.
 *
 * @category models
 */
export interface SqlTableOptions {
  /**
   * The table of the records; the leases are in one of this name and `_lease`, what was migrated in one of this name and
   * `_migrations`. Default `fly_tokens`.
   */
  readonly table?: string | undefined
  /** Whether to make and migrate the tables when they are first used. Default true; else run {@link migrate}. */
  readonly migrate?: boolean | undefined
}

const namesOf = ({ table = "fly_tokens" }: SqlTableOptions) => ({
  records: table,
  leases: `${table}_lease`,
  migrations: `${table}_migrations`
})

/** Types that all dialects know; 63 characters is the longest name, and a token may have some kilobytes. */
const migrations = (names: ReturnType<typeof namesOf>) => ({
  "1_records": SqlClient.SqlClient.use((client) => {
    const sql = client.withoutTransforms()
    return sql`CREATE TABLE IF NOT EXISTS ${sql(names.records)} (
      kind VARCHAR(16) NOT NULL,
      name VARCHAR(63) NOT NULL,
      record TEXT NOT NULL,
      fence BIGINT,
      expires_at BIGINT,
      saved_at BIGINT NOT NULL,
      PRIMARY KEY (kind, name)
    )`
  }),
  "2_leases": SqlClient.SqlClient.use((client) => {
    const sql = client.withoutTransforms()
    return sql`CREATE TABLE IF NOT EXISTS ${sql(names.leases)} (
      scope VARCHAR(80) NOT NULL PRIMARY KEY,
      owner VARCHAR(64) NOT NULL,
      fence BIGINT NOT NULL,
      after_failure SMALLINT NOT NULL,
      expires_at BIGINT NOT NULL
    )`
  })
})

/**
 * Makes and migrates the tables, for programs whose user may not do that later. What is there already stays.
 *
 * **Example** (Once, at a deploy; the program itself finds them)
 *
 * ```ts
 * import { SqlTables, StorageSql } from "effect-fly-tokens/sql"
 *
 * const deploy = SqlTables.migrate({ table: "tokens" })
 * const storage = StorageSql.layer({ table: "tokens", migrate: false })
 * ```
 *
 * @category migrations
 */
export const migrate = (
  options: SqlTableOptions = {}
): Effect.Effect<void, SqlError | MigrationError, SqlClient.SqlClient> =>
  Effect.suspend(() => {
    const names = namesOf(options)
    return Effect.asVoid(
      Migrator.make({})({ loader: Migrator.fromRecord(migrations(names)), table: names.migrations })
    )
  })

/**
 * The tables over the present client, as the storage and the lease use them.
 *
 * @category constructors
 * @internal
 */
export const make = Effect.fnUntraced(function*(options: SqlTableOptions) {
  const client = yield* SqlClient.SqlClient
  const { leases, records } = namesOf(options)
  // Names are as they are written here.
  const sql = client.withoutTransforms()
  const unsupported = sql.onDialectOrElse({
    mssql: () => "SQL Server",
    clickhouse: () => "ClickHouse",
    orElse: () => undefined
  })
  const flight = SingleFlight.make<void, SqlError | MigrationError>({
    fork: Effect.runForkWith(yield* Effect.context<never>())
  })
  let ready = options.migrate === false

  /** Where tables are not made in a transaction, those of another process may not be there yet. */
  const look = (table: string) => sql`SELECT 1 FROM ${sql(table)} WHERE 1 = 0`

  // Not when the layer is built: a database that is down for a while is no reason not to start.
  const prepare = migrate(options).pipe(
    Effect.provideService(SqlClient.SqlClient, client),
    Effect.andThen(look(records)),
    Effect.andThen(look(leases)),
    // Of processes that start at once, one may find the tables half made, or locked.
    Effect.retry({
      times: 10,
      schedule: Schedule.jittered(Schedule.spaced("50 millis")),
      while: (error) => !(error._tag === "SqlError" && error.reason._tag === "ConnectionError")
    }),
    Effect.andThen(Effect.sync(() => {
      ready = true
    }))
  )

  /** Runs a statement, once the tables are there. */
  const use = <A, E>(statement: Effect.Effect<A, E>): Effect.Effect<A, E | SqlFailure> =>
    Effect.suspend((): Effect.Effect<A, E | SqlFailure> => {
      if (unsupported !== undefined) return Effect.fail(new UnsupportedDialect({ dialect: unsupported }))
      return ready ? statement : Effect.andThen(flight("tables", prepare), statement)
    })

  return { sql, records, leases, use }
})

/**
 * What {@link make} makes.
 *
 * @category models
 * @internal
 */
export type SqlTables = Effect.Success<ReturnType<typeof make>>
