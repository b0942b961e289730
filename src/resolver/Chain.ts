/** The chain: sources as a list, asked in order, the first usable token wins. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { typed } from "../concurrency/Background.ts"
import * as Usability from "../policy/Usability.ts"
import type { MissReason } from "../services/MissReason.ts"
import type { SourceName } from "../services/SourceName.ts"
import type { Attempt } from "../services/TokenError.ts"
import type { AppName } from "../token/AppName.ts"
import type { FlyToken } from "../token/FlyToken.ts"
import type { Place } from "../token/Grants.ts"

/** What a run of the chain is for, and what it learned on its way. */
export interface ChainRequest {
  readonly app: AppName
  /** The stored token of the app, whichever it is, is to be replaced. */
  readonly isRefresh: boolean
  /** The app's stored token that a refresh passed over, to be put back if nothing is found. */
  passedOver: Candidate | undefined
  /** Identities of dropped tokens: a copy of them in the store, or remembered for the organization, is a miss. */
  readonly dropped: Set<string>
  /** A refresh ahead of expiry: only a token that lives longer than this counts (epoch milliseconds). */
  readonly longerThan: number | undefined
  /** Fly's numbers of the app and its organization, as far as they are known. */
  readonly place: Place | undefined
  /** The store timed out in this run: its other reads are left out. */
  storageTimedOut: boolean
  /** The environment was asked and its token cannot be used, so flyctl must not see it either. */
  environmentMissed: boolean
  /** The organization that the app's record names. */
  recordedOrg?: string
}

/** What a source yields. */
export interface Candidate {
  readonly token: FlyToken
  /** Epoch milliseconds. */
  readonly acquiredAt: number
  /** Where this process took it, if not from the source that was asked. */
  readonly takenFrom?: SourceName
  /** The number of the right to mint under which it was minted. */
  readonly fence?: number
  /** Of a token that is written to the app's record already: ends when it is there, `true`, or will not get there. */
  readonly written?: Effect.Effect<boolean>
}

/** One small thing that may have a token. Its effect keeps its own limit of time. */
export interface Source {
  readonly name: SourceName
  readonly ask: (request: ChainRequest) => Effect.Effect<Candidate, MissReason>
}

/** A usable token, and which source of the chain gave it. */
export interface Found {
  readonly _tag: "Found"
  readonly candidate: Candidate
  readonly expiresAt: number
  readonly source: SourceName
  readonly attempts: ReadonlyArray<Attempt>
}

export type Outcome = Found | { readonly _tag: "None"; readonly attempts: ReadonlyArray<Attempt> }

/** What is asked of every candidate, whoever yields it. */
export interface Demands {
  readonly ttlMillis: number
  readonly isRejected: (token: FlyToken, now: number) => boolean
}

/** A candidate that is good until `expiresAt`, or why there is none. */
export type Judged = { readonly candidate: Candidate; readonly expiresAt: number } | { readonly reason: MissReason }

/** Asks one source and judges what it yields. Cannot fail: defects of the source are reasons too. */
export const ask = Effect.fnUntraced(function*(
  source: Source,
  request: ChainRequest,
  demands: Demands
): Effect.fn.Return<Judged> {
  // Judged inside of the guard: what other people's code yields may be anything.
  const asked = Effect.flatMap(
    Effect.suspend(() => source.ask(request)),
    (candidate) =>
      Effect.map(
        Clock.currentTimeMillis,
        (now) => forPlace(source, request.place, judge(candidate, now, request.longerThan, demands))
      )
  )
  const answer = yield* Effect.result(Effect.flatMap(Effect.exit(asked), typed))
  const judged = Result.isSuccess(answer) ? answer.success : { reason: answer.failure }
  if ("reason" in judged && source.name === "env") request.environmentMissed = true
  return judged
})

/** Asks the sources in order. Cannot fail: every miss, defects of a source included, is an attempt with its reason. */
export const run = Effect.fnUntraced(function*(
  chain: ReadonlyArray<Source>,
  request: ChainRequest,
  demands: Demands
): Effect.fn.Return<Outcome> {
  const attempts: Array<Attempt> = []
  for (const source of chain) {
    const judged = yield* ask(source, request, demands)
    if ("candidate" in judged) return { _tag: "Found", ...judged, source: source.name, attempts }
    attempts.push({ source: source.name, reason: judged.reason })
  }
  return { _tag: "None", attempts }
})

/** These hand out what somebody put there for whatever app; what the others have was made for this one. */
const general = new Set<SourceName>(["env", "config"])

/** Whether it can serve the app at all, as far as that is known. */
const forPlace = ({ name }: Source, place: Place | undefined, judged: Judged): Judged => {
  if (place === undefined || "reason" in judged || !general.has(name)) return judged
  const reason = Usability.unfit(judged.candidate.token, place)
  return reason === undefined ? judged : { reason }
}

/** Until when a candidate is good, or why it cannot be taken. */
export const judge = (
  candidate: Candidate,
  now: number,
  longerThan: number | undefined,
  demands: Demands
): Judged => {
  const expiresAt = Usability.expiryOf(candidate.token, {
    acquiredAt: candidate.acquiredAt,
    ttlMillis: demands.ttlMillis,
    now
  })
  const reason = Usability.unusable(candidate.token, expiresAt, {
    now,
    isRejected: (token) => demands.isRejected(token, now)
  })
  if (reason !== undefined) return { reason }
  return longerThan !== undefined && expiresAt <= longerThan
    ? { reason: Usability.notNewer(candidate.token) }
    : { candidate, expiresAt }
}
