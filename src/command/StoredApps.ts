/**
 * The apps that the store knows, and the ones that a call was given.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { Storage } from "../services/Storage.ts"
import { InvalidAppName, type StorageError } from "../services/TokenError.ts"
import { type AppName, isAppName } from "../token/AppName.ts"

/**
 * The apps that have a record in the store, in alphabetical order.
 *
 * @category accessors
 * @since 0.1.0
 * @stability stable
 */
export const stored: Effect.Effect<ReadonlyArray<AppName>, StorageError, Storage> = Effect.gen(function*() {
  const storage = yield* Storage
  const names = [...yield* storage.list("cached"), ...yield* storage.list("manual")]
  return [...new Set(names.filter(isAppName))].sort()
})

/**
 * The given words as app names, each once, or the failure that one is none.
 *
 * @category checking
 * @since 0.1.0
 * @stability stable
 */
export const named = (
  words: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<AppName>, InvalidAppName> =>
  Effect.forEach(
    new Set(words),
    (word) => isAppName(word) ? Effect.succeed(word) : Effect.fail(InvalidAppName.of(word))
  )
