/** What was minted, in the store, where other processes find it; also that it is of no use. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as MintPolicy from "../policy/MintPolicy.ts"
import * as Usability from "../policy/Usability.ts"
import * as StoreReads from "../records/StoreReads.ts"
import type { WriteBehind, WriteReason } from "../records/WriteBehind.ts"
import { type LeaseScope } from "../services/Lease.ts"
import * as RecordKey from "../services/RecordKey.ts"
import type { StoredToken } from "../services/Storage.ts"
import type { Candidate, TokenRequest } from "../services/TokenSource.ts"
import { FlyToken } from "../token/FlyToken.ts"
import type { Holding } from "./Holdings.ts"
import type { MintPauses } from "./MintPauses.ts"

/** Of a login that cannot be told: another one that can is not the same. */
const unknown = "unknown"

export interface MintRecords {
  /** What the store holds, judged as a candidate by nobody yet. What it tells of the last mint is learned by the way. */
  readonly read: (holding: Holding, run: TokenRequest["before"]) => Effect.Effect<Candidate | undefined>
  /** Leaves a record; `false` if there is a newer one. */
  readonly write: (scope: LeaseScope, record: StoredToken) => Effect.Effect<boolean, WriteReason>
  /**
   * Leaves word that what was minted with this login is of no use, beside the others that it is of no use with. A record
   * that somebody can use stays; `false` then.
   */
  readonly writeUseless: (
    scope: LeaseScope,
    record: (logins: string) => StoredToken,
    login: Effect.Effect<string | undefined>
  ) => Effect.Effect<boolean, WriteReason>
}

export const make = (options: {
  readonly reads: StoreReads.StoreReads
  /** The same for a write, which the end of the layer does not interrupt. */
  readonly readsToWrite: StoreReads.StoreReads
  readonly writes: Pick<WriteBehind, "put">
  readonly pauses: MintPauses
  readonly ttlMillis: number
  readonly isRejected: Usability.Demands["isRejected"]
}): MintRecords => {
  const { isRejected, pauses, ttlMillis, writes } = options

  /** A store that fails holds no mint up: the app's own reads report it. */
  const readAt = ({ read }: StoreReads.StoreReads, scope: LeaseScope, run: TokenRequest["before"]) =>
    Effect.orElseSucceed(read(RecordKey.minted(scope), run), () => Option.none())

  /** Which mint a record says to have been of no use; `undefined` if it does not. */
  const uselessOf = ({ login, savedAt }: StoredToken, token: FlyToken) => {
    const reason = MintPolicy.unusable(token, savedAt, ttlMillis)
    return reason === undefined ? undefined : { reason, since: savedAt, logins: login?.split(",") ?? [] }
  }

  /** Of what this or another process minted, the newest tells whether a mint is of use. */
  const learn = (label: string, record: StoredToken, token: FlyToken) => {
    const pause = pauses.of(label)
    if (pause !== undefined && record.savedAt <= pause.since) return
    const useless = uselessOf(record, token)
    if (useless === undefined) return pauses.end(label)
    const { logins, reason, since: at } = useless
    // A record that was put there in other ways says nothing of mints, and one of other logins nothing of this one's.
    const tells = pause === undefined ? logins.length > 0 : pause.logins.some((login) => logins.includes(login))
    if (tells) pauses.unusable(label, { reason, at, logins })
  }

  return {
    read: Effect.fnUntraced(function*({ label, scope }, run) {
      const record = scope === undefined ? Option.none() : yield* readAt(options.reads, scope, run)
      if (scope === undefined || Option.isNone(record)) return undefined
      const candidate = StoreReads.candidateOf(record.value)
      learn(label, record.value, candidate.token)
      return "org" in scope ? candidate : { ...candidate, written: Effect.succeed(true) }
    }),
    write: (scope, record) => writes.put(RecordKey.minted(scope), record),
    writeUseless: Effect.fnUntraced(function*(scope, record, login) {
      const name = (yield* login) ?? unknown
      const found = yield* readAt(options.readsToWrite, scope, [])
      const now = yield* Clock.currentTimeMillis
      const before = Option.map(found, StoreReads.candidateOf)
      const demands = { now, ttlMillis, livesPast: undefined, isRejected }
      const isOfUse = Option.isSome(before) && "expiresAt" in Usability.judge(before.value, demands)
      if (isOfUse) return false
      const useless = Option.isSome(found) ? uselessOf(found.value, FlyToken.make(found.value.token)) : undefined
      const logins = MintPolicy.loginsAfter(useless, name, now)
      return yield* writes.put(RecordKey.minted(scope), record(logins.join(",")))
    })
  }
}
