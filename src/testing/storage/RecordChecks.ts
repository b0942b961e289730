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
  keeps,
  keys,
  put,
  read,
  record,
  remove,
  secret
} from "./Kit.ts"

const { hold, same } = Conformance

/** A token's alphabet and length. */
const longText = `FlyV1 fm2_${"lJPECAAAAAAA+/=_-,".repeat(290)}`

/** All that breaks careless encoding. */
const oddText = "a\"b\\c\n\r\t'%_*[]{}$1 ${x} €\u0000\u2028😀"

/** Records, names, lists, bad input. */
export const checks = <E>(layer: Layer.Layer<Storage, E>, apps: number): ReadonlyArray<Conformance.Check> => {
  const check = checksOf(layer)
  return [
    check("a record that was never stored is absent, and deleting it is no error", 1, function*(name) {
      for (const key of keys) {
        yield* holds(`get of an absent ${key} record answers none`, name, key, null)
        yield* remove(name, key)
      }
    }),

    check("every field of a record comes back as it was, under every key", 9, function*(...names) {
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
    }),

    check("names and keys are independent of each other", 2, function*(...names) {
      const all = names.flatMap((name) => keys.map((key) => ({ name, key, stored: record(`fo1_${name}_${key}`) })))
      for (const { key, name, stored } of all) yield* put(name, key, stored)
      const [deleted, ...others] = all
      yield* remove(deleted!.name, deleted!.key)
      yield* holds("the deleted record is gone", deleted!.name, deleted!.key, null)
      for (const { key, name, stored } of others) {
        yield* holds(`deleting one record leaves ${key} of ${name}`, name, key, stored)
      }
    }),

    check("a record is overwritten as a whole", 1, function*(name) {
      for (const key of keys) {
        yield* put(name, key, record(longText, { fence: 5 }))
        yield* keeps("nothing of the old record is left", name, key, record("fo1_short", { expiresAt: null }))
      }
    }),

    check("getMany answers for each name what get does", 3, function*(one, two, absent) {
      const first = (key: StorageKey) => record(`fo1_${key}`, { fence: 2, org: "acme" })
      const second = record(oddText, { expiresAt: null })
      for (const key of keys) {
        yield* put(one, key, first(key))
        yield* put(two, key, second)
      }
      for (const key of keys) {
        yield* answersMany(
          `of ${key} records, also for a name twice, for one without a record and for what is no name`,
          [two, absent, one, "a/b", two],
          key,
          [second, null, first(key), "InvalidName", second]
        )
        yield* answersMany("of no names", [], key, [])
      }
    }),

    check("list has the names of one key", 3, function*(one, two, three) {
      yield* put(one, "cached", record("fo1_x"))
      yield* put(two, "cached", record("fo1_x"))
      yield* put(three, "manual", record("fo1_x"))
      yield* put(two, "org", record("fo1_x"))
      yield* remove(two, "org")
      const storage = yield* Storage
      for (const [key, listed] of [["cached", [one, two]], ["manual", [three]], ["org", []]] as const) {
        const all = yield* storage.list(key)
        yield* same(`list of ${key}`, all.filter((name) => [one, two, three].includes(name)).sort(), listed)
      }
    }),

    check(`${apps} apps at once`, apps, function*(...names) {
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
    }),

    check("names of one letter and of 63", 1, function*(name) {
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
        Effect.forEach(names, (each) => Effect.ignore(remove(each, "org")), { discard: true })
      )
    }),

    check("what cannot name an app is refused, and the error holds no secret", 0, function*() {
      const rule = "a name that no app has fails with InvalidName"
      for (const name of ["", ".", "..", "../x", "a/b", "-a", "a-", "A", "a b", "a\u0000", "x".repeat(64)]) {
        yield* failsWith(rule, read(name), "InvalidName")
        yield* failsWith(rule, remove(name, "cached"), "InvalidName")
        yield* failsWith(rule, put(name, "cached", record(secret)), "InvalidName")
      }
    }),

    check("a record that is none is refused, the one before stays, and the error holds no secret", 1, function*(name) {
      yield* put(name, "cached", record("fo1_good"))
      const bad = [
        record(""),
        record(secret, { expiresAt: Number.NaN }),
        record(secret, { expiresAt: Number.POSITIVE_INFINITY }),
        record(secret, { savedAt: 1e300 }),
        record(secret, { fence: 1.5 })
      ]
      for (const each of bad) {
        yield* failsWith("it fails with InvalidRecord", put(name, "cached", each), "InvalidRecord")
      }
      yield* holds("the record before stays", name, "cached", record("fo1_good"))
    }),

    check(
      "writers of one record at once leave one of their records, and readers never see half of one",
      1,
      function*(name) {
        const texts = Array.from({ length: 24 }, (_, n) => `fo1_${n}_${String(n % 10).repeat(1 + 200 * (n % 7))}`)
        yield* put(name, "cached", record(texts[0]!))
        const writing = Effect.forEach(texts, (text) => put(name, "cached", record(text)), { concurrency: 8 })
        const reading = Effect.forEach(texts, () => read(name), { concurrency: 4 })
        const [seen] = yield* Effect.all([reading, writing], { concurrency: 2 })
        for (const found of [...seen, yield* read(name)]) {
          yield* hold("a read answers a whole record", texts.includes(String(found?.[0])), found)
        }
      }
    )
  ]
}
