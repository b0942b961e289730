/** Reading many records of the store: each once, several at the same time. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { Storage, type StorageKey, type StoredToken } from "../services/Storage.ts"
import type { StorageError } from "../services/TokenError.ts"

/** How many are read at once: the system reads a few files at a time, and a server has a few connections. */
export const atOnce = 32

export const keys: ReadonlyArray<StorageKey> = ["cached", "manual", "org"]

/** A record, or why it cannot be read. */
export interface ListedRecord {
  readonly name: string
  readonly key: StorageKey
  readonly record: Result.Result<StoredToken, StorageError>
}

/** One record; `undefined` if it is not there. */
export const read = (name: string, key: StorageKey): Effect.Effect<ListedRecord | undefined, never, Storage> =>
  Effect.map(
    Effect.result(Storage.use((storage) => storage.get(name, key))),
    Result.match({
      onFailure: (error) => ({ name, key, record: Result.fail(error) }),
      onSuccess: Option.match({
        onNone: () => undefined,
        onSome: (stored) => ({ name, key, record: Result.succeed(stored) })
      })
    })
  )

/**
 * What is made of each record under a key, in the order of their names. Made as they come, so that it is not all done in
 * one turn of the event loop.
 */
export const mapUnder = <A>(
  key: StorageKey,
  use: (record: ListedRecord) => A
): Effect.Effect<ReadonlyArray<A>, StorageError, Storage> =>
  Storage.use((storage) => storage.list(key)).pipe(
    Effect.flatMap((names) =>
      Effect.forEach(
        names,
        (name) => Effect.map(read(name, key), (record) => record === undefined ? [] : [use(record)]),
        { concurrency: atOnce }
      )
    ),
    Effect.map((found) => found.flat())
  )
