/**
 * Which organizations' records hold a token.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Storage } from "../../services/Storage.ts"
import { FlyToken } from "../../token/FlyToken.ts"
import * as SingleFlight from "../SingleFlight.ts"
import * as Background from "./Background.ts"
import { storageFailed, type WriteReason } from "./PendingWrites.ts"
import type { StoreReads } from "./StoreReads.ts"
import * as TimedMap from "./TimedMap.ts"

/**
 * @category models
 * @since 0.1.0
 * @stability stable
 */
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
 *
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const make = (options: {
  readonly storage: Storage["Service"]
  /** That of writes: closing the layer waits for them. */
  readonly read: StoreReads
  readonly background: Background.Background
  readonly limit: { readonly option: string; readonly millis: number }
  /** For how long a token can live. */
  readonly ttlMillis: number
}): StoredHolders => {
  const { background, limit, read, storage } = options
  const known = TimedMap.make<string>(options.ttlMillis)
  // A write, for those who close the layer: they wait for it.
  const writing = { ...background, fork: background.forkWrite }
  const flight = SingleFlight.make<Search, never>({ fork: background.forkWrite })

  const readOne = (search: Search, name: string) =>
    // None is left out for another one's time-out.
    Effect.match(read({ storageTimedOut: false }, name, "org"), {
      onSuccess: (record) => {
        if (Option.isNone(record)) return
        const { identity } = FlyToken.make(record.value.token)
        search.found.set(identity, [...search.found.get(identity) ?? [], name])
      },
      // One that cannot be read keeps nobody from the others.
      onFailure: (reason) => {
        search.failure ??= reason
      }
    })

  const search = Effect.suspend(() => {
    const search: Search = { found: new Map(), failure: undefined }
    const reading = Effect.suspend(() => storage.list("org")).pipe(
      Effect.mapError(storageFailed),
      Effect.flatMap((names) =>
        // So many at once as the gate lets in.
        Effect.forEach(names, (name) => readOne(search, name), { concurrency: "unbounded", discard: true })
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
