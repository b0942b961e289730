/**
 * Walking over all records: each is read once, several at the same time, and no more than a bound.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as StoreFindings from "../../src/command/diagnosis/StoreFindings.ts"
import * as Render from "../../src/command/Render.ts"
import type { StandingSettings } from "../../src/command/Standing.ts"
import * as StoredApps from "../../src/command/StoredApps.ts"
import * as StoredRecords from "../../src/command/StoredRecords.ts"
import * as StoredStandings from "../../src/command/StoredStandings.ts"
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

const settings: StandingSettings = {
  chain: sourceNames,
  ttlMillis: 86_400_000,
  softExpiryLeadMillis: 0,
  softExpiryJitter: 0
}

const all = count + count / 2 + 200

const walks: ReadonlyArray<readonly [string, Effect.Effect<unknown, unknown, Storage>, number]> = [
  [
    "list",
    Effect.forEach(StoredRecords.keys, (key) => StoredRecords.mapUnder(key, ({ name }) => name)),
    all
  ],
  [
    "status",
    Effect.gen(function*() {
      yield* StoredStandings.ofApps(yield* StoredApps.stored, 0, settings)
      yield* StoredStandings.ofOrganizations(0, settings)
    }),
    all
  ],
  ["status of named apps", StoredStandings.ofApps(StoredApps.anyOf(names as never), 0, settings), 2 * count],
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
      const found = yield* Effect.provide(StoredRecords.mapUnder("manual", ({ name }) => name), layer)
      assert.deepStrictEqual(found, kept.manual)
      const standings = yield* Effect.provide(
        Effect.flatMap(StoredApps.stored, (apps) => StoredStandings.ofApps(apps, 0, settings)),
        layer
      )
      assert.deepStrictEqual(standings.map(({ app }) => app), names)
      assert.deepStrictEqual(standings.slice(0, 2).map(({ manual }) => manual !== null), [true, false])
    }))

  it("may be more than a call has arguments", () => {
    const records = Array.from({ length: 200_000 }, (_, n): Render.ListedRecord => ({
      name: `app-${n}`,
      kept: "cached",
      problem: "x"
    }))
    assert.lengthOf(Render.records(records, { now: 0, colors: false }).split("\n"), 200_001)
  })
})
