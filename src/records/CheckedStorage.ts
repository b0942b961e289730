/** Any storage, its answers looked at before they are believed. */
import * as Effect from "effect/Effect"
import { Storage } from "../services/Storage.ts"
import * as StorageAnswers from "../services/StorageAnswers.ts"

/**
 * A storage that somebody wrote without `Storage.make` may answer anything: what is neither a record nor names is the
 * failure of that access, and nothing worse.
 */
export const make = (storage: Storage["Service"]): Storage["Service"] => {
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
