/** One mint among many processes: under a lease, else without one. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Background from "../concurrency/Background.ts"
import * as MintPolicy from "../policy/MintPolicy.ts"
import * as Fence from "../services/Fence.ts"
import type { FlyCallOptions } from "../services/FlyCli.ts"
import { labelOf, type Lease, LeaseError, type LeaseScope, nameOf } from "../services/Lease.ts"
import { Defect, fromDefect, type MissReason } from "../services/MissReason.ts"
import type { Candidate } from "../services/TokenSource.ts"
import * as CliCalls from "./CliCalls.ts"
import type { MintPauses } from "./MintPauses.ts"
import type { MintRecords } from "./MintRecords.ts"
import type { Target } from "./Targets.ts"

/** A token, or why what was minted is of no use. */
export type Answer = Exit.Exit<Candidate, MissReason>

/** What a mint left behind. */
interface Minted {
  readonly answer: Answer
  /** Ends when the answer is in the store for others, `true`, or is known not to get there. */
  readonly stored: Effect.Effect<boolean>
}

/** Mints, and begins to store what it minted; only what is wrapped in `interruptible` can be interrupted. */
type Mint = (
  fence: number,
  interruptible: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
) => Effect.Effect<Minted, MissReason>

export interface Options {
  readonly cli: CliCalls.CliCalls
  readonly pauses: MintPauses
  readonly records: Pick<MintRecords, "leave" | "remember">
  readonly background: Background.Background
  readonly settings: Pick<MintPolicy.MintSettings, "ttlMillis" | "leaseWaitMillis">
  readonly lease: Lease
  /** A token is minted without the lease. */
  readonly onLeaseMissing: (name: string, error: LeaseError) => Effect.Effect<void>
}

/** Runs flyctl, judges what it gave, and leaves it in the store for others. */
const mint = (options: Options, target: Target, call: FlyCallOptions): Mint => {
  const { background, cli, pauses, records, settings } = options
  const { asker, label, owner } = target
  // Where each credential means another organization there is only the one that was meant.
  const run = asker === undefined
    ? CliCalls.withEither(call, (by) => cli.mint(owner, by))
    : cli.mint(owner, asker.by)

  return Effect.fnUntraced(function*(fence, interruptible) {
    // Begun before flyctl runs, when it ends somebody else may be logged in; and not waited for, the config file may hang.
    const login = Background.valueOf(background.fork(cli.login(asker?.by ?? call)))
    const result = yield* interruptible(Effect.result(run))
    const now = yield* Clock.currentTimeMillis
    if (Result.isFailure(result)) {
      pauses.failed(label, { reason: result.failure, at: now }, login)
      return yield* Effect.fail(result.failure)
    }
    const candidate: Candidate = { token: result.success, acquiredAt: now, fence }
    const reason = MintPolicy.unusable(candidate.token, now, settings.ttlMillis)
    if (reason !== undefined) pauses.unusable(label, { reason, at: now }, login)
    else {
      pauses.end(label)
      records.remember(target, candidate, now)
    }
    const left = records.leave(target, candidate, reason === undefined ? undefined : login)
    // Refused for a newer one: that is what those who wait find.
    const stored = Effect.map(left, (isWritten) => isWritten !== undefined)
    if (reason !== undefined) return { answer: Exit.fail(reason), stored }
    const written = Effect.map(left, (isWritten) => isWritten === true)
    return { answer: Exit.succeed("org" in owner ? candidate : { ...candidate, written }), stored }
  })
}

/**
 * **Details**
 *
 * Holding the lease it looks into the store, where the owner before may have left a token, and mints if there is none; it
 * answers at once then, and gives the lease back when the token is in the store, where those who wait find it. A lease
 * that cannot be had within the limit, or asked for at all, is done without, and reported.
 */
const underLease = Effect.fnUntraced(function*(
  { background, lease, onLeaseMissing, settings: { leaseWaitMillis } }: Options,
  scope: LeaseScope,
  found: Effect.Effect<Answer | undefined>,
  mint: Mint
): Effect.fn.Return<Candidate, MissReason> {
  const missing = (why: string) => new LeaseError({ scope: labelOf(scope), why })
  const answered = Deferred.makeUnsafe<Candidate, MissReason>()
  /** Fails with why there is no lease; ends once the answer is this run's to give. */
  const decided = Deferred.makeUnsafe<void, LeaseError>()
  const run = { begun: false, abandoned: false }

  const done = (answer: Answer) =>
    Effect.sync(() => {
      Deferred.doneUnsafe(decided, Exit.void)
      Deferred.doneUnsafe(answered, answer)
    })

  const begin = Effect.suspend(() => {
    if (run.abandoned) return Effect.interrupt
    run.begun = true
    Deferred.doneUnsafe(decided, Exit.void)
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

  const fiber = background.fork(
    Effect.suspend(() =>
      lease.withLease(scope, ({ fence }) => holding(fence), Effect.map(found, Option.fromUndefinedOr))
    ).pipe(
      Effect.exit,
      Effect.flatMap(Background.typed),
      Effect.matchEffect({
        onSuccess: done,
        onFailure: (reason) => {
          if (run.begun) return done(Exit.fail(reason._tag === "LeaseError" ? fromDefect(reason) : reason))
          // By its tag: it may be of another copy of this package.
          const error = reason._tag === "LeaseError" ? reason : missing(`asking for it failed: ${reason.message}`)
          return Effect.sync(() => Deferred.doneUnsafe(decided, Exit.fail(error)))
        }
      })
    )
  )
  const interrupting = Effect.onInterrupt(() => Effect.sync(() => fiber.interruptUnsafe()))

  const waited = Effect.result(
    Effect.timeoutOrElse(Deferred.await(decided), {
      duration: leaseWaitMillis,
      orElse: () => {
        const seconds = Duration.format(Duration.millis(leaseWaitMillis))
        return Effect.fail(missing(`it could not be had within leaseWait (${seconds})`))
      }
    })
  )
  // A lease that is free begins at once: then there is nothing to wait for.
  const lacking = run.begun ? undefined : Result.getFailure(yield* interrupting(waited))
  if (run.begun || lacking === undefined || Option.isNone(lacking)) return yield* interrupting(Deferred.await(answered))
  run.abandoned = true
  fiber.interruptUnsafe()
  yield* onLeaseMissing(nameOf(scope), lacking.value)
  return yield* alone(mint)
})

const alone = Effect.fnUntraced(function*(mint: Mint): Effect.fn.Return<Candidate, MissReason> {
  const { answer } = yield* mint(Fence.after(undefined, yield* Clock.currentTimeMillis), (effect) => effect)
  return yield* answer
})

/**
 * A new token for a target, as flyctl is called with these options; by one process of all that share the store, if `found`
 * looks into that.
 */
export const run = (
  options: Options,
  target: Target,
  call: FlyCallOptions,
  found: Effect.Effect<Answer | undefined> | undefined
): Effect.Effect<Candidate, MissReason> => {
  const minting = mint(options, target, call)
  return found === undefined || target.scope === undefined
    ? alone(minting)
    : underLease(options, target.scope, found, minting)
}
