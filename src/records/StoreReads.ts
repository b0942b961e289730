/** Reads of the store in a run of the chain, within their limit of time. */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Background from "../concurrency/Background.ts"
import type { Gate } from "../concurrency/Gate.ts"
import { TimedOut } from "../services/MissReason.ts"
import type * as RecordKey from "../services/RecordKey.ts"
import type { Storage, StoredToken } from "../services/Storage.ts"
import type { Candidate, TokenRequest } from "../services/TokenSource.ts"
import { FlyToken } from "../token/FlyToken.ts"
import * as GatheredReads from "./GatheredReads.ts"
import { storageFailed, type WriteReason } from "./WriteBehind.ts"

export interface StoreReads {
  /** Reads a record, for a run of the chain. */
  readonly read: (
    key: RecordKey.RecordKey,
    run: TokenRequest["before"]
  ) => Effect.Effect<Option.Option<StoredToken>, WriteReason>
  /** Whether a read of this run has timed out: the others are left out, they would only add to the wait. */
  readonly hasTimedOut: (run: TokenRequest["before"]) => boolean
}

export const make = (options: {
  readonly storage: Storage["Service"]
  readonly gate: Gate
  readonly limitMillis: number
  /** Given, reads that wait for the store are taken together if it can read many records at once. */
  readonly fork?: Background.Background["fork"]
}): StoreReads => {
  const { fork, gate, limitMillis, storage } = options
  const slow = new WeakSet<TokenRequest["before"]>()
  const access = fork === undefined || storage.getMany === undefined
    ? ({ kind, name }: RecordKey.RecordKey) =>
      gate.within(Effect.mapError(Effect.suspend(() => storage.get(name, kind)), storageFailed))
    : GatheredReads.make({ storage, gate, fork })
  return {
    hasTimedOut: (run) => slow.has(run),
    read: Effect.fnUntraced(function*(key, run) {
      if (slow.has(run)) return yield* new TimedOut({ option: "storageTimeout", limitMillis })
      return yield* Effect.tapError(access(key), (reason) =>
        Effect.sync(() => {
          if (reason._tag === "TimedOut") slow.add(run)
        }))
    })
  }
}

/** What a record that another process or an earlier run left is as a candidate. */
export const candidateOf = (record: StoredToken): Candidate => {
  const token = FlyToken.make(record.token)
  // What a token does not say of its end, the source that it is from may have known.
  const isToldByRecord = token.expiresAt === null && record.expiresAt !== null
  return {
    token,
    acquiredAt: record.savedAt,
    ...(isToldByRecord ? { expiresAt: record.expiresAt } : {}),
    from: "storage",
    ...(record.fence === undefined ? {} : { fence: record.fence }),
    ...(record.org === undefined ? {} : { org: record.org })
  }
}
