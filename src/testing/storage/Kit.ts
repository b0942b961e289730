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

export const plain = ({ expiresAt, fence, org, savedAt, source, token }: StoredToken) => [
  Redacted.value(token),
  expiresAt,
  source,
  savedAt,
  fence ?? null,
  org ?? null
]

const plainOption = Option.match({ onNone: () => null, onSome: plain })

/** A token's alphabet and length. */
export const longText = `FlyV1 fm2_${"lJPECAAAAAAA+/=_-,".repeat(290)}`

/** All that breaks careless encoding. */
export const oddText = "a\"b\\c\n\r\t'%_*[]{}$1 ${x} €\u0000\u2028😀"

export const read = (name: string, key: StorageKey = "cached") =>
  Storage.use((storage) => Effect.map(storage.get(name, key), plainOption))

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
  Storage.use((storage) =>
    storage.getMany === undefined ? Effect.void : Effect.flatMap(storage.getMany(names, key), (found) =>
      same(
        rule,
        names.map((name) => {
          const outcome = found.get(name)
          return outcome === undefined
            ? "no answer"
            : Result.match(outcome, { onFailure: ({ kind }) => kind, onSuccess: plainOption })
        }),
        expected.map((each) => each === null || typeof each === "string" ? each : plain(each))
      ))
  )

export const put = (name: string, key: StorageKey, stored: StoredToken) =>
  Storage.use((storage) => storage.put(name, key, stored))

export const holds = (rule: string, name: string, key: StorageKey, stored: StoredToken) =>
  Effect.flatMap(read(name, key), (found) => same(rule, found, plain(stored)))

export const failsWith = (
  rule: string,
  effect: Effect.Effect<unknown, StorageError, Storage>,
  kind: StorageError["kind"]
) => Effect.flatMap(failure(rule, effect), (error) => same(rule, [error._tag, error.kind], ["StorageError", kind]))

/** An error that was made where a token with this text was given. */
export const holdsNoSecret = (error: Error, secret: string) =>
  hold("errors hold no token", !`${error.message}${JSON.stringify(error)}${error.stack}`.includes(secret))

let counter = 0

/** A check over names that nobody else uses, removed at its end. */
export const checksOf = <E>(layer: Layer.Layer<Storage, E>) =>
(
  name: string,
  count: number,
  run: (names: ReadonlyArray<string>) => Effect.Effect<void, unknown, Storage>
): Conformance.Check => ({
  name,
  run: Effect.suspend(() => {
    const stem = `conform-${Math.floor(Math.random() * 36 ** 8).toString(36)}-${counter++}`
    const names = Array.from({ length: count }, (_, n) => `${stem}-${n}`)
    const clean = Storage.use((storage) =>
      Effect.forEach(
        names,
        (each) => Effect.forEach(keys, (key) => Effect.ignore(storage.delete(each, key)), { discard: true }),
        { concurrency: 16, discard: true }
      )
    )
    return Effect.ensuring(run(names), clean).pipe(Effect.provide(layer))
  })
})
