/** That an older record does not replace a newer one. */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { Storage } from "../../services/Storage.ts"
import type * as Conformance from "../Conformance.ts"
import { checksOf, earlier, failsWith, holds, later, put, record } from "./Kit.ts"

/** Fences, one after another. */
export const checks = <E>(layer: Layer.Layer<Storage, E>): ReadonlyArray<Conformance.Check> => {
  const check = checksOf(layer)
  return [
    check(
      "an older fence is refused, a newer one and none are not",
      1,
      ([name = ""]) =>
        Effect.forEach(["cached", "org"] as const, (key) =>
          Effect.gen(function*() {
            const rule = "an older fence fails with Superseded"
            yield* put(name, key, record("fo1_7", { fence: 7 }))
            yield* failsWith(rule, put(name, key, record("fo1_6", { fence: 6 })), "Superseded")
            yield* holds("the newer record stays", name, key, record("fo1_7", { fence: 7 }))
            yield* put(name, key, record("fo1_7b", { fence: 7 }))
            yield* holds("the same fence may write again", name, key, record("fo1_7b", { fence: 7 }))
            yield* put(name, key, record("fo1_8", { fence: 8 }))
            yield* holds("a newer fence replaces it", name, key, record("fo1_8", { fence: 8 }))
            yield* put(name, key, record("fo1_none"))
            yield* holds("without a fence there is nothing to compare", name, key, record("fo1_none"))
            yield* put(name, key, record("fo1_2", { fence: 2 }))
            yield* holds("nor with a record that has none", name, key, record("fo1_2", { fence: 2 }))
            yield* Storage.use((storage) => storage.delete(name, key))
            yield* put(name, key, record("fo1_1", { fence: 1 }))
            yield* holds("nor with one that was deleted", name, key, record("fo1_1", { fence: 1 }))
          }), { discard: true })
    ),

    check(
      "a record that has expired, or comes from the future, holds nobody up",
      1,
      ([name = ""]) =>
        Effect.gen(function*() {
          yield* put(name, "cached", record("fo1_old", { fence: 9, expiresAt: earlier + 1 }))
          yield* put(name, "cached", record("fo1_new", { fence: 8 }))
          yield* holds("an expired record has no fence", name, "cached", record("fo1_new", { fence: 8 }))
          yield* put(name, "org", record("fo1_future", { fence: 9, savedAt: later - 1 }))
          yield* put(name, "org", record("fo1_now", { fence: 8 }))
          yield* holds("a clock that was set back blocks no write", name, "org", record("fo1_now", { fence: 8 }))
        })
    )
  ]
}
