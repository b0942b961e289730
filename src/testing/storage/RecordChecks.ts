/** That records come back as they were. */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { Storage, type StorageKey } from "../../services/Storage.ts"
import * as Conformance from "../Conformance.ts"
import {
  answersMany,
  checksOf,
  earlier,
  failsWith,
  holds,
  holdsNoSecret,
  keys,
  longText,
  oddText,
  put,
  read,
  record
} from "./Kit.ts"

const { failure, hold, same } = Conformance

/** Records, names, lists, bad input. */
export const checks = <E>(layer: Layer.Layer<Storage, E>, apps: number): ReadonlyArray<Conformance.Check> => {
  const check = checksOf(layer)
  return [
    check(
      "a record that was never stored is absent, and deleting it is no error",
      1,
      ([name = ""]) =>
        Effect.forEach(keys, (key) =>
          Effect.gen(function*() {
            yield* same(`get of an absent ${key} record answers none`, yield* read(name, key), null)
            yield* Storage.use((storage) => storage.delete(name, key))
          }), { discard: true })
    ),

    check("every field of a record comes back as it was, under every key", 9, (names) =>
      Effect.gen(function*() {
        const records = [
          record("fo1_a"),
          record("fo1_b", { expiresAt: null }),
          record("fo1_c", { source: "manual", savedAt: 0 }),
          record("fo1_d", { source: "env", savedAt: earlier + 1 }),
          record("fo1_e", { source: "config", fence: 1 }),
          record("fo1_f", { source: "storage", fence: Number.MAX_SAFE_INTEGER }),
          record("fo1_g", { org: "acme" }),
          record(longText),
          record(oddText)
        ]
        for (const key of keys) {
          for (const [n, stored] of records.entries()) yield* put(names[n]!, key, stored)
          for (const [n, stored] of records.entries()) {
            yield* holds(`record ${n} under ${key} comes back whole`, names[n]!, key, stored)
          }
        }
      })),

    check("names and keys are independent of each other", 2, ([one = "", two = ""]) =>
      Effect.gen(function*() {
        for (const name of [one, two]) {
          for (const key of keys) yield* put(name, key, record(`fo1_${name}_${key}`))
        }
        yield* Storage.use((storage) => storage.delete(one, "cached"))
        yield* same("the deleted record is gone", yield* read(one, "cached"), null)
        for (
          const [name, key] of [[one, "manual"], [one, "org"], [two, "cached"], [two, "manual"], [two, "org"]] as const
        ) {
          yield* holds(`deleting one record leaves ${key} of ${name}`, name, key, record(`fo1_${name}_${key}`))
        }
      })),

    check(
      "a record is overwritten as a whole",
      1,
      ([name = ""]) =>
        Effect.forEach(keys, (key) =>
          Effect.gen(function*() {
            yield* put(name, key, record(longText, { fence: 5 }))
            yield* put(name, key, record("fo1_short", { expiresAt: null }))
            yield* holds("nothing of the old record is left", name, key, record("fo1_short", { expiresAt: null }))
          }), { discard: true })
    ),

    check(
      "getMany answers for each name what get does",
      3,
      ([one = "", two = "", absent = ""]) =>
        Effect.gen(function*() {
          for (const key of keys) {
            yield* put(one, key, record(`fo1_${key}`, { fence: 2, org: "acme" }))
            yield* put(two, key, record(oddText, { expiresAt: null }))
          }
          for (const key of keys) {
            const first = record(`fo1_${key}`, { fence: 2, org: "acme" })
            const second = record(oddText, { expiresAt: null })
            yield* answersMany(
              `of ${key} records, also for a name twice, for one without a record and for what is no name`,
              [two, absent, one, "a/b", two],
              key,
              [second, null, first, "InvalidName", second]
            )
            yield* answersMany("of no names", [], key, [])
          }
        })
    ),

    check("list has the names of one key", 3, ([one = "", two = "", three = ""]) =>
      Effect.gen(function*() {
        yield* put(one, "cached", record("fo1_x"))
        yield* put(two, "cached", record("fo1_x"))
        yield* put(three, "manual", record("fo1_x"))
        yield* put(two, "org", record("fo1_x"))
        yield* Storage.use((storage) => storage.delete(two, "org"))
        const own = (key: StorageKey) =>
          Storage.use((storage) =>
            Effect.map(storage.list(key), (all) => all.filter((each) => [one, two, three].includes(each)).sort())
          )
        yield* same("list of cached", yield* own("cached"), [one, two])
        yield* same("list of manual", yield* own("manual"), [three])
        yield* same("list of org, where one was deleted", yield* own("org"), [])
      })),

    check(`${apps} apps at once`, apps, (names) =>
      Effect.gen(function*() {
        const storage = yield* Storage
        yield* Effect.forEach(names, (name) => put(name, "cached", record(`fo1_${name}`)), { concurrency: 16 })
        const listed = new Set(yield* storage.list("cached"))
        yield* same("names that are not listed", names.filter((name) => !listed.has(name)), [])
        const wrong = yield* Effect.filter(
          names,
          (name) => Effect.map(read(name), (found) => found?.[0] !== `fo1_${name}`),
          { concurrency: 16 }
        )
        yield* same("names with another token than theirs", wrong, [])
        yield* answersMany("getMany answers for all", names, "cached", names.map((name) => record(`fo1_${name}`)))
      })),

    check("names of one letter and of 63", 1, ([name = ""]) =>
      Effect.gen(function*() {
        const storage = yield* Storage
        const letters = [..."abcdefghijklmnopqrstuvwxyz"]
        const used = new Set(yield* storage.list("org"))
        const start = Math.floor(Math.random() * letters.length)
        // A letter that nobody uses, if there is one.
        const letter = [...letters.slice(start), ...letters.slice(0, start)].find((each) => !used.has(each))
        const names = [...(letter === undefined ? [] : [letter]), name.padEnd(63, "x"), name.padEnd(62, "x")]
        yield* Effect.ensuring(
          Effect.gen(function*() {
            for (const each of names) yield* put(each, "org", record(`fo1_${each}`))
            for (const each of names) yield* holds("each has its own record", each, "org", record(`fo1_${each}`))
          }),
          Effect.forEach(names, (each) => Effect.ignore(storage.delete(each, "org")), { discard: true })
        )
      })),

    check("what cannot name an app is refused, and the error holds no secret", 0, () =>
      Effect.gen(function*() {
        const storage = yield* Storage
        const rule = "a name that no app has fails with InvalidName"
        for (const name of ["", ".", "..", "../x", "a/b", "-a", "a-", "A", "a b", "a\u0000", "x".repeat(64)]) {
          yield* failsWith(rule, storage.get(name, "cached"), "InvalidName")
          yield* failsWith(rule, storage.delete(name, "cached"), "InvalidName")
          const error = yield* failure(rule, storage.put(name, "cached", record("fo1_secret-of-a-check")))
          yield* same(rule, error.kind, "InvalidName")
          yield* holdsNoSecret(error, "secret-of-a-check")
        }
      })),

    check(
      "a record that is none is refused, the one before stays, and the error holds no secret",
      1,
      ([name = ""]) =>
        Effect.gen(function*() {
          const storage = yield* Storage
          const rule = "it fails with InvalidRecord"
          yield* put(name, "cached", record("fo1_good"))
          const bad = [
            record(""),
            record("fo1_secret-of-a-check", { expiresAt: Number.NaN }),
            record("fo1_secret-of-a-check", { expiresAt: Number.POSITIVE_INFINITY }),
            record("fo1_secret-of-a-check", { savedAt: 1e300 }),
            record("fo1_secret-of-a-check", { fence: 1.5 })
          ]
          for (const each of bad) {
            const error = yield* failure(rule, storage.put(name, "cached", each))
            yield* same(rule, error.kind, "InvalidRecord")
            yield* holdsNoSecret(error, "secret-of-a-check")
          }
          yield* holds("the record before stays", name, "cached", record("fo1_good"))
        })
    ),

    check(
      "writers of one record at once leave one of their records, and readers never see half of one",
      1,
      ([name = ""]) =>
        Effect.gen(function*() {
          const texts = Array.from({ length: 24 }, (_, n) => `fo1_${n}_${String(n % 10).repeat(1 + 200 * (n % 7))}`)
          yield* put(name, "cached", record(texts[0]!))
          const writing = Effect.forEach(texts, (text) => put(name, "cached", record(text)), { concurrency: 8 })
          const reading = Effect.forEach(texts, () => read(name), { concurrency: 4 })
          const [seen] = yield* Effect.all([reading, writing], { concurrency: 2 })
          const last = yield* read(name)
          for (const found of [...seen, last]) {
            yield* hold("a read answers a whole record", texts.includes(String(found?.[0])), found)
          }
        })
    )
  ]
}
