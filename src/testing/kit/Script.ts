/** What a scripted source does when it is asked. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/**
 * What one call comes to: a value, or an effect that is run for it, and so anything an effect can do.
 *
 * **Details**
 *
 * - a token: the value itself, or an effect that makes one each time, as `TestToken.make` does;
 * - a miss: one of `MissReason`, which is a failing effect already: `new MissReason.NotLoggedIn()`;
 * - no answer at all: `Effect.never`, and one that is not interruptible: `Effect.uninterruptible(Effect.never)`;
 * - a slow answer: `Effect.delay(TestToken.make(), "10 seconds")`;
 * - a defect: `Effect.die(new TypeError("boom"))`.
 *
 * **Gotchas**
 *
 * The end of the resolver's layer waits 5 seconds for a call that does not answer its interruption. With `TestClock` such
 * a test runs in a fiber, layer and all, and the clock is moved beside it.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type Outcome<A, E> = A | Effect.Effect<A, E>

/**
 * One outcome for every call, or a list: each call takes the next one, and the last one stays.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type Outcomes<A, E> = Outcome<A, E> | readonly [Outcome<A, E>, ...ReadonlyArray<Outcome<A, E>>]

/**
 * Outcomes for every name (each name goes through a list on its own), outcomes by name, or a function of the call.
 * Names that a record does not have, and calls for which a function answers `undefined`, come to what they come to
 * without a script.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type Script<A, E, Call> =
  | Outcomes<A, E>
  | { readonly [name: string]: Outcomes<A, E> }
  | ((call: Call) => Outcome<A, E> | undefined)

/**
 * What steers a scripted source, and tells what it was asked.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface Steering<S, Call> {
  /** Another script from now on, from its start; `undefined` for none. What is under way goes on. */
  readonly setScript: (script: S | undefined) => Effect.Effect<void>
  /** The calls that began so far. */
  readonly calls: Effect.Effect<ReadonlyArray<Call>>
}

/** A script that is being played. */
export interface Player<A, E, Call> {
  readonly steering: Steering<Script<A, E, Call>, Call>
  /** Notes a call, which comes to what the script has for it, else to what `otherwise` makes of it. */
  readonly play: (call: Omit<Call, "at">, otherwise: (call: Call) => Effect.Effect<A, E>) => Effect.Effect<A, E>
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  // Tokens and effects are objects of other kinds.
  typeof value === "object" && value !== null && !Effect.isEffect(value) && !Array.isArray(value) &&
  (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null)

/** Each name is somewhere else in its list. */
export const player = <A, E, Call extends { readonly name: string; readonly at: number }>(
  first: Script<A, E, Call> | undefined
): Player<A, E, Call> => {
  const calls: Array<Call> = []
  let script = first
  let positions = new Map<string, number>()

  const next = (outcomes: Outcomes<A, E>, name: string): Outcome<A, E> => {
    if (!Array.isArray(outcomes)) return outcomes as Outcome<A, E>
    const position = positions.get(name) ?? 0
    positions.set(name, position + 1)
    return outcomes[Math.min(position, outcomes.length - 1)]
  }

  const outcomeOf = (call: Call): Outcome<A, E> | undefined => {
    if (script === undefined) return undefined
    if (typeof script === "function") return (script as (call: Call) => Outcome<A, E> | undefined)(call)
    if (!isRecord(script)) return next(script as Outcomes<A, E>, call.name)
    // An app may be called `constructor`.
    return Object.hasOwn(script, call.name) ? next(script[call.name] as Outcomes<A, E>, call.name) : undefined
  }

  return {
    steering: {
      setScript: (another) =>
        Effect.sync(() => {
          script = another
          positions = new Map()
        }),
      calls: Effect.sync(() => [...calls])
    },
    play: (asked, otherwise) =>
      Effect.flatMap(Clock.currentTimeMillis, (at) => {
        const call = { ...asked, at } as Call
        calls.push(call)
        const outcome = outcomeOf(call) ?? otherwise(call)
        return Effect.isEffect(outcome) ? outcome as Effect.Effect<A, E> : Effect.succeed(outcome)
      })
  }
}
