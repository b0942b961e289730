/** Which of several writers wins: by their fences, and between processes. */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { Storage } from "../../services/Storage.ts"
import * as Conformance from "../Conformance.ts"
import { checksOf, earlier, failsWith, holds, keeps, keys, later, put, record, remove } from "./Kit.ts"

/** Fences, one after another and at once, and builds of the layer, as processes have them. */
export const checks = <E>(
  layer: Layer.Layer<Storage, E>,
  { atomic, persistent }: { readonly atomic: boolean; readonly persistent: boolean }
): ReadonlyArray<Conformance.Check> => {
  const check = checksOf(layer)

  const inTurn: ReadonlyArray<Conformance.Check> = [
    check("an older fence is refused, a newer one and none are not", 1, function*(name) {
      for (const key of ["cached", "org"] as const) {
        const rule = "an older fence fails with Superseded"
        yield* put(name, key, record("fo1_7", { fence: 7 }))
        yield* failsWith(rule, put(name, key, record("fo1_6", { fence: 6 })), "Superseded")
        yield* holds("the newer record stays", name, key, record("fo1_7", { fence: 7 }))
        yield* keeps("the same fence may write again", name, key, record("fo1_7b", { fence: 7 }))
        yield* keeps("a newer fence replaces it", name, key, record("fo1_8", { fence: 8 }))
        yield* keeps("without a fence there is nothing to compare", name, key, record("fo1_none"))
        yield* keeps("nor with a record that has none", name, key, record("fo1_2", { fence: 2 }))
        yield* remove(name, key)
        yield* keeps("nor with one that was deleted", name, key, record("fo1_1", { fence: 1 }))
      }
    }),

    check("a record that has expired, or comes from the future, holds nobody up", 1, function*(name) {
      yield* put(name, "cached", record("fo1_old", { fence: 9, expiresAt: earlier + 1 }))
      yield* keeps("an expired record has no fence", name, "cached", record("fo1_new", { fence: 8 }))
      yield* put(name, "org", record("fo1_future", { fence: 9, savedAt: later - 1 }))
      yield* keeps("a clock that was set back blocks no write", name, "org", record("fo1_now", { fence: 8 }))
    })
  ]

  const atOnce = check("of writers with different fences at once the newest wins", 1, function*(name) {
    for (let round = 0; round < 20; round++) {
      const fences = Array.from({ length: 8 }, (_, n) => 1 + ((n * 5 + round) % 8) + round * 8)
      yield* Effect.forEach(
        fences,
        (fence) => Effect.exit(Conformance.apart(put(name, "org", record(`fo1_${fence}`, { fence })), layer)),
        { concurrency: "unbounded" }
      )
      const newest = Math.max(...fences)
      // A layer that does not persist keeps each build's record to itself.
      if (persistent) yield* holds("the newest is left", name, "org", record(`fo1_${newest}`, { fence: newest }))
    }
  })

  const betweenProcesses: ReadonlyArray<Conformance.Check> = [
    check("what one process stored another one reads", 1, function*(name) {
      for (const key of keys) {
        yield* Conformance.apart(put(name, key, record(`fo1_${key}`)), layer)
        const another = holds("another build of the layer reads it", name, key, record(`fo1_${key}`))
        yield* Conformance.apart(another, layer)
      }
    }),

    check("processes that write different apps at once lose nothing", 64, function*(...names) {
      yield* Effect.forEach(
        names,
        (name) => Conformance.apart(put(name, "manual", record(`fo1_${name}`)), layer),
        { concurrency: 8 }
      )
      for (const name of names) yield* holds("each record is there", name, "manual", record(`fo1_${name}`))
    })
  ]

  return [...inTurn, ...(atomic ? [atOnce] : []), ...(persistent ? betweenProcesses : [])]
}
