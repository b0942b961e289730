/** Much work at once, some at a time: between two of them the event loop has its turn. */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

/** So many go on before others have their turn: that many runs at once are a few milliseconds. */
const atOnce = 32

/**
 * Whoever comes first in a turn of the event loop goes on at once; the others wait for one of the next turns, in order.
 */
export interface Turns {
  readonly turn: Effect.Effect<void>
  /** Waits for a fiber as `Fiber.join` does; however many wait for it, they do not go on in one turn. */
  readonly join: <A, E>(fiber: Fiber.Fiber<A, E>) => Effect.Effect<A, E>
}

/** `fork` decides whose scope the fiber lives in that lets the waiting ones go on. */
export const make = (fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>): Turns => {
  const waiting: Array<() => void> = []
  let left = atOnce
  let isCounting = false

  const nextTurns = Effect.gen(function*() {
    for (;;) {
      yield* Effect.yieldNow
      const portion = waiting.splice(0, atOnce)
      left = atOnce - portion.length
      if (portion.length === 0) return
      for (const goOn of portion) goOn()
    }
  })

  const letAllGo = () => {
    isCounting = false
    left = atOnce
    // Only if the layer ends: nobody stays behind.
    for (const goOn of waiting.splice(0)) goOn()
  }

  const count = () => {
    if (isCounting) return
    isCounting = true
    // An observer and not a finalizer: once the layer has closed, the fiber ends before its first step.
    fork(nextTurns).addObserver(letAllGo)
  }

  /** At once, or in one of the next turns. */
  const pass = (goOn: () => void) => {
    count()
    if (left === 0) {
      waiting.push(goOn)
      return
    }
    left--
    goOn()
  }

  return {
    turn: Effect.callback((resume) => pass(() => resume(Effect.void))),
    join: (fiber) =>
      Effect.callback((resume) => {
        const forget = fiber.addObserver((exit) => pass(() => resume(exit)))
        return Effect.sync(forget)
      })
  }
}
