/** One mint among many processes: under a lease, else without one. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Background from "../concurrency/Background.ts"
import * as Fence from "../services/Fence.ts"
import { labelOf, type Lease, LeaseError, type LeaseScope, nameOf } from "../services/Lease.ts"
import { Defect, fromDefect, type MissReason } from "../services/MissReason.ts"
import type { Candidate } from "../services/TokenSource.ts"

/** A token, or why what was minted is of no use. */
export type Answer = Exit.Exit<Candidate, MissReason>

/** What a mint left behind. */
export interface Minted {
  readonly answer: Answer
  /** Ends when the answer is in the store for others, `true`, or is known not to get there. */
  readonly stored: Effect.Effect<boolean>
}

/**
 * Gets a token that may be in the store already or be minted.
 *
 * **Details**
 *
 * Holding the lease of the organization or app it looks into the store, where the owner before may have left a token, and mints
 * if there is none; it answers at once then, and gives the lease back when the token is in the store, where those who
 * wait find it. A lease that cannot be had within the limit, or asked for at all, is done without, and reported.
 */
export type LeasedMint = (
  scope: LeaseScope,
  found: Effect.Effect<Answer | undefined>,
  mint: Mint
) => Effect.Effect<Candidate, MissReason>

/** Mints, and begins to store what it minted; only what is wrapped in `interruptible` can be interrupted. */
export type Mint = (
  fence: number,
  interruptible: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
) => Effect.Effect<Minted, MissReason>

export const make = (options: {
  readonly lease: Lease
  readonly background: Background.Background
  readonly waitMillis: number
  /** A token is minted without the lease. */
  readonly onMissing: (name: string, error: LeaseError) => Effect.Effect<void>
}): LeasedMint => {
  const { background, lease, onMissing, waitMillis } = options

  return Effect.fnUntraced(function*(scope, found, mint) {
    const missing = (why: string) => new LeaseError({ scope: labelOf(scope), why })
    const answered = Deferred.makeUnsafe<Candidate, MissReason>()
    /** Why there is no lease; `undefined` once the answer is this run's to give. */
    const decided = Deferred.makeUnsafe<LeaseError | undefined>()
    const run = { begun: false, abandoned: false }

    const done = (answer: Answer) =>
      Effect.sync(() => {
        Deferred.doneUnsafe(decided, Exit.succeed(undefined))
        Deferred.doneUnsafe(answered, answer)
      })

    const begin = Effect.suspend(() => {
      if (run.abandoned) return Effect.interrupt
      run.begun = true
      Deferred.doneUnsafe(decided, Exit.succeed(undefined))
      return Effect.void
    })

    // Answered, the caller may close the layer at once: from the mint on nothing parts the token from the store.
    const holding = (fence: number) =>
      Effect.uninterruptibleMask(Effect.fnUntraced(function*(restore) {
        yield* begin
        const left = yield* restore(found)
        if (left !== undefined) {
          // Nobody waits until the lease is given back.
          yield* done(left)
          return left
        }
        const { answer, stored } = yield* mint(fence, restore)
        yield* done(answer)
        // Those who wait for the lease would wait for nothing: it is given back as one that failed.
        if (!(yield* stored)) return yield* new Defect({ kind: "NotStored" })
        return answer
      }))

    const withLease = Effect.exit(
      Effect.suspend(() =>
        lease.withLease(scope, ({ fence }) => holding(fence), Effect.map(found, Option.fromUndefinedOr))
      )
    ).pipe(
      Effect.flatMap(Background.typed),
      Effect.matchEffect({
        onSuccess: done,
        onFailure: (reason) => {
          if (run.begun) return done(Exit.fail(reason._tag === "LeaseError" ? fromDefect(reason) : reason))
          // By its tag: it may be of another copy of this package.
          const error = reason._tag === "LeaseError"
            ? reason
            : missing(`asking for it failed: ${reason.message}`)
          return Effect.sync(() => Deferred.doneUnsafe(decided, Exit.succeed(error)))
        }
      })
    )
    const fiber = background.fork(withLease)

    // A lease that is free begins at once: then there is nothing to wait for.
    const waited = run.begun
      ? Option.none()
      : yield* Effect.timeoutOption(Deferred.await(decided), Duration.millis(waitMillis)).pipe(
        Effect.onInterrupt(() => Effect.sync(() => fiber.interruptUnsafe()))
      )
    if (run.begun || (Option.isSome(waited) && waited.value === undefined)) {
      return yield* Effect.onInterrupt(Deferred.await(answered), () => Effect.sync(() => fiber.interruptUnsafe()))
    }
    run.abandoned = true
    fiber.interruptUnsafe()
    const seconds = Duration.format(Duration.millis(waitMillis))
    const error = Option.getOrElse(waited, () => undefined) ??
      missing(`it could not be had within leaseWait (${seconds})`)
    yield* onMissing(nameOf(scope), error)
    const { answer } = yield* mint(Fence.after(undefined, yield* Clock.currentTimeMillis), (effect) => effect)
    return yield* answer
  })
}
