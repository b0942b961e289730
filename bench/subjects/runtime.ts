/**
 * A runtime for a cache of Effect, with a clock that can be moved if need be.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as TestClock from "effect/testing/TestClock"
import type { EffectClient } from "./Client.ts"

export const make = async <R, E>(layer: Layer.Layer<R, E>, movable: boolean) => {
  const quiet = Logger.layer([])
  // The clock stands where `Date` does when it starts.
  const clock = Layer.effectDiscard(TestClock.setTime(Date.now())).pipe(Layer.provideMerge(TestClock.layer()))
  const surroundings = movable ? Layer.merge(quiet, clock) : quiet
  return ManagedRuntime.make(Layer.provideMerge(layer, surroundings))
}

/** All calls of a client, out of the one that gets a token in a fiber. */
export const client = <R, E>(
  runtime: ManagedRuntime.ManagedRuntime<R, E>,
  effect: EffectClient["effect"]
): Omit<EffectClient, "tokenOf"> => ({
  effect,
  run: (effect) => runtime.runPromise(effect),
  get: (key) => runtime.runPromise(effect(key)),
  one: (key) => () => runtime.runPromise(effect(key)),
  advance: (by) => runtime.runPromise(TestClock.adjust(by)),
  close: () => runtime.dispose()
})

/** Waits for all of them at once, whatever they come to, and counts those that succeeded. */
export const herd = (gets: ReadonlyArray<Effect.Effect<unknown, unknown>>): Effect.Effect<number> =>
  Effect.map(
    Effect.forEach(gets, (get) => Effect.match(get, { onSuccess: () => 1, onFailure: () => 0 }), {
      concurrency: "unbounded"
    }),
    (served) => served.reduce<number>((sum, one) => sum + one, 0)
  )
