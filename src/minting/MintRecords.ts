/** What was minted: in memory, and in the store, where other processes find it; also that it is of no use. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Background from "../concurrency/Background.ts"
import * as SingleFlight from "../concurrency/SingleFlight.ts"
import * as TimedMap from "../concurrency/TimedMap.ts"
import * as MintPolicy from "../policy/MintPolicy.ts"
import * as Usability from "../policy/Usability.ts"
import * as StoreAccess from "../records/StoreAccess.ts"
import * as StoreReads from "../records/StoreReads.ts"
import type { InBackground, WriteBehind } from "../records/WriteBehind.ts"
import { nameOf } from "../services/Lease.ts"
import * as RecordKey from "../services/RecordKey.ts"
import type { Storage, StoredToken } from "../services/Storage.ts"
import type { Candidate, TokenRequest } from "../services/TokenSource.ts"
import { FlyToken } from "../token/FlyToken.ts"
import type { MintPauses } from "./MintPauses.ts"
import type { Target } from "./Targets.ts"

/** Of a login that cannot be told: another one that can is not the same. */
const unknown = "unknown"

export interface MintRecords {
  /** What the store holds, judged as a candidate by nobody yet. What it tells of the last mint is learned by the way. */
  readonly read: (target: Target, run: TokenRequest["misses"]) => Effect.Effect<Candidate | undefined>
  /**
   * Begins to leave what was minted, behind the callers' backs. With `useless`, who asked, it is of no use to that login:
   * that is told beside the others that it is of no use to, and a record that somebody can use stays. Ends with whether a
   * record was left, `false` if the store keeps another one; with `undefined` if it does not get there.
   */
  readonly leave: (
    target: Target,
    minted: Candidate,
    useless: Effect.Effect<string | undefined> | undefined
  ) => Effect.Effect<boolean | undefined>
  /** Keeps a token in memory; it is in the target's record, or gets there. */
  readonly remember: (target: Target, candidate: Candidate, now: number) => void
  /** What is in memory, if it fits. */
  readonly recall: (target: Target, request: TokenRequest, now: number) => Candidate | undefined
  /** Whether a token is one that the request may have. */
  readonly fits: (candidate: Candidate, request: TokenRequest, now: number) => boolean
  /** Forgets a token that is not to be handed out any more. */
  readonly forget: (identity: string) => void
  /** Deletes a token, whichever organization's records hold it. */
  readonly drop: (identity: string) => Effect.Effect<void, StoreAccess.AccessReason>
}

export interface Options {
  readonly storage: Storage["Service"]
  readonly reads: StoreReads.StoreReads
  readonly writes: WriteBehind
  readonly background: Background.Background
  readonly settings: Pick<MintPolicy.MintSettings, "persistsMinted" | "storageTimeoutMillis" | "ttlMillis">
  readonly isRejected: Usability.Demands["isRejected"]
  /** Whether what was minted is replaced, and no copy of it counts any more. */
  readonly isDenied: (token: FlyToken, now: number) => boolean
  readonly inBackground: InBackground
}

/** What was found in the records of all organizations. */
interface Search {
  readonly names: Map<string, Array<string>>
  /** Why not all was looked at. */
  failure: StoreAccess.AccessReason | undefined
}

/** Finds which records hold which token, within one limit of time. What cannot be read keeps nobody from the others. */
const searching = ({ background, settings, storage, writes: { gate } }: Options): Effect.Effect<Search> =>
  Effect.suspend(() => {
    const search: Search = { names: new Map(), failure: undefined }
    const readPortion = (portion: ReadonlyArray<string>) => {
      const reading = Effect.suspend(() => StoreAccess.readMany(storage, portion, "org"))
      return Effect.match(gate.within(Effect.mapError(reading, StoreAccess.storageFailed)), {
        onSuccess: (records) => {
          for (const [name, read] of records) {
            if (Result.isFailure(read)) search.failure ??= StoreAccess.storageFailed(read.failure)
            else if (Option.isSome(read.success)) {
              const { identity } = FlyToken.make(read.success.value.token)
              search.names.set(identity, [...search.names.get(identity) ?? [], name])
            }
          }
        },
        onFailure: (reason) => {
          search.failure ??= reason
        }
      })
    }
    const reading = Effect.suspend(() => storage.list("org")).pipe(
      Effect.mapError(StoreAccess.storageFailed),
      // So many at once as the gate lets in.
      Effect.flatMap((names) =>
        Effect.forEach(StoreAccess.portions(storage, names), readPortion, { concurrency: "unbounded", discard: true })
      )
    )
    const limit = { option: "storageTimeout", millis: settings.storageTimeoutMillis }
    // A write, for those who close the layer: they wait for it.
    return Effect.match(Background.within(background.forkWrite, reading, limit), {
      onSuccess: () => search,
      // What was found by then counts.
      onFailure: (reason) => ({ ...search, failure: reason })
    })
  })

