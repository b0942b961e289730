/** Calls back when a deadline has come: one fiber sleeps for all of them. */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Deadlines from "./Deadlines.ts"
import * as Turns from "./Turns.ts"

export interface Scheduler<K> {
  /** Sets the deadline of a key, epoch milliseconds, in place of the one before. */
  readonly set: (key: K, at: number) => void
  readonly delete: (key: K) => void
}

/** No sleep is longer, so that a clock that jumps and a machine that was suspended are noticed. */
const longestSleep = 60_000

/** A sleeper that is late by more than a moment sleeps by a clock that has jumped ahead since. */
const lateBy = 1_000

/** How long to sleep until a moment: from 1 ms to a minute. */
export const sleepUntil = (now: number, until: number): number =>
  Math.min(Math.max(Math.ceil(until - now), 1), longestSleep)

/**
 * `onDue` is called once for each deadline that has come, and for all when the clock was set back: then a moment that was
 * reckoned may be another one.
 */
export const make = <K>(options: {
  readonly clock: Clock.Clock
  readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  readonly onDue: (key: K, now: number) => void
}): Scheduler<K> => {
  const { clock, fork, onDue } = options
  const deadlines = Deadlines.make<K>()
  const turns = Turns.make(fork)
  let sleeper: { readonly fiber: Fiber.Fiber<void>; readonly until: number } | undefined
  let isAwake = false
  /** The last look at the clock: one that shows an earlier time was set back. */
  let seen = Number.NEGATIVE_INFINITY

  /** Calls back for what is due, some at a time, and sleeps again. */
  const wake = Effect.gen(function*() {
    isAwake = true
    for (;;) {
      yield* turns.turn
      const now = clock.currentTimeMillisUnsafe()
      if (now < seen) deadlines.makeAllDue()
      seen = now
      const first = deadlines.first()
      if (first === undefined || first.at > now) return
      deadlines.delete(first.key)
      onDue(first.key, now)
    }
  }).pipe(Effect.onExit((exit) =>
    Effect.sync(() => {
      isAwake = false
      sleeper = undefined
      // Interrupted only by the end of the layer.
      if (!Exit.hasInterrupts(exit)) arm()
    })
  ))

  const arm = (): void => {
    const first = deadlines.first()
    if (isAwake || first === undefined) return
    const now = clock.currentTimeMillisUnsafe()
    seen = Math.max(seen, now)
    const millis = sleepUntil(now, first.at)
    if (sleeper !== undefined && sleeper.until <= now + millis && sleeper.until >= now - lateBy) return
    sleeper?.fiber.interruptUnsafe()
    sleeper = {
      until: now + millis,
      fiber: fork(Effect.andThen(Effect.sleep(Duration.millis(millis)), wake))
    }
  }

  return {
    set: (key, at) => {
      deadlines.set(key, at)
      arm()
    },
    delete: deadlines.delete
  }
}
