/** What keeps Node's event loop alive: a call that is waited for does, which its promise would not; a sleep does not. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** `setTimeout` and `setInterval` take no more. */
const longestTimer = 2 ** 31 - 1

let holders = 0
let timer: NodeJS.Timeout | undefined

/** Holds the process until the returned function is called, once. */
export const hold = (): () => void => {
  if (holders++ === 0) timer = setInterval(() => {}, longestTimer)
  return () => {
    if (--holders === 0) clearInterval(timer)
  }
}

const sleepMillis = (millis: number): Effect.Effect<void> => {
  if (millis <= 0) return Effect.yieldNow
  if (!Number.isFinite(millis)) return Effect.never
  return Effect.callback((resume) => {
    const rest = millis > longestTimer ? sleepMillis(millis - longestTimer) : Effect.void
    const timer = setTimeout(() => resume(rest), Math.min(millis, longestTimer))
    timer.unref()
    return Effect.sync(() => clearTimeout(timer))
  })
}

const system: Clock.Clock = Context.get(Context.empty(), Clock.Clock)

/** The system's clock, except that a token that is to be refreshed in an hour is no reason for a script to go on. */
export const unrefClock: Clock.Clock = Object.assign(Object.create(system) as Clock.Clock, {
  sleep: (duration: Duration.Duration) => sleepMillis(Duration.toMillis(duration))
})
