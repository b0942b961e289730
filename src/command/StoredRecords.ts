/** The records of the store: each is read once, several at the same time. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { Storage, type StorageKey, type StoredToken } from "../services/Storage.ts"
import { InvalidAppName, type StorageError } from "../services/TokenError.ts"
import { type AppName, isAppName } from "../token/AppName.ts"

/** How many are read at once: the system reads a few files at a time, and a server has a few connections. */
export const atOnce = 32

export const keys: ReadonlyArray<StorageKey> = ["cached", "manual", "org"]

/** A record, or why it cannot be read. */
export interface StoredRecord {
  readonly name: string
  readonly key: StorageKey
  readonly stored: Result.Result<StoredToken, StorageError>
}

/**
 * What is made of the records of these names that are there, in this order. Made as they come, so that it is not all done
 * in one turn of the event loop.
 */
export const mapOf = <A>(
  names: Iterable<string>,
  key: StorageKey,
  use: (record: StoredRecord) => A
): Effect.Effect<ReadonlyArray<A>, never, Storage> => {
  const read = (name: string) =>
    Effect.map(
      Effect.result(Storage.use((storage) => storage.get(name, key))),
      (found) =>
        Result.isSuccess(found) && Option.isNone(found.success)
          ? []
          : [use({ name, key, stored: Result.map(found, Option.getOrThrow) })]
    )
  return Effect.map(Effect.forEach(names, read, { concurrency: atOnce }), (found) => found.flat())
}

/** The same of all records under a key, in the order of their names. */
export const map = <A>(
  key: StorageKey,
  use: (record: StoredRecord) => A
): Effect.Effect<ReadonlyArray<A>, StorageError, Storage> =>
  Effect.flatMap(Storage.use((storage) => storage.list(key)), (names) => mapOf(names, key, use))

/** Names as apps, each once, in alphabetical order. */
export const appsOf = (...names: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<AppName> =>
  [...new Set(names.flat())].filter(isAppName).sort()

/** The given words as app names, each once, or the failure that one is none. */
export const named = (words: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<AppName>, InvalidAppName> =>
  Effect.forEach(
    new Set(words),
    (word) => isAppName(word) ? Effect.succeed(word) : Effect.fail(InvalidAppName.of(word))
  )
