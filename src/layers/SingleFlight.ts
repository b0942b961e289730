/**
 * One run of an effect at a time per key, shared by everyone who asks meanwhile.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/**
 * Joins the run of a key, or starts it. The run belongs to no caller: interrupting one only ends its own wait. A call
 * after the run ended starts the next one; nothing is remembered.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type SingleFlight<A, E> = (key: string, run: Effect.Effect<A, E>) => Effect.Effect<A, E>

/**
 * `fork` starts the run in a fiber of its own and decides whose scope it lives in.
 *
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const make = <A, E>(
  fork: (run: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
): SingleFlight<A, E> => {
  const flights = new Map<string, Fiber.Fiber<A, E>>()
  return (key, run) =>
    Effect.suspend(() => {
      const current = flights.get(key)
      if (current !== undefined) return Fiber.join(current)
      const flight = fork(run)
      flights.set(key, flight)
      // An observer also sees a fiber that was interrupted before its first step.
      flight.addObserver(() => flights.delete(key))
      return Fiber.join(flight)
    })
}
