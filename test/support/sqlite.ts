/**
 * A `SqlClient` on `node:sqlite`, for the tests only: one connection, its statements one after another.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Semaphore from "effect/Semaphore"
import * as SqlClient from "effect/sql/SqlClient"
import type * as SqlConnection from "effect/sql/SqlConnection"
import { classifySqliteError, SqlError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import { DatabaseSync, type SQLInputValue } from "node:sqlite"

export const layer = (
  file: string,
  onStatement: (text: string) => void = () => {}
): Layer.Layer<SqlClient.SqlClient> =>
  Layer.effect(
    SqlClient.SqlClient,
    Effect.gen(function*() {
      const database = yield* Effect.acquireRelease(
        Effect.sync(() => new DatabaseSync(file)),
        (database) => Effect.sync(() => database.close())
      )
      // Several clients have the file open, as several processes would.
      database.exec("PRAGMA journal_mode = WAL; PRAGMA busy_timeout = 5000")
      const run = (text: string, params: ReadonlyArray<unknown>) =>
        // As over a network, others come to run meanwhile.
        Effect.andThen(
          Effect.yieldNow,
          Effect.try({
            try: () => {
              onStatement(text)
              return database.prepare(text).all(...params as ReadonlyArray<SQLInputValue>)
            },
            catch: (cause) =>
              new SqlError({ reason: classifySqliteError(cause, { message: "it failed", operation: "execute" }) })
          })
        )
      const connection: SqlConnection.Connection = {
        execute: (text, params, transform) =>
          Effect.map(run(text, params), (rows) => transform === undefined ? rows : transform(rows)),
        executeRaw: run,
        executeValues: () => Effect.die("not used"),
        executeValuesUnprepared: () => Effect.die("not used"),
        executeUnprepared: (text, params, transform) =>
          Effect.map(run(text, params), (rows) => transform === undefined ? rows : transform(rows)),
        executeStream: () => {
          throw new Error("not used")
        }
      }
      const one = Semaphore.makeUnsafe(1)
      const acquirer = Effect.acquireRelease(Effect.as(one.take(1), connection), () => one.release(1))
      return yield* SqlClient.make({
        driver: "node:sqlite",
        acquirer,
        transactionAcquirer: acquirer,
        compiler: Statement.makeCompilerSqlite(),
        spanAttributes: []
      })
    })
  ).pipe(Layer.provide(Reactivity.layer))
