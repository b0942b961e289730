/** Which organizations' records hold a token. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Background from "../concurrency/Background.ts"
import type { Gate } from "../concurrency/Gate.ts"
import * as SingleFlight from "../concurrency/SingleFlight.ts"
import * as TimedMap from "../concurrency/TimedMap.ts"
import * as ManyRecords from "../records/ManyRecords.ts"
import { storageFailed, type WriteReason } from "../records/WriteBehind.ts"
import type { Storage } from "../services/Storage.ts"
import type { StorageError } from "../services/TokenError.ts"
import { FlyToken } from "../token/FlyToken.ts"

export interface StoredHolders {
  /** This process put the token there, or took it from there. */
  readonly note: (identity: string, name: string, now: number) => void
  /** The names of the records that hold a token, known or looked for. */
  readonly of: (identity: string, now: number) => Effect.Effect<ReadonlyArray<string>, WriteReason>
}

interface Search {
  readonly found: Map<string, Array<string>>
  /** Why not all was looked at. */
  failure: WriteReason | undefined
}

/**
 * **Details**
 *
 * A token that this process does not know is looked for in all records, within one limit of time. Whoever looks at the
 * same time shares the reading, however many tokens are looked for.
 */
export const make = (options: {
  readonly storage: Storage["Service"]
  /** That of writes. */
  readonly gate: Gate
  readonly background: Background.Background
  readonly limit: { readonly option: string; readonly millis: number }
  /** For how long a token can live. */
  readonly ttlMillis: number
}): StoredHolders => {
  const { background, gate, limit, storage } = options
  const known = TimedMap.make<string>(options.ttlMillis)
  // A write, for those who close the layer: they wait for it.
  const writing = { ...background, fork: background.forkWrite }
  const flight = SingleFlight.make<Search, never>({ fork: background.forkWrite })

  /** What cannot be read keeps nobody from the others. */
  const readPortion = (search: Search, portion: ReadonlyArray<string>) => {
    const onFailure = (error: StorageError | WriteReason) => {
      search.failure ??= error._tag === "StorageError" ? storageFailed(error) : error
    }
    return Effect.match(gate.within(Effect.suspend(() => ManyRecords.read(storage, portion, "org"))), {
      onSuccess: (records) => {
        for (const [name, read] of records) {
          if (Result.isFailure(read)) onFailure(read.failure)
          else if (Option.isSome(read.success)) {
            const { identity } = FlyToken.make(read.success.value.token)
            search.found.set(identity, [...search.found.get(identity) ?? [], name])
          }
        }
      },
      onFailure
    })
  }

  const search = Effect.suspend(() => {
    const search: Search = { found: new Map(), failure: undefined }
    const reading = Effect.suspend(() => storage.list("org")).pipe(
      Effect.mapError(storageFailed),
      Effect.flatMap((names) =>
        // So many at once as the gate lets in.
        Effect.forEach(ManyRecords.portions(storage, names), (portion) => readPortion(search, portion), {
          concurrency: "unbounded",
          discard: true
        })
      )
    )
    return Effect.match(Background.within(writing, reading, limit), {
      onSuccess: () => search,
      // What was found by then counts.
      onFailure: (reason) => ({ ...search, failure: reason })
    })
  })

  return {
    note: (identity, name, now) => known.set(identity, name, now),
    of: Effect.fnUntraced(function*(identity, now) {
      const name = known.get(identity, now)
      if (name !== undefined) return [name]
      const { failure, found } = yield* flight("org", search)
      const names = found.get(identity)
      if (names !== undefined) return names
      return failure === undefined ? [] : yield* Effect.fail(failure)
    })
  }
}
