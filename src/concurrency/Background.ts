/** Fibers that no caller owns: calls of sources, which may never answer, and writes to the store. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { Defect, fromDefect, TimedOut } from "../services/MissReason.ts"

/** How long closing waits for writes and for calls that are being interrupted. */
export const closeLimit: Duration.Duration = Duration.seconds(5)

export interface Background {
  /**
   * Runs in the layer's context; interrupted when the layer closes, which waits for its end at most 5 s. From then on
   * nothing new begins: the fiber is interrupted before its first step.
   */
  readonly fork: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  /** Like `fork`, but closing the layer lets it begin and finish: for 5 s, then it is interrupted too. */
  readonly forkWrite: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  /** Whether writes are interrupted too: closing has ended. */
  readonly closed: () => boolean
}

/** Fibers that are to begin and end before something closes. */
interface Group {
  readonly fibers: Set<Fiber.Fiber<unknown, unknown>>
  open: boolean
}

/** Ends what runs and lets nothing new begin. */
const shut = (group: Group): void => {
  group.open = false
  for (const fiber of group.fibers) fiber.interruptUnsafe()
}

/**
 * Waits until there are no more fibers, those included that begin meanwhile; at most {@link closeLimit}.
 *
 * **Details**
 *
 * For finalizers. A finalizer runs on a fiber that may have been interrupted, and there whatever is `interruptible` ends at
 * once; so this is not, and what it waits in is a fiber of its own (`timeoutOption`).
 */
export const ended = (running: () => ReadonlyArray<Fiber.Fiber<unknown, unknown>>): Effect.Effect<void> => {
  const none: Effect.Effect<void> = Effect.suspend(() => {
    const fibers = running()
    return fibers.length === 0 ? Effect.void : Effect.andThen(Fiber.awaitAll(fibers), none)
  })
  return Effect.suspend(() =>
    running().length === 0 ? Effect.void : Effect.asVoid(Effect.timeoutOption(none, closeLimit))
  ).pipe(Effect.uninterruptible)
}

export const make: Effect.Effect<Background, never, Scope.Scope> = Effect.gen(function*() {
  const context: Context.Context<never> = yield* Effect.context<never>()
  const calls: Group = { fibers: new Set(), open: true }
  const writes: Group = { fibers: new Set(), open: true }

  const forkInto = (group: Group) => <A, E>(effect: Effect.Effect<A, E>): Fiber.Fiber<A, E> => {
    const fiber = Effect.runForkWith(context)(group.open ? effect : Effect.interrupt)
    if (fiber.pollUnsafe() !== undefined) return fiber
    group.fibers.add(fiber)
    fiber.addObserver(() => group.fibers.delete(fiber))
    return fiber
  }

  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      shut(calls)
      return Effect.andThen(
        ended(() => [...calls.fibers, ...writes.fibers]),
        Effect.sync(() => shut(writes))
      )
    }).pipe(Effect.uninterruptible)
  )

  return { fork: forkInto(calls), forkWrite: forkInto(writes), closed: () => !writes.open }
})

/** The value of a fiber, waited for; `undefined` if it did not come to one. */
export const valueOf = <A>(fiber: Fiber.Fiber<A, unknown>): Effect.Effect<A | undefined> =>
  Effect.map(Fiber.await(fiber), (exit) => Exit.isSuccess(exit) ? exit.value : undefined)

/** A timer that is so late shows that the event loop was busy. */
const lateMillis = 50

/**
 * Sleeps so long, and by as much longer as the timer was late: for limits of time. While the event loop is busy, with our
 * own work too, an answer may be there that nobody has read yet. At most so long again: in a process whose event loop is
 * always late, limits end too.
 */
export const sleepUnhurried = Effect.fnUntraced(function*(millis: number) {
  let spare = millis
  for (let left = millis; left > 0;) {
    const began = yield* Clock.monotonicTimeNanos
    yield* Effect.sleep(Duration.millis(left))
    const late = Number((yield* Clock.monotonicTimeNanos) - began) / 1e6 - left
    left = late > lateMillis ? Math.min(late, spare) : 0
    spare -= left
  }
})

/** The end of a fiber, waited for at most so long; `undefined` if it did not come. The fiber is not touched. */
export const exitWithin = <A, E>(
  fiber: Fiber.Fiber<A, E>,
  limitMillis: number
): Effect.Effect<Exit.Exit<A, E> | undefined> =>
  Effect.suspend(() => {
    const exit = fiber.pollUnsafe()
    return exit !== undefined
      ? Effect.succeed(exit)
      : Effect.raceFirst(Fiber.await(fiber), Effect.as(sleepUnhurried(limitMillis), undefined))
  })

/**
 * How long what was interrupted may take to end before its place is given to another one: a child process is sent
 * SIGTERM, and 2 s later SIGKILL.
 */
export const endingGraceMillis = 5_000

/**
 * Interrupts a fiber and waits for its end, at most {@link endingGraceMillis}; then its place is given back, whatever it
 * still does, so that nothing is stuck behind it. Answers whether it ended.
 */
export const endOrAbandon = <A, E>(fiber: Fiber.Fiber<A, E>, abandon: () => void): Effect.Effect<boolean> =>
  Effect.suspend(() => {
    fiber.interruptUnsafe()
    return Effect.map(exitWithin(fiber, endingGraceMillis), (exit) => {
      if (exit === undefined) abandon()
      return exit !== undefined
    })
  })

/**
 * An exit of other people's code as a value or a typed reason: a defect tells its kind, an interruption from inside
 * counts as a defect.
 */
export const typed = <A, E>(exit: Exit.Exit<A, E>): Effect.Effect<A, E | Defect> => {
  if (Exit.isSuccess(exit)) return exit
  for (const reason of exit.cause.reasons) {
    if (Cause.isFailReason(reason)) return Effect.fail(reason.error)
  }
  for (const reason of exit.cause.reasons) {
    if (Cause.isDieReason(reason)) return Effect.fail(fromDefect(reason.defect))
  }
  return Effect.fail(new Defect({ kind: "Interrupted" }))
}

/** A limit of time, and the option that sets it. */
export interface Limit {
  readonly option: string
  readonly millis: number
}

/**
 * Runs other people's code in a fiber of its own and waits for it at most so long. Past the limit it is interrupted
 * and left to itself: the wait ends even if it never answers the interruption.
 */
export const within = <A, E>(
  fork: Background["fork"],
  effect: Effect.Effect<A, E>,
  limit: Limit
): Effect.Effect<A, E | Defect | TimedOut> =>
  Effect.suspend(() => {
    const fiber = fork(effect)
    return exitWithin(fiber, limit.millis).pipe(
      Effect.onInterrupt(() => Effect.sync(() => fiber.interruptUnsafe())),
      Effect.flatMap((exit): Effect.Effect<A, E | Defect | TimedOut> => {
        if (exit !== undefined) return typed(exit)
        fiber.interruptUnsafe()
        return Effect.fail(new TimedOut({ option: limit.option, limitMillis: limit.millis }))
      })
    )
  })

/** Runs to its end also when the caller goes away, for steps in memory and in the store that must not part. */
export const finishing = <A, E>(background: Background, effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.suspend(() => Fiber.join(background.forkWrite(effect)))
