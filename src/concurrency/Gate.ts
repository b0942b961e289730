/**
 * A gate before what may be slow or hang, the store or the `fly` command: so many accesses at once, each with its limit of
 * time from its own start.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { type Defect, TimedOut } from "../services/MissReason.ts"
import * as Background from "./Background.ts"

/** An access that has begun. */
export interface Access<A, E> {
  readonly fiber: Fiber.Fiber<A, E>
  /** Gives its place to another one although it has not ended. */
  readonly abandon: () => void
}

export interface Gate {
  /** Begins an access when there is a place, an urgent one first. Waiting for one ends when there is a standstill. */
  readonly begin: <A, E>(access: Effect.Effect<A, E>, urgent?: boolean) => Effect.Effect<Access<A, E>, TimedOut>
  /** An access from its beginning to its end, within the limit. */
  readonly within: <A, E>(access: Effect.Effect<A, E>) => Effect.Effect<A, E | TimedOut | Defect>
  /** Ends when nobody was answered for so long. */
  readonly standstill: (millis: number) => Effect.Effect<void>
}

export const make = (options: {
  readonly fork: Background.Background["fork"]
  readonly places: number
  /** Of each access; nobody waits at a gate where nobody was answered for so long. */
  readonly limit: { readonly option: string; readonly millis: number }
}): Gate => {
  const { fork, limit } = options
  const waiting = new Set<Deferred.Deferred<void, TimedOut>>()
  const urgently = new Set<Deferred.Deferred<void, TimedOut>>()
  let watcher: Fiber.Fiber<void> | undefined
  let free = options.places
  let answers = 0
  const timedOut = () => new TimedOut({ option: limit.option, limitMillis: limit.millis })

  const forget = (turn: Deferred.Deferred<void, TimedOut>) => {
    if (!waiting.delete(turn)) urgently.delete(turn)
    if (waiting.size + urgently.size > 0) return
    // One who watches over nobody would hold up the end of the layer.
    watcher?.interruptUnsafe()
    watcher = undefined
  }

  const leave = () => {
    for (const next of urgently.size > 0 ? urgently : waiting) {
      forget(next)
      Deferred.doneUnsafe(next, Exit.void)
      return
    }
    free++
  }

  const standstill = Effect.fnUntraced(function*(millis: number) {
    for (let seen = -1; seen !== answers;) {
      seen = answers
      yield* Background.sleepUnhurried(millis)
    }
  })

  /** Lets those go who wait while nobody is answered: each of them would only find out the same. */
  const watch = Effect.gen(function*() {
    while (waiting.size + urgently.size > 0) {
      const seen = answers
      yield* Background.sleepUnhurried(limit.millis)
      if (seen !== answers) continue
      for (const each of [...urgently, ...waiting]) Deferred.doneUnsafe(each, Exit.fail(timedOut()))
      urgently.clear()
      waiting.clear()
    }
    watcher = undefined
  })

  /** A place. */
  const enter = (urgent: boolean): Effect.Effect<void, TimedOut> =>
    Effect.suspend(() => {
      if (free > 0) {
        free--
        return Effect.void
      }
      const turn = Deferred.makeUnsafe<void, TimedOut>()
      ;(urgent ? urgently : waiting).add(turn)
      watcher ??= fork(watch)
      return Effect.onInterrupt(Deferred.await(turn), () =>
        Effect.sync(() => {
          forget(turn)
          // One that was called in this moment leaves its place to the next.
          if (turn.effect === Exit.void) leave()
        }))
    })

  const start = <A, E>(access: Effect.Effect<A, E>): Access<A, E> => {
    let inside = true
    const abandon = () => {
      if (!inside) return
      inside = false
      leave()
    }
    const fiber = fork(access)
    fiber.addObserver((exit) => {
      // One that had to be interrupted was no answer.
      if (Exit.isSuccess(exit) || !Cause.hasInterruptsOnly(exit.cause)) answers++
      abandon()
    })
    return { fiber, abandon }
  }

  const begin: Gate["begin"] = (access, urgent = false) =>
    Effect.uninterruptibleMask((restore) => Effect.map(restore(enter(urgent)), () => start(access)))

  const within: Gate["within"] = <A, E>(access: Effect.Effect<A, E>) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(
        restore(begin(access)),
        ({ abandon, fiber }) => {
          const giveUp = Effect.sync(() => void fork(Background.endOrAbandon(fiber, abandon)))
          return restore(Background.exitWithin(fiber, limit.millis)).pipe(
            Effect.onInterrupt(() => giveUp),
            Effect.flatMap((exit): Effect.Effect<A, E | TimedOut | Defect> =>
              exit !== undefined ? Background.typed(exit) : Effect.andThen(giveUp, Effect.fail(timedOut()))
            )
          )
        }
      )
    )

  return { begin, within, standstill }
}
