/** Access to the store: through a gate, of one record or of many, with answers that were looked at. */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Background from "../concurrency/Background.ts"
import * as Gate from "../concurrency/Gate.ts"
import { type Defect, StorageFailed, type TimedOut } from "../services/MissReason.ts"
import type { RecordKey } from "../services/RecordKey.ts"
import { Storage, type StorageKey, type StoredToken, type StoredTokens } from "../services/Storage.ts"
import * as StorageAnswers from "../services/StorageAnswers.ts"
import type { StorageError } from "../services/TokenError.ts"

/** Why an access came to nothing. */
export type AccessReason = StorageFailed | TimedOut | Defect

/** The reason that a failing store is. */
export const storageFailed = (error: StorageError): StorageFailed =>
  new StorageFailed({ why: error.why, ...(error.path === undefined ? {} : { path: error.path }) })

/**
 * For reads, and as many for writes: together the ten connections that a pool has by default, so that nothing waits in
 * the pool, where its time would count.
 */
const places = 5

export const gate = (fork: Background.Background["fork"], limitMillis: number): Gate.Gate =>
  Gate.make({ fork, places, limit: { option: "storageTimeout", millis: limitMillis } })

/**
 * A storage that somebody wrote without `Storage.make` may answer anything: what is neither a record nor names is the
 * failure of that access, and nothing worse.
 */
export const checked = (storage: Storage["Service"]): Storage["Service"] => {
  const getMany = storage.getMany?.bind(storage)
  return Storage.of({
    get: (name, key) => Effect.flatMap(Effect.suspend(() => storage.get(name, key)), StorageAnswers.record),
    put: (name, key, record) => Effect.suspend(() => storage.put(name, key, record)),
    delete: (name, key) => Effect.suspend(() => storage.delete(name, key)),
    list: (key) => Effect.flatMap(Effect.suspend(() => storage.list(key)), StorageAnswers.names),
    ...(getMany === undefined ? {} : {
      getMany: (names, key) =>
        StorageAnswers.manyOf(Effect.suspend(() => getMany(names, key)), names, (_, found) => Effect.succeed(found))
    })
  })
}

/** Reads one record. */
export const reading =
  (storage: Storage["Service"], gate: Gate.Gate) =>
  ({ kind, name }: RecordKey): Effect.Effect<Option.Option<StoredToken>, AccessReason> =>
    gate.within(Effect.mapError(Effect.suspend(() => storage.get(name, kind)), storageFailed))

/** So many at most in one access: they are there well within its limit of time, and are read in a few milliseconds. */
export const atOnce = 100

/** What is to be read in one access each. */
export const portions = (
  storage: Storage["Service"],
  names: ReadonlyArray<string>
): ReadonlyArray<ReadonlyArray<string>> => Arr.chunksOf(names, storage.getMany === undefined ? 1 : atOnce)

/** One access; a single record is read by `get`. */
export const readMany = (
  storage: Storage["Service"],
  names: ReadonlyArray<string>,
  key: StorageKey
): Effect.Effect<StoredTokens, StorageError> =>
  names.length === 1 || storage.getMany === undefined
    ? StorageAnswers.each(names, (name) => storage.get(name, key))
    : storage.getMany(names, key)
