/** One run of an effect at a time per key, shared by everyone who asks meanwhile. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/**
 * Joins the run of a key, or starts it. The run belongs to no caller: interrupting one only ends its own wait. A call
 * after the run ended starts the next one; nothing is remembered.
 */
export type SingleFlight<A, E> = (key: string, run: Effect.Effect<A, E>) => Effect.Effect<A, E>

/**
 * `fork` starts the run in a fiber of its own and decides whose scope it lives in; `join` waits for it. A run that is older than `joinFor`
 * (milliseconds) is not joined any more: the next call starts another, so that one that hangs holds up nobody later.
 */
export const make = <A, E>(options: {
  readonly fork: (run: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  readonly join?: (fiber: Fiber.Fiber<A, E>) => Effect.Effect<A, E>
  readonly joinFor?: number
}): SingleFlight<A, E> => {
  const { join = Fiber.join, joinFor = Number.POSITIVE_INFINITY } = options
  const flights = new Map<string, { readonly fiber: Fiber.Fiber<A, E>; readonly since: bigint }>()
  return (key, run) =>
    Effect.flatMap(Clock.monotonicTimeNanos, (now) => {
      const current = flights.get(key)
      if (current !== undefined && Number(now - current.since) < joinFor * 1e6) return join(current.fiber)
      const flight = { fiber: options.fork(run), since: now }
      flights.set(key, flight)
      // An observer also sees a fiber that was interrupted before its first step.
      flight.fiber.addObserver(() => {
        if (flights.get(key) === flight) flights.delete(key)
      })
      return join(flight.fiber)
    })
}
