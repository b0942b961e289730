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

interface Options {
  readonly fork: Background.Background["fork"]
  readonly places: number
  /** Of each access; nobody waits at a gate where nobody was answered for so long. */
  readonly limit: Background.Limit
}

/** The places, and those who wait for one. */
const makePlaces = ({ fork, limit, places }: Options, standstill: Gate["standstill"]) => {
  type Turn = Deferred.Deferred<void, TimedOut>
  const urgent = new Set<Turn>()
  const others = new Set<Turn>()
  let watcher: Fiber.Fiber<void> | undefined
  let free = places

  /** Lets those go who wait while nobody is answered: each of them would only find out the same. */
  const watch = Effect.map(standstill(limit.millis), () => {
    for (const turn of [...urgent, ...others]) Deferred.doneUnsafe(turn, timedOut(limit))
    urgent.clear()
    others.clear()
    watcher = undefined
  })

  const forget = (turn: Turn) => {
    if (!others.delete(turn)) urgent.delete(turn)
    if (others.size + urgent.size > 0) return
    // One who watches over nobody would hold up the end of the layer.
    watcher?.interruptUnsafe()
    watcher = undefined
  }

  const leave = () => {
    for (const next of urgent.size > 0 ? urgent : others) {
      forget(next)
      Deferred.doneUnsafe(next, Exit.void)
      return
    }
    free++
  }

  const enter = (isUrgent: boolean): Effect.Effect<void, TimedOut> =>
    Effect.suspend(() => {
      if (free > 0) {
        free--
        return Effect.void
      }
      const turn: Turn = Deferred.makeUnsafe()
      const waiting = isUrgent ? urgent : others
      waiting.add(turn)
      watcher ??= fork(watch)
      return Effect.onInterrupt(Deferred.await(turn), () =>
        Effect.sync(() => {
          forget(turn)
          // One that was called in this moment leaves its place to the next.
          if (turn.effect === Exit.void) leave()
        }))
    })

  return { enter, leave }
}

const timedOut = ({ millis, option }: Background.Limit) => Exit.fail(new TimedOut({ option, limitMillis: millis }))

export const make = (options: Options): Gate => {
  const { fork, limit } = options
  let answers = 0

  const standstill = Effect.fnUntraced(function*(millis: number) {
    for (let seen = -1; seen !== answers;) {
      seen = answers
      yield* Background.sleepUnhurried(millis)
    }
  })

  const { enter, leave } = makePlaces(options, standstill)

  const start = <A, E>(access: Effect.Effect<A, E>): Access<A, E> => {
    let inside = true
    const abandon = () => {
      if (inside) leave()
      inside = false
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

  const within = <A, E>(access: Effect.Effect<A, E>) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(restore(begin(access)), ({ abandon, fiber }) => {
        const giveUp = Effect.sync(() => void fork(Background.endOrAbandon(fiber, abandon)))
        return restore(Background.exitWithin(fiber, limit.millis)).pipe(
          Effect.onInterrupt(() => giveUp),
          Effect.flatMap((exit): Effect.Effect<A, E | TimedOut | Defect> =>
            exit !== undefined ? Background.typed(exit) : Effect.andThen(giveUp, timedOut(limit))
          )
        )
      })
    )

  return { begin, within, standstill }
}
