/** What the checks of a storage are made of: records to store, and ways to look at them. */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { Storage, type StorageKey, type StoredToken } from "../../services/Storage.ts"
import type { StorageError } from "../../services/TokenError.ts"
import * as Conformance from "../Conformance.ts"

const { failure, hold, same } = Conformance

export const keys: ReadonlyArray<StorageKey> = ["cached", "manual", "org"]

/** Far from now, as `earlier` in the other direction, so that nothing expires while a check runs. */
export const later = Date.UTC(2100, 0, 1)

export const earlier = Date.UTC(2020, 0, 1)

export const record = (text: string, fields: Partial<Omit<StoredToken, "token">> = {}): StoredToken => ({
  token: Redacted.make(text),
  expiresAt: later,
  source: "cli",
  savedAt: earlier,
  ...fields
})

/** In the token of a record that is refused. */
export const secret = "fo1_secret-of-a-check"

const plain = ({ expiresAt, fence, org, savedAt, source, token }: StoredToken) => [
  Redacted.value(token),
  expiresAt,
  source,
  savedAt,
  fence ?? null,
  org ?? null
]

const plainOption = Option.match({ onNone: () => null, onSome: plain })

export const read = (name: string, key: StorageKey = "cached") =>
  Storage.use((storage) => Effect.map(storage.get(name, key), plainOption))

export const put = (name: string, key: StorageKey, stored: StoredToken) =>
  Storage.use((storage) => storage.put(name, key, stored))

export const remove = (name: string, key: StorageKey) => Storage.use((storage) => storage.delete(name, key))

export const holds = (rule: string, name: string, key: StorageKey, stored: StoredToken | null) =>
  Effect.flatMap(read(name, key), (found) => same(rule, found, stored === null ? null : plain(stored)))

/** Stores a record, and finds it again as it was. */
export const keeps = (rule: string, name: string, key: StorageKey, stored: StoredToken) =>
  Effect.andThen(put(name, key, stored), holds(rule, name, key, stored))

/**
 * What `getMany` answers in the order of the names: what `read` does, or the kind of the failure. A storage need not have
 * it.
 */
export const answersMany = (
  rule: string,
  names: ReadonlyArray<string>,
  key: StorageKey,
  expected: ReadonlyArray<StoredToken | StorageError["kind"] | null>
) =>
  Effect.gen(function*() {
    const storage = yield* Storage
    if (storage.getMany === undefined) return
    const found = yield* storage.getMany(names, key)
    const answers = names.map((name) => {
      const outcome = found.get(name)
      if (outcome === undefined) return "no answer"
      return Result.match(outcome, { onFailure: ({ kind }) => kind, onSuccess: plainOption })
    })
    yield* same(rule, answers, expected.map((each) => each === null || typeof each === "string" ? each : plain(each)))
  })

export const failsWith = (
  rule: string,
  effect: Effect.Effect<unknown, StorageError, Storage>,
  kind: StorageError["kind"]
) =>
  Effect.gen(function*() {
    const error = yield* failure(rule, effect)
    yield* same(rule, [error._tag, error.kind], ["StorageError", kind])
    yield* hold("errors hold no token", !`${error.message}${JSON.stringify(error)}${error.stack}`.includes(secret))
  })

/** What the names hold is removed at the end. */
export const checksOf = <E>(layer: Layer.Layer<Storage, E>) =>
  Conformance.checksOf(layer, (names) =>
    Effect.forEach(
      names,
      (name) => Effect.forEach(keys, (key) => Effect.ignore(remove(name, key)), { discard: true }),
      { concurrency: 16, discard: true }
    ))
