/**
 * Where tokens come from: it counts its calls, and is up, down or silent as the comparison says.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { setTimeout as after } from "node:timers/promises"

export interface Token {
  readonly value: string
  /** Epoch milliseconds. */
  readonly expiresAt: number
  readonly life: number
}

export class SourceDown extends Data.TaggedError("SourceDown") {}

export interface Source {
  calls: number
  state: "up" | "down" | "silent"
  /** Of the tokens, in milliseconds. */
  life: number
  /** How long an answer takes, a failure too. */
  readonly delay: number
  /** When those who ask without a limit of their own give up, in milliseconds. */
  readonly limit: number
  /** Where a token's text is from; else it is made up. */
  readonly ask: (() => Promise<string>) | undefined
  /** When each token that was handed out ends. */
  readonly issued: Map<string, number>
}

export const make = (settings: Partial<Pick<Source, "ask" | "delay" | "limit" | "life" | "state">> = {}): Source => ({
  calls: 0,
  state: "up",
  life: 86_400_000,
  delay: 0,
  limit: Number.POSITIVE_INFINITY,
  ask: undefined,
  issued: new Map(),
  ...settings
})

const tokenOf = (source: Source, now: number, value: string = `token-${source.issued.size + 1}`): Token => {
  const token = { value, expiresAt: now + source.life, life: source.life }
  source.issued.set(token.value, token.expiresAt)
  return token
}

const silence = (): Promise<never> => new Promise(() => {})

const giveUp = async (limit: number): Promise<never> => {
  await after(limit)
  throw new SourceDown()
}

const answer = async (source: Source): Promise<Token> => {
  if (source.state === "silent") return silence()
  if (source.delay > 0) await after(source.delay)
  if (source.state === "down") throw new SourceDown()
  return tokenOf(source, Date.now(), await source.ask?.())
}

/** A call, for programs of promises. A limit is put around it, as its callers would do: their caches have none. */
export const call = (source: Source): Promise<Token> => {
  source.calls++
  return Number.isFinite(source.limit) ? Promise.race([answer(source), giveUp(source.limit)]) : answer(source)
}

/** A call without its limit, for Effect programs; the token is made by `made`. */
export const callWith = <A>(
  source: Source,
  made: (source: Source) => Effect.Effect<A>
): Effect.Effect<A, SourceDown> =>
  Effect.suspend(() => {
    source.calls++
    if (source.state === "silent") return Effect.never
    const outcome = Effect.suspend(() => source.state === "down" ? Effect.fail(new SourceDown()) : made(source))
    return source.delay > 0 ? Effect.delay(outcome, source.delay) : outcome
  })

/** A call, for Effect programs, with its limit. */
export const effect = (source: Source): Effect.Effect<Token, SourceDown> => {
  const call = callWith(
    source,
    (source) => Effect.clockWith((clock) => Effect.sync(() => tokenOf(source, clock.currentTimeMillisUnsafe())))
  )
  if (!Number.isFinite(source.limit)) return call
  return Effect.timeoutOrElse(call, { duration: source.limit, orElse: () => Effect.fail(new SourceDown()) })
}
