/** That builds of the layer, as processes have them, share one store. */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { Storage } from "../../services/Storage.ts"
import * as Conformance from "../Conformance.ts"
import { checksOf, holds, keys, plain, put, read, record } from "./Kit.ts"

const { same } = Conformance

/** Several builds of the layer, one after another and at once. */
export const checks = <E>(
  layer: Layer.Layer<Storage, E>,
  { atomic, persistent }: { readonly atomic: boolean; readonly persistent: boolean }
): ReadonlyArray<Conformance.Check> => {
  const check = checksOf(layer)
  const atOnce = check(
    "of writers with different fences at once the newest wins",
    1,
    ([name = ""]) =>
      Effect.gen(function*() {
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
  )

  const persists: ReadonlyArray<Conformance.Check> = [
    check(
      "what one process stored another one reads",
      1,
      ([name = ""]) =>
        Effect.forEach(keys, (key) =>
          Effect.gen(function*() {
            yield* Conformance.apart(put(name, key, record(`fo1_${key}`)), layer)
            const found = yield* Conformance.apart(read(name, key), layer)
            yield* same("another build of the layer reads it", found, plain(record(`fo1_${key}`)))
          }), { discard: true })
    ),

    check("processes that write different apps at once lose nothing", 64, (names) =>
      Effect.gen(function*() {
        yield* Effect.forEach(
          names,
          (name) => Conformance.apart(put(name, "manual", record(`fo1_${name}`)), layer),
          { concurrency: 8 }
        )
        for (const name of names) yield* holds("each record is there", name, "manual", record(`fo1_${name}`))
      }))
  ]

  return [...(atomic ? [atOnce] : []), ...(persistent ? persists : [])]
}
