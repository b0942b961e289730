/** What every source would answer now: the chain without an end at the first token, and without a mint. */
import * as Effect from "effect/Effect"
import type { Answer } from "../minting/MintExplanation.ts"
import type { ResolverSettings } from "../policy/Options.ts"
import type { Judged } from "../policy/Usability.ts"
import type { SourceName } from "../services/SourceName.ts"
import type { Miss, TokenRequest } from "../services/TokenSource.ts"
import type { AppName } from "../token/AppName.ts"
import * as TokenKey from "../token/TokenKey.ts"
import * as Chain from "./Chain.ts"
import * as Parts from "./Parts.ts"

export interface Explained {
  readonly source: SourceName
  readonly answer: Answer
}

const answerOf = (judged: Judged): Answer =>
  "expiresAt" in judged
    ? { _tag: "Usable", ...judged }
    : { _tag: "Miss", reason: judged.reason, candidate: judged.candidate, organization: undefined }

const missOf = (source: SourceName, { candidate, reason }: Extract<Answer, { readonly _tag: "Miss" }>): Miss =>
  candidate === undefined ? { source, reason } : { source, reason, candidate }

/**
 * Asks every source of the chain, in its order, and judges as a `get` of a process that just started. It never mints and
 * takes no lease. Provide a storage that sets nothing aside to change nothing at all.
 */
export const explain = Effect.fnUntraced(function*(app: AppName, settings: ResolverSettings) {
  const { judging, sources } = yield* Parts.make(settings)
  const misses: Array<Miss> = []
  const request: TokenRequest = { key: TokenKey.of(app), isRefresh: false, livesPast: undefined, misses }
  const explained: Array<Explained> = []
  for (const source of sources) {
    const answer: Answer = source.explain === undefined
      ? answerOf(yield* Chain.ask(source, request, judging))
      : yield* source.explain(request)
    if (answer._tag === "Miss") misses.push(missOf(source.name, answer))
    explained.push({ source: source.name, answer })
  }
  return explained
}, Effect.scoped)
