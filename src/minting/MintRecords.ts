/** What was minted, in the store, where other processes find it; also that it is of no use. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Background from "../concurrency/Background.ts"
import * as SingleFlight from "../concurrency/SingleFlight.ts"
import * as TimedMap from "../concurrency/TimedMap.ts"
import * as MintPolicy from "../policy/MintPolicy.ts"
import * as Usability from "../policy/Usability.ts"
import * as StoreAccess from "../records/StoreAccess.ts"
import * as StoreReads from "../records/StoreReads.ts"
import type { WriteBehind } from "../records/WriteBehind.ts"
import { type LeaseScope, nameOf } from "../services/Lease.ts"
import * as RecordKey from "../services/RecordKey.ts"
import type { Storage, StoredToken } from "../services/Storage.ts"
import type { Candidate, TokenRequest } from "../services/TokenSource.ts"
import { FlyToken } from "../token/FlyToken.ts"
import type { MintPauses } from "./MintPauses.ts"
import type { Target } from "./Targets.ts"

/** Of a login that cannot be told: another one that can is not the same. */
const unknown = "unknown"

/** Ends with whether a record was left, `false` if the store keeps another one; `undefined` if it does not get there. */
type Left = Effect.Effect<boolean | undefined>

export interface MintRecords {
  /** What the store holds, judged as a candidate by nobody yet. What it tells of the last mint is learned by the way. */
  readonly read: (target: Target, run: TokenRequest["before"]) => Effect.Effect<Candidate | undefined>
  /** Begins to leave what was minted, behind the callers' backs. */
  readonly leave: (target: Target, minted: Candidate) => Left
  /**
   * The same for what is of no use with this login, beside the others that it is of no use with. A record that somebody
   * can use stays.
   */
  readonly leaveUseless: (target: Target, minted: Candidate, login: Effect.Effect<string | undefined>) => Left
  /** Notes that a token is in an organization's record, or gets there. */
  readonly note: (target: Target, identity: string, now: number) => void
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
  /** Runs a write behind the callers' backs and reports its failure, with `undefined` then. */
  readonly inBackground: (
    name: string,
    write: Effect.Effect<unknown, StoreAccess.AccessReason>
  ) => Fiber.Fiber<unknown>
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
    // A write, for those who close the layer: they wait for it.
    const writing = { ...background, fork: background.forkWrite }
    const limit = { option: "storageTimeout", millis: settings.storageTimeoutMillis }
    return Effect.match(Background.within(writing, reading, limit), {
      onSuccess: () => search,
      // What was found by then counts.
      onFailure: (reason) => ({ ...search, failure: reason })
    })
  })

/** Which mint a record says to have been of no use; `undefined` if it does not. */
const uselessOf = (
  { login, savedAt: at }: StoredToken,
  token: FlyToken,
  ttlMillis: number
): MintPolicy.Failure | undefined => {
  const reason = MintPolicy.unusable(token, at, ttlMillis)
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

export const make = (options: Options & { readonly pauses: MintPauses }): MintRecords => {
  const { background, inBackground, isRejected, pauses, reads, settings, storage, writes } = options
  const { persistsMinted, ttlMillis } = settings
  const flight = SingleFlight.make<Search, never>({ fork: background.forkWrite })
  const search = searching(options)
  /** The names of records by the identities of tokens. */
  const holders = TimedMap.make<string>(ttlMillis)
  // What a write needs to know is not interrupted by the end of the layer, which waits for it.
  const readToWrite = StoreAccess.reading(storage, writes.gate)

  const leave = (
    { scope }: Target,
    write: (scope: LeaseScope) => Effect.Effect<boolean, StoreAccess.AccessReason>
  ): Left => {
    if (!persistsMinted || scope === undefined) return Effect.undefined
    const writing = inBackground(nameOf(scope), write(scope))
    return Effect.map(
      Fiber.await(writing),
      (exit) => Exit.isSuccess(exit) ? exit.value as boolean | undefined : undefined
    )
  }

  /** With which logins mints are of no use, this one's included; `undefined` if the store holds what is of use. */
  const uselessLogins = Effect.fnUntraced(function*(scope: LeaseScope, login: string) {
    const found = yield* Effect.orElseSucceed(readToWrite(RecordKey.minted(scope)), () => Option.none<StoredToken>())
    const now = yield* Clock.currentTimeMillis
    if (Option.isNone(found)) return MintPolicy.loginsAfter(undefined, login, now)
    const before = StoreReads.candidateOf(found.value)
    const judged = Usability.judge(before, { now, ttlMillis, livesPast: undefined, isRejected })
    if ("expiresAt" in judged) return undefined
    return MintPolicy.loginsAfter(uselessOf(found.value, before.token, ttlMillis), login, now)
  })

  return {
    read: Effect.fnUntraced(function*({ label, scope }, run) {
      if (scope === undefined) return undefined
      // A store that fails holds no mint up: the app's own reads report it.
      const found = yield* Effect.orElseSucceed(
        reads.read(RecordKey.minted(scope), run),
        () => Option.none<StoredToken>()
      )
      if (Option.isNone(found)) return undefined
      const record = found.value
      const candidate = StoreReads.candidateOf(record)
      pauses.learn(label, record.savedAt, uselessOf(record, candidate.token, ttlMillis))
      return "org" in scope ? candidate : { ...candidate, written: Effect.succeed(true) }
    }),
    leave: (target, minted) =>
      leave(
        target,
        (scope) => writes.put(RecordKey.minted(scope), recordOf(minted, ttlMillis, target.asker?.login))
      ),
    leaveUseless: (target, minted, login) =>
      // What is no token is no record either.
      minted.token.malformed !== undefined ? Effect.undefined : leave(
        target,
        Effect.fnUntraced(function*(scope) {
          const logins = yield* uselessLogins(scope, (yield* login) ?? unknown)
          if (logins === undefined) return false
          return yield* writes.put(RecordKey.minted(scope), recordOf(minted, ttlMillis, logins.join(",")))
        })
      ),
    note: ({ scope }, identity, now) => {
      if (scope !== undefined && "org" in scope) holders.set(identity, scope.org, now)
    },
    drop: Effect.fnUntraced(function*(identity) {
      const known = holders.get(identity, yield* Clock.currentTimeMillis)
      // Whoever looks at the same time shares the reading, however many tokens are looked for.
      const { failure, names } = known === undefined
        ? yield* flight("org", search)
        : { failure: undefined, names: new Map([[identity, [known]]]) }
      const found = names.get(identity)
      if (found === undefined && failure !== undefined) return yield* Effect.fail(failure)
      yield* Effect.forEach(found ?? [], (name) => writes.drop({ kind: "org", name }, identity), {
        concurrency: "unbounded",
        discard: true
      })
    })
  }
}
