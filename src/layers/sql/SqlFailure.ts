/** What a database said, without the values that it was sent. */
import * as Schema from "effect/Schema"
import type { MigrationError } from "effect/sql/Migrator"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import { failure } from "../../services/Failure.ts"

/**
 * The database speaks a dialect in which the statements do not work: SQL Server (whose client sends numbers of 32 bits)
 * and ClickHouse (which cannot replace a row in one step).
 */
export class UnsupportedDialect extends failure<UnsupportedDialect>()("UnsupportedDialect", {
  dialect: Schema.String
}, {
  message: ({ dialect }) => `the database's dialect (${dialect}) is not supported`
}) {}

/** Others write the same row again and again. */
export class Contended extends failure<Contended>()("Contended", {}, {
  message: "others keep writing the same row"
}) {}

export type SqlFailure = SqlError | MigrationError | UnsupportedDialect | Contended

/** A fixed sentence for a failing statement: the kind of the failure, nothing of its text. */
export const whyOf = (error: SqlFailure): string => {
  if (error._tag === "MigrationError") return `the tables cannot be made (${error.kind})`
  if (!isSqlError(error)) return error.message
  const kind = error.reason._tag
  return kind === "ConnectionError" ? "the database cannot be reached" : `the database refused it (${kind})`
}
