/** What a database said, without the values that it was sent. */
import * as Schema from "effect/Schema"
import type { MigrationError } from "effect/sql/Migrator"
import { isSqlError, type SqlError } from "effect/sql/SqlError"

/**
 * The database speaks a dialect in which the statements do not work: SQL Server (whose client sends numbers of 32 bits)
 * and ClickHouse (which cannot replace a row in one step).
 */
export class UnsupportedDialect extends Schema.TaggedError<UnsupportedDialect>()("UnsupportedDialect", {
  dialect: Schema.String
}) {}

/** Others write the same row again and again. */
export class Contended extends Schema.TaggedError<Contended>()("Contended", {}) {}

export type SqlFailure = SqlError | MigrationError | UnsupportedDialect | Contended

/** A fixed sentence for a failing statement: the kind of the failure, nothing of its text. */
export const whyOf = (error: SqlFailure): string => {
  if (isSqlError(error)) {
    const kind = error.reason._tag
    return kind === "ConnectionError" ? "the database cannot be reached" : `the database refused it (${kind})`
  }
  switch (error._tag) {
    case "UnsupportedDialect":
      return `the database's dialect (${error.dialect}) is not supported`
    case "Contended":
      return "others keep writing the same row"
    case "MigrationError":
      return `the tables cannot be made (${error.kind})`
  }
}
