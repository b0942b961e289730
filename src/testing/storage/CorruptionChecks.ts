/** What becomes of texts that are no records. */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { Storage, type StorageKey } from "../../services/Storage.ts"
import * as Conformance from "../Conformance.ts"
import { answersMany, checksOf, failsWith, holds, keys, put, read, record } from "./Kit.ts"

const { same } = Conformance

/** A record with a token, of a place or, as the first release wrote it, of none. */
const textOf = (place: { readonly name?: string; readonly key?: string }) =>
  JSON.stringify({ version: 1, ...place, token: "fo1_planted", expiresAt: null, source: "cli", savedAt: 0, fence: 9 })

/** Texts that are planted where records are. */
export const checks = <E>(
  layer: Layer.Layer<Storage, E>,
  plant: (name: string, key: StorageKey, text: string) => Effect.Effect<void, unknown>
): ReadonlyArray<Conformance.Check> => {
  const check = checksOf(layer)
  const texts = ["", "{", "null", "[]", "{\"version\":1}", "\u0001\u0001", "{\"version\":1,\"token\":\"\"}"]
  return [
    check(
      "a corrupt cached record is absent, and the next write heals it",
      1,
      ([name = ""]) =>
        Effect.gen(function*() {
          for (const key of ["cached", "org"] as const) {
            for (const text of texts) {
              yield* plant(name, key, text)
              yield* same(`a corrupt ${key} record counts as absent`, yield* read(name, key), null)
              yield* plant(name, key, text)
              yield* put(name, key, record("fo1_healed", { fence: 3 }))
              yield* holds("it can be written", name, key, record("fo1_healed", { fence: 3 }))
            }
          }
        })
    ),

    check("a corrupt manual record is kept, with a typed error", 1, ([name = ""]) =>
      Effect.gen(function*() {
        const storage = yield* Storage
        for (const text of texts) {
          yield* plant(name, "manual", text)
          const rule = "a corrupt manual record fails with Corrupt"
          for (let twice = 0; twice < 2; twice++) {
            yield* failsWith(rule, storage.get(name, "manual"), "Corrupt")
            yield* failsWith(rule, storage.put(name, "manual", record("fo1_x")), "Corrupt")
            yield* failsWith(rule, storage.delete(name, "manual"), "Corrupt")
          }
        }
      })),

    check("getMany: a record that cannot be read fails none of the others", 4, (names) =>
      Effect.gen(function*() {
        const [good = "", torn = "", elsewhere = "", newer = ""] = names
        for (const key of keys) {
          yield* put(good, key, record("fo1_good"))
          yield* plant(torn, key, "{")
          yield* plant(elsewhere, key, textOf({ name: "another", key }))
          yield* plant(newer, key, "{\"version\":2}")
          const expected = key === "manual" ? "Corrupt" : null
          for (let twice = 0; twice < 2; twice++) {
            yield* answersMany(
              `of ${key} records, among them corrupt ones and one of a newer release`,
              [torn, good, elsewhere, newer],
              key,
              [expected, record("fo1_good"), expected, "UnsupportedVersion"]
            )
          }
          if (key !== "manual") yield* put(torn, key, record("fo1_healed"))
        }
      })),

    check(
      "a record of another place is absent where it was copied to, and the next write heals it",
      1,
      ([name = ""]) =>
        Effect.gen(function*() {
          for (const key of ["cached", "org"] as const) {
            for (const place of [{ name: "another", key }, { name, key: "manual" }, { name: "another" }]) {
              yield* plant(name, key, textOf(place))
              yield* same(`a ${key} record of another place counts as absent`, yield* read(name, key), null)
              yield* plant(name, key, textOf(place))
              yield* put(name, key, record("fo1_healed", { fence: 3 }))
              yield* holds("it can be written, whatever its fence", name, key, record("fo1_healed", { fence: 3 }))
              yield* Storage.use((storage) => storage.delete(name, key))
            }
          }
        })
    ),

    check("a manual record of another place is kept, with a typed error", 1, ([name = ""]) =>
      Effect.gen(function*() {
        const storage = yield* Storage
        for (const place of [{ name: "another", key: "manual" }, { name, key: "cached" }]) {
          yield* plant(name, "manual", textOf(place))
          const rule = "a manual record of another place fails with Corrupt"
          for (let twice = 0; twice < 2; twice++) {
            yield* failsWith(rule, storage.get(name, "manual"), "Corrupt")
            yield* failsWith(rule, storage.put(name, "manual", record("fo1_x")), "Corrupt")
            yield* failsWith(rule, storage.delete(name, "manual"), "Corrupt")
          }
        }
      })),

    check(
      "a record that does not say of which place it is, is read",
      1,
      ([name = ""]) =>
        Effect.forEach(keys, (key) =>
          Effect.gen(function*() {
            yield* plant(name, key, textOf({}))
            const planted = record("fo1_planted", { expiresAt: null, savedAt: 0, fence: 9 })
            yield* holds("a record of the first release", name, key, planted)
          }), { discard: true })
    ),

    check("a record of a newer release is kept, with a typed error", 1, ([name = ""]) =>
      Effect.gen(function*() {
        const storage = yield* Storage
        for (const key of keys) {
          yield* plant(name, key, "{\"version\":2,\"secret\":\"fo1_x\"}")
          const rule = "a newer version fails with UnsupportedVersion"
          yield* failsWith(rule, storage.get(name, key), "UnsupportedVersion")
          yield* failsWith(rule, storage.get(name, key), "UnsupportedVersion")
        }
        yield* failsWith("it is kept", storage.put(name, "manual", record("fo1_x")), "UnsupportedVersion")
      }))
  ]
}
