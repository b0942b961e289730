/** The chain: sources as a list, asked in order, the first usable token wins. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { typed } from "../concurrency/Background.ts"
import * as Usability from "../policy/Usability.ts"
import type { SourceName } from "../services/SourceName.ts"
import type { Candidate, Miss, TokenRequest, TokenSource } from "../services/TokenSource.ts"
import type { FlyToken } from "../token/FlyToken.ts"
import type { Place } from "../token/Grants.ts"

/** A source as the chain asks it: its call has a limit of time, and what it left out is filled in. */
export interface Source extends Pick<TokenSource, "acquire"> {
  readonly name: SourceName
  readonly persists: boolean
  readonly lastResort: boolean
  readonly shared: boolean
  /** What it has is the stored token of the key, which a refresh replaces. */
  readonly stored: boolean
}

/** What candidates are judged by, whoever yields them. */
export interface Judging {
  readonly ttlMillis: number
  readonly isRejected: (token: FlyToken, now: number) => boolean
  /** Whether a stored token was replaced or refused: the store may be slow to follow, and so it is for `ttl`. */
  readonly isDenied: (request: TokenRequest, token: FlyToken, now: number) => boolean
  /** Fly's numbers of the app and its organization, as far as they are known. */
  readonly placeOf: (request: TokenRequest) => Place | undefined
}

/** A usable token, and which source of the chain gave it. */
export interface Found {
  readonly source: Source
  readonly candidate: Candidate
  readonly expiresAt: number
}

export interface Outcome {
  readonly found: Found | undefined
  readonly misses: ReadonlyArray<Miss>
  /** The stored token that a refresh passed over. */
  readonly passedOver: Candidate | undefined
}

const judge = (source: Source, request: TokenRequest, candidate: Candidate, now: number, judging: Judging) => {
  const { livesPast } = request
  const judged = Usability.judge(candidate, { ...judging, now, livesPast })
  if ("reason" in judged) return judged
  const place = source.shared ? judging.placeOf(request) : undefined
  const reason = place === undefined ? undefined : Usability.unfit(candidate.token, place)
  if (reason !== undefined) return { reason, candidate }
  const isDenied = source.stored && (request.isRefresh || judging.isDenied(request, candidate.token, now))
  return isDenied ? { reason: Usability.notNewer(candidate.token), candidate } : judged
}

/** Asks one source and judges what it yields. Cannot fail: defects of the source are reasons too. */
export const ask = Effect.fnUntraced(function*(
  source: Source,
  request: TokenRequest,
  judging: Judging
): Effect.fn.Return<Usability.Judged> {
  // Judged inside of the guard: what other people's code yields may be anything.
  const asked = Effect.flatMap(
    Effect.suspend(() => source.acquire(request)),
    (candidate) => Effect.map(Clock.currentTimeMillis, (now) => judge(source, request, candidate, now, judging))
  )
  const answer = yield* Effect.result(Effect.flatMap(Effect.exit(asked), typed))
  return Result.isSuccess(answer) ? answer.success : { reason: answer.failure }
})

/** Asks the sources in order. Cannot fail: each source without a usable token is a miss. */
export const run = Effect.fnUntraced(function*(
  sources: ReadonlyArray<Source>,
  request: Omit<TokenRequest, "misses">,
  judging: Judging
): Effect.fn.Return<Outcome> {
  // One array for the whole run, which tells its reads of the store apart from those of other runs.
  const misses: Array<Miss> = []
  let passedOver: Candidate | undefined
  for (const source of sources) {
    const judged = yield* ask(source, { ...request, misses }, judging)
    if ("expiresAt" in judged) return { found: { source, ...judged }, misses, passedOver }
    misses.push({ source: source.name, ...judged })
    if (source.stored && request.isRefresh) passedOver = judged.candidate
  }
  return { found: undefined, misses, passedOver }
})
