/** Reads of the store in a run of the chain, within their limit of time. */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Background from "../concurrency/Background.ts"
import type { Gate } from "../concurrency/Gate.ts"
import type { Candidate, ChainRequest } from "../resolver/Chain.ts"
import { TimedOut } from "../services/MissReason.ts"
import type { Storage, StorageKey, StoredToken } from "../services/Storage.ts"
import { FlyToken } from "../token/FlyToken.ts"
import * as GatheredReads from "./GatheredReads.ts"
import { storageFailed, type WriteReason } from "./PendingWrites.ts"

/** Reads a record. After one time-out the other reads of the same run are left out: they would only add to the wait. */
export type StoreReads = (
  request: Pick<ChainRequest, "storageTimedOut">,
  name: string,
  key: StorageKey
) => Effect.Effect<Option.Option<StoredToken>, WriteReason>

export const make = (options: {
  readonly storage: Storage["Service"]
  readonly gate: Gate
  readonly limitMillis: number
  /** Given, reads that wait for the store are taken together if it can read many records at once. */
  readonly fork?: Background.Background["fork"]
}): StoreReads => {
  const { fork, gate, limitMillis, storage } = options
  const access = fork === undefined || storage.getMany === undefined
    ? (name: string, key: StorageKey) =>
      gate.within(Effect.mapError(Effect.suspend(() => storage.get(name, key)), storageFailed))
    : GatheredReads.make({ storage, gate, fork })
  return Effect.fnUntraced(function*(request, name, key) {
    if (request.storageTimedOut) return yield* new TimedOut({ option: "storageTimeout", limitMillis })
    return yield* Effect.tapError(access(name, key), (reason) =>
      Effect.sync(() => {
        if (reason._tag === "TimedOut") request.storageTimedOut = true
      }))
  })
}

/** What a record that another process or an earlier run left is as a candidate. */
export const candidateOf = (record: StoredToken): Candidate => ({
  token: FlyToken.make(record.token),
  acquiredAt: record.savedAt,
  takenFrom: "storage",
  ...(record.fence === undefined ? {} : { fence: record.fence })
})
