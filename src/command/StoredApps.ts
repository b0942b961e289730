/** The apps that the store knows, and the ones that a call was given. */
import * as Effect from "effect/Effect"
import { Storage } from "../services/Storage.ts"
import { InvalidAppName, type StorageError } from "../services/TokenError.ts"
import { type AppName, isAppName } from "../token/AppName.ts"

/** Apps, each with the keys under which it may have a record. */
export type KeptApps = ReadonlyMap<AppName, ReadonlyArray<"cached" | "manual">>

/** Apps of which it is not known what they have. */
export const anyOf = (apps: ReadonlyArray<AppName>): KeptApps => new Map(apps.map((app) => [app, ["cached", "manual"]]))

/** The apps that have a record in the store, in alphabetical order. */
export const stored: Effect.Effect<KeptApps, StorageError, Storage> = Effect.gen(function*() {
  const storage = yield* Storage
  const kept = new Map<AppName, Array<"cached" | "manual">>()
  for (const key of ["cached", "manual"] as const) {
    for (const app of (yield* storage.list(key)).filter(isAppName)) kept.set(app, [...kept.get(app) ?? [], key])
  }
  return new Map([...kept].sort(([one], [other]) => one < other ? -1 : 1))
})

/** The given words as app names, each once, or the failure that one is none. */
export const named = (
  words: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<AppName>, InvalidAppName> =>
  Effect.forEach(
    new Set(words),
    (word) => isAppName(word) ? Effect.succeed(word) : Effect.fail(InvalidAppName.of(word))
  )
