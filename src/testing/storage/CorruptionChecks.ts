/** What becomes of texts that are no records. */
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { Storage, StorageKey } from "../../services/Storage.ts"
import type * as Conformance from "../Conformance.ts"
import { answersMany, checksOf, failsWith, holds, keeps, keys, put, read, record, remove } from "./Kit.ts"

const corrupt = ["", "{", "null", "[]", "{\"version\":1}", "\u0001\u0001", "{\"version\":1,\"token\":\"\"}"]

/** A record with a token, of a place or, as the first release wrote it, of none. */
const textOf = (place: { readonly name?: string; readonly key?: string }) =>
  JSON.stringify({ version: 1, ...place, token: "fo1_planted", expiresAt: null, source: "cli", savedAt: 0, fence: 9 })

type Plant = (name: string, key: StorageKey, text: string) => Effect.Effect<void, unknown>

const heals = (plant: Plant, texts: (name: string, key: StorageKey) => ReadonlyArray<string>) =>
  function*(name: string): Effect.fn.Return<void, unknown, Storage> {
    for (const key of ["cached", "org"] as const) {
      for (const text of texts(name, key)) {
        yield* plant(name, key, text)
        yield* holds(`such a ${key} record counts as absent`, name, key, null)
        yield* plant(name, key, text)
        yield* keeps("it can be written, whatever its fence", name, key, record("fo1_healed", { fence: 3 }))
      }
    }
  }

const staysManual = (plant: Plant, texts: (name: string) => ReadonlyArray<string>) =>
  function*(name: string): Effect.fn.Return<void, unknown, Storage> {
    for (const text of texts(name)) {
      yield* plant(name, "manual", text)
      for (let twice = 0; twice < 2; twice++) {
        yield* failsWith("such a record fails with Corrupt", read(name, "manual"), "Corrupt")
        yield* failsWith("nothing is written over it", put(name, "manual", record("fo1_x")), "Corrupt")
        yield* failsWith("it is not deleted", remove(name, "manual"), "Corrupt")
      }
    }
  }

/** Texts that are planted where records are. */
export const checks = <E>(
  layer: Layer.Layer<Storage, E>,
  plant: Plant
): ReadonlyArray<Conformance.Check> => {
  const check = checksOf(layer)
  return [
    check("a corrupt cached record is absent, and the next write heals it", 1, heals(plant, () => corrupt)),

    check("a corrupt manual record is kept, with a typed error", 1, staysManual(plant, () => corrupt)),

    check("getMany: a record that cannot be read fails none of the others", 4, function*(good, torn, elsewhere, newer) {
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
    }),

    check(
      "a record of another place is absent where it was copied to, and the next write heals it",
      1,
      heals(plant, (name, key) => [{ name: "another", key }, { name, key: "manual" }, { name: "another" }].map(textOf))
    ),

    check(
      "a manual record of another place is kept, with a typed error",
      1,
      staysManual(plant, (name) => [{ name: "another", key: "manual" }, { name, key: "cached" }].map(textOf))
    ),

    check("a record that does not say of which place it is, is read", 1, function*(name) {
      for (const key of keys) {
        yield* plant(name, key, textOf({}))
        const planted = record("fo1_planted", { expiresAt: null, savedAt: 0, fence: 9 })
        yield* holds("a record of the first release", name, key, planted)
      }
    }),

    check("a record of a newer release is kept, with a typed error", 1, function*(name) {
      for (const key of keys) {
        yield* plant(name, key, "{\"version\":2,\"secret\":\"fo1_x\"}")
        const rule = "a newer version fails with UnsupportedVersion"
        yield* failsWith(rule, read(name, key), "UnsupportedVersion")
        yield* failsWith(rule, read(name, key), "UnsupportedVersion")
      }
      yield* failsWith("it is kept", put(name, "manual", record("fo1_x")), "UnsupportedVersion")
    })
  ]
}
