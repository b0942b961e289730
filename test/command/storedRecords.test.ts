/**
 * Walking over all records: each is read once, several at the same time, and no more than a bound.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as List from "../../src/command/commands/List.ts"
import * as Status from "../../src/command/commands/Status.ts"
import * as StoreFindings from "../../src/command/doctor/StoreFindings.ts"
import * as StoredRecords from "../../src/command/StoredRecords.ts"
import { sourceNames, Storage, type StorageKey } from "../../src/index.ts"

const count = 500
const names = Array.from({ length: count }, (_, n) => `app-${String(n).padStart(4, "0")}`)

/** A store in which half of the apps have a manual token too, and every access takes a while. */
const counting = () => {
  const reads = new Map<string, number>()
  const flight = { now: 0, most: 0 }
  const kept: Record<StorageKey, ReadonlyArray<string>> = {
    cached: names,
    manual: names.filter((_, n) => n % 2 === 0),
    org: names.slice(0, 200)
  }
  const layer = Layer.succeed(Storage)({
    list: (key) => Effect.succeed(kept[key]),
    get: (name, key) =>
      Effect.gen(function*() {
        const place = `${key}/${name}`
        reads.set(place, (reads.get(place) ?? 0) + 1)
        flight.now++
        flight.most = Math.max(flight.most, flight.now)
        // Others come to run; an access that is under way is counted.
        for (let n = 0; n < 3; n++) yield* Effect.yieldNow
        flight.now--
        if (!kept[key].includes(name)) return Option.none()
        return Option.some({ token: Redacted.make(`fo1_${name}`), expiresAt: null, source: "cli" as const, savedAt: 0 })
      }),
    put: () => Effect.die("not used"),
    delete: () => Effect.die("not used")
  })
  return { kept, reads, flight, layer }
}

const settings: Status.Settings = {
  chain: sourceNames,
  ttlMillis: 86_400_000,
  softExpiryLeadMillis: 0,
  softExpiryJitter: 0
}

const all = count + count / 2 + 200

const walks: ReadonlyArray<readonly [string, Effect.Effect<unknown, unknown, Storage>, number]> = [
  [
    "list",
    Effect.forEach(StoredRecords.keys, (key) => StoredRecords.map(key, ({ name }) => name)),
    all
  ],
  [
    "status",
    Status.read(undefined, 0, settings),
    all
  ],
  ["status of named apps", Status.read(names as never, 0, settings), 2 * count],
  ["doctor", StoreFindings.list, all]
]

describe("all records", () => {
  it.effect.each(walks)(
    "of %s are read once each, many at once and not too many",
    ([, walk, expected]) =>
      Effect.gen(function*() {
        const { flight, layer, reads } = counting()
        yield* Effect.provide(walk, layer)
        assert.strictEqual(reads.size, expected)
        assert.deepStrictEqual([...reads.values()].filter((times) => times !== 1), [])
        assert.strictEqual(flight.most, StoredRecords.atOnce)
      })
  )

  it.effect("come in the order of their names, apps with what they have", () =>
    Effect.gen(function*() {
      const { kept, layer } = counting()
      const found = yield* Effect.provide(StoredRecords.map("manual", ({ name }) => name), layer)
      assert.deepStrictEqual(found, kept.manual)
      const { apps } = yield* Effect.provide(Status.read(undefined, 0, settings), layer)
      assert.deepStrictEqual(apps.map(({ app }) => app), names)
      assert.deepStrictEqual(apps.slice(0, 2).map(({ manual }) => manual !== null), [true, false])
    }))

  it("may be more than a call has arguments", () => {
    const records = Array.from({ length: 200_000 }, (_, n): List.Row => ({
      name: `app-${n}`,
      kept: "cached",
      problem: "x"
    }))
    assert.lengthOf(List.table(records, { now: 0, colors: false }).split("\n"), 200_001)
  })
})
