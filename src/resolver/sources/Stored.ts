/** The app's record in the store, where this program or another one left a token. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as StoreReads from "../../records/StoreReads.ts"
import { NotFound } from "../../services/MissReason.ts"
import * as RecordKey from "../../services/RecordKey.ts"
import type { TokenSource } from "../../services/TokenSource.ts"

const notStored = new NotFound({ what: "no stored token" })

export const make = ({ read }: Pick<StoreReads.StoreReads, "read">): TokenSource => ({
  name: "storage",
  acquire: ({ key, misses }) =>
    Effect.flatMap(
      read(RecordKey.cached(key), misses),
      (record) => Option.isSome(record) ? Effect.succeed(StoreReads.candidateOf(record.value)) : Effect.fail(notStored)
    )
})
