/**
 * Storage and lease in an SQL database, over the `SqlClient` of Effect (for PostgreSQL `@effect/sql-pg`).
 *
 * @since 0.1.0
 */
export * as LeaseSql from "./layers/sql/LeaseSql.ts"
export * as SqlTables from "./layers/sql/SqlTables.ts"
export * as StorageSql from "./layers/sql/StorageSql.ts"
