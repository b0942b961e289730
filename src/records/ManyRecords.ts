/** Reading many records in few accesses, where the storage can do that. */
import * as Arr from "effect/Array"
import type * as Effect from "effect/Effect"
import type { Storage, StorageKey, StoredTokens } from "../services/Storage.ts"
import * as StorageAnswers from "../services/StorageAnswers.ts"
import type { StorageError } from "../services/TokenError.ts"

/** So many at most in one access: they are there well within its limit of time, and are read in a few milliseconds. */
export const atOnce = 100

/** What is to be read in one access each. */
export const portions = (
  storage: Storage["Service"],
  names: ReadonlyArray<string>
): ReadonlyArray<ReadonlyArray<string>> => Arr.chunksOf(names, storage.getMany === undefined ? 1 : atOnce)

/** One access; a single record is read by `get`. */
export const read = (
  storage: Storage["Service"],
  names: ReadonlyArray<string>,
  key: StorageKey
): Effect.Effect<StoredTokens, StorageError> =>
  names.length === 1 || storage.getMany === undefined
    ? StorageAnswers.each(names, (name) => storage.get(name, key))
    : storage.getMany(names, key)
