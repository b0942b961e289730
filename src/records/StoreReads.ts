/** Reads of the store in a run of the chain, within their limit of time. */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Option from "effect/Option"
import * as Background from "../concurrency/Background.ts"
import type { Gate } from "../concurrency/Gate.ts"
import * as Turns from "../concurrency/Turns.ts"
import { TimedOut } from "../services/MissReason.ts"
import type { RecordKey } from "../services/RecordKey.ts"
import type { Storage, StorageKey, StoredToken, StoredTokens } from "../services/Storage.ts"
import * as StorageAnswers from "../services/StorageAnswers.ts"
import type { Candidate, TokenRequest } from "../services/TokenSource.ts"
import { FlyToken } from "../token/FlyToken.ts"
import * as StoreAccess from "./StoreAccess.ts"

type Read = (key: RecordKey) => Effect.Effect<Option.Option<StoredToken>, StoreAccess.AccessReason>

export interface StoreReads {
  /** Reads a record, for a run of the chain. */
  readonly read: (key: RecordKey, run: TokenRequest["misses"]) => ReturnType<Read>
  /** Whether a read of this run has timed out: the others are left out, they would only add to the wait. */
  readonly hasTimedOut: (run: TokenRequest["misses"]) => boolean
}

interface Options {
  readonly storage: Storage["Service"]
  readonly gate: Gate
  readonly fork: Background.Background["fork"]
}

interface Gathering {
  readonly names: Set<string>
  waiting: number
  fiber: Fiber.Fiber<StoredTokens, StoreAccess.AccessReason> | undefined
}

/**
 * Reads that wait for the store are taken together, where it can read many records at once.
 *
 * **Details**
 *
 * A read that finds a place in the gate begins at once, by itself. Those that find none wait together, by key, for the
 * next one: what they gather is one access, with one limit of time from its beginning. It is nobody's own, and is
 * interrupted when the last one goes away who waits for it.
 */
export const gathering = ({ fork, gate, storage }: Options): Read => {
  const gatherings = new Map<StorageKey, Gathering>()
  const { join } = Turns.make(fork)

  const close = (kind: StorageKey, gathering: Gathering) => {
    if (gatherings.get(kind) === gathering) gatherings.delete(kind)
  }

  const enter = ({ kind, name }: RecordKey): Gathering => {
    const present = gatherings.get(kind)
    if (present !== undefined && present.names.size < StoreAccess.atOnce) {
      present.names.add(name)
      return present
    }
    const gathering: Gathering = { names: new Set([name]), waiting: 0, fiber: undefined }
    gatherings.set(kind, gathering)
    const reading = Effect.suspend(() => {
      close(kind, gathering)
      return Effect.mapError(StoreAccess.readMany(storage, [...gathering.names], kind), StoreAccess.storageFailed)
    })
    gathering.fiber = fork(gate.within(reading))
    // One that ended without a place is joined by nobody any more.
    gathering.fiber.addObserver(() => close(kind, gathering))
    return gathering
  }

  return (key) =>
    Effect.suspend(() => {
      const gathering = enter(key)
      const fiber = gathering.fiber!
      gathering.waiting++
      const leave = Effect.sync(() => {
        if (--gathering.waiting === 0) fiber.interruptUnsafe()
      })
      return Effect.exit(Effect.onInterrupt(join(fiber), () => leave)).pipe(
        Effect.flatMap(Background.typed),
        Effect.flatMap((records) =>
          Effect.mapError(StorageAnswers.recordAmong(records, key.name), StoreAccess.storageFailed)
        )
      )
    })
}

export const make = (options: Options & { readonly limitMillis: number }): StoreReads => {
  const { limitMillis, storage } = options
  /** A run is known by its array of misses, which is one from its first source to its last. */
  const slow = new WeakSet<TokenRequest["misses"]>()
  const access = storage.getMany === undefined ? StoreAccess.reading(storage, options.gate) : gathering(options)
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