/** Which records hold which token, as far as this process knows or can find out. */
const makeHolders = (options: Options) => {
  const { background, settings, writes } = options
  const flight = SingleFlight.make<Search, never>({ fork: background.forkWrite })
  const search = searching(options)
  /** The names of records by the identities of tokens. */
  const known = TimedMap.make<string>(settings.ttlMillis)
  return {
    note: ({ scope }: Target, { token }: Candidate, now: number) => {
      if (scope !== undefined && "org" in scope) known.set(token.identity, scope.org, now)
    },
    drop: Effect.fnUntraced(function*(identity: string) {
      const name = known.get(identity, yield* Clock.currentTimeMillis)
      // Whoever looks at the same time shares the reading, however many tokens are looked for.
      const found = name === undefined ? yield* flight("org", search) : undefined
      const names = name === undefined ? found?.names.get(identity) : [name]
      if (names === undefined && found?.failure !== undefined) return yield* Effect.fail(found.failure)
      yield* Effect.forEach(names ?? [], (name) => writes.drop({ kind: "org", name }, identity), {
        concurrency: "unbounded",
        discard: true
      })
    })
  }
}

/** Which mint a record says to have been of no use; `undefined` if it does not. */
const uselessOf = ({ login, savedAt: at, token }: StoredToken, ttlMillis: number): MintPolicy.Failure | undefined => {
  const reason = MintPolicy.unusable(FlyToken.make(token), at, ttlMillis)
  return reason === undefined ? undefined : { reason, at, logins: login?.split(",") ?? [] }
}

const recordOf = (
  { acquiredAt, fence, token }: Candidate,
  ttlMillis: number,
  login: string | undefined
): StoredToken => {
  const expiresAt = Usability.expiryOf(token, { acquiredAt, ttlMillis, now: acquiredAt })
  return {
    token: token.redacted,
    expiresAt: Number.isFinite(expiresAt) ? expiresAt : null,
    source: "cli",
    savedAt: acquiredAt,
    ...(fence === undefined ? {} : { fence }),
    ...(login === undefined ? {} : { login })
  }
}

type Memory = Pick<MintRecords, "remember" | "recall" | "fits" | "forget">

/** The tokens in memory, by the label of their target. */
const makeMemory = ({ isRejected, isDenied, settings: { ttlMillis } }: Options, note: Memory["remember"]): Memory => {
  const candidates = new Map<string, Candidate>()

  const fits: Memory["fits"] = (candidate, { livesPast, misses }, now) => {
    const { token } = candidate
    if (isDenied(token, now)) return false
    // What could not be taken from another source cannot be taken from here.
    if (misses.some(({ candidate }) => candidate?.token.identity === token.identity)) return false
    return "expiresAt" in Usability.judge(candidate, { now, ttlMillis, livesPast, isRejected })
  }

  return {
    fits,
    recall: ({ label }, request, now) => {
      let candidate = candidates.get(label)
      if (candidate === undefined) return undefined
      if (candidate.acquiredAt > now) {
        // The clock was set back: a token does not get younger by that.
        candidate = { ...candidate, acquiredAt: now }
        candidates.set(label, candidate)
      }
      return fits(candidate, request, now) ? candidate : undefined
    },
    remember: (target, candidate, now) => {
      candidates.set(target.label, candidate)
      note(target, candidate, now)
    },
    forget: (identity) => {
      for (const [label, { token }] of candidates) {
        if (token.identity === identity) candidates.delete(label)
      }
    }
  }
}

/** A store that fails holds no mint up: the app's own reads report it. */
const orNone = (read: Effect.Effect<Option.Option<StoredToken>, StoreAccess.AccessReason>) =>
  Effect.match(read, { onSuccess: Option.getOrUndefined, onFailure: () => undefined })

export const make = (options: Options & { readonly pauses: MintPauses }): MintRecords => {
  const { inBackground, isRejected, pauses, reads, settings, storage, writes } = options
  const { persistsMinted, ttlMillis } = settings
  const { drop, note } = makeHolders(options)
  // What a write needs to know is not interrupted by the end of the layer, which waits for it.
  const readToWrite = StoreAccess.reading(storage, writes.gate)

  const putUseless = Effect.fnUntraced(function*(key: RecordKey.RecordKey, minted: Candidate, login: string) {
    const found = yield* orNone(readToWrite(key))
    const before = found === undefined ? undefined : StoreReads.candidateOf(found)
    const now = yield* Clock.currentTimeMillis
    const demands = { now, ttlMillis, livesPast: undefined, isRejected }
    if (before !== undefined && "expiresAt" in Usability.judge(before, demands)) return false
    const useless = found === undefined ? undefined : uselessOf(found, ttlMillis)
    const logins = MintPolicy.loginsAfter(useless, login, now)
    return yield* writes.put(key, recordOf(minted, ttlMillis, logins.join(",")))
  })

  return {
    ...makeMemory(options, note),
    drop,
    read: Effect.fnUntraced(function*({ label, scope }, run) {
      const record = scope === undefined ? undefined : yield* orNone(reads.read(RecordKey.minted(scope), run))
      if (scope === undefined || record === undefined) return undefined
      pauses.learn(label, record.savedAt, uselessOf(record, ttlMillis))
      const candidate = StoreReads.candidateOf(record)
      return "org" in scope ? candidate : { ...candidate, written: Effect.succeed(true) }
    }),
    leave: ({ asker, scope }, minted, useless) => {
      // What is no token is no record either.
      if (!persistsMinted || scope === undefined || minted.token.malformed !== undefined) return Effect.undefined
      const key = RecordKey.minted(scope)
      const write = useless === undefined
        ? writes.put(key, recordOf(minted, ttlMillis, asker?.login))
        : Effect.flatMap(useless, (login = unknown) => putUseless(key, minted, login))
      return Background.valueOf(inBackground(nameOf(scope), write))
    }
  }
}
