/** Reads that wait for the store are taken together, where the store can read many records at once. */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Option from "effect/Option"
import * as Background from "../concurrency/Background.ts"
import type { Gate } from "../concurrency/Gate.ts"
import * as Turns from "../concurrency/Turns.ts"
import type { Defect, StorageFailed, TimedOut } from "../services/MissReason.ts"
import type * as RecordKey from "../services/RecordKey.ts"
import type { Storage, StorageKey, StoredToken, StoredTokens } from "../services/Storage.ts"
import * as StorageAnswers from "../services/StorageAnswers.ts"
import * as ManyRecords from "./ManyRecords.ts"
import { storageFailed } from "./WriteBehind.ts"

type Reason = StorageFailed | TimedOut | Defect

interface Gathering {
  readonly names: Set<string>
  waiting: number
  fiber: Fiber.Fiber<StoredTokens, Reason> | undefined
}

/**
 * **Details**
 *
 * A read that finds a place in the gate begins at once, by itself. Those that find none wait together, by key, for the
 * next one: what they gather is one access, with one limit of time from its beginning. It is nobody's own, and is
 * interrupted when the last one goes away who waits for it.
 */
export const make = (options: {
  readonly storage: Storage["Service"]
  readonly gate: Gate
  readonly fork: Background.Background["fork"]
}): (key: RecordKey.RecordKey) => Effect.Effect<Option.Option<StoredToken>, Reason> => {
  const { fork, gate, storage } = options
  const gatherings = new Map<StorageKey, Gathering>()
  const { join } = Turns.make(fork)

  const close = (kind: StorageKey, gathering: Gathering) => {
    if (gatherings.get(kind) === gathering) gatherings.delete(kind)
  }

  const begin = ({ kind, name }: RecordKey.RecordKey): Gathering => {
    const gathering: Gathering = { names: new Set([name]), waiting: 0, fiber: undefined }
    gatherings.set(kind, gathering)
    const reading = Effect.suspend(() => {
      close(kind, gathering)
      return Effect.mapError(ManyRecords.read(storage, [...gathering.names], kind), storageFailed)
    })
    gathering.fiber = fork(gate.within(reading))
    // One that ended without a place is joined by nobody any more.
    gathering.fiber.addObserver(() => close(kind, gathering))
    return gathering
  }

  const enter = ({ kind, name }: RecordKey.RecordKey): Gathering => {
    const present = gatherings.get(kind)
    if (present === undefined || present.names.size >= ManyRecords.atOnce) return begin({ kind, name })
    present.names.add(name)
    return present
  }

  return ({ kind, name }) =>
    Effect.suspend(() => {
      const gathering = enter({ kind, name })
      const fiber = gathering.fiber!
      gathering.waiting++
      const leave = Effect.sync(() => {
        if (--gathering.waiting === 0) fiber.interruptUnsafe()
      })
      return Effect.exit(Effect.onInterrupt(join(fiber), () => leave)).pipe(
        Effect.flatMap(Background.typed),
        Effect.flatMap((records) => Effect.mapError(StorageAnswers.recordAmong(records, name), storageFailed))
      )
    })
}
