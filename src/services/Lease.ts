/**
 * The right to mint: one process has it, the others wait and use what it minted.
 *
 * @since 0.1.0
 * @stability stable
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import { isAppName } from "../token/AppName.ts"
import { quote } from "../token/Redaction.ts"
import { failure } from "./Failure.ts"
import * as Fence from "./Fence.ts"
import * as OptionDuration from "./OptionDuration.ts"
import type { InvalidOption } from "./TokenError.ts"

/**
 * What a lease is for: an organization by its slug, or one app.
 *
 * @category models
 */
export type LeaseScope = { readonly org: string } | { readonly app: string }

/**
 * A lease that is held.
 *
 * @category models
 */
export interface HeldLease {
  /** Goes into the record of what is minted under it: a store refuses it once there is a record with a newer one. */
  readonly fence: number
}

/** Why there is no lease, with the file that is to blame. */
export const whyAt = ({ path, why }: { readonly path?: string; readonly why: string }): string =>
  path === undefined ? why : `${path}: ${why}`

/**
 * A lease cannot be had: who keeps the leases cannot be reached, or does not answer in its time.
 *
 * @category errors
 */
export class LeaseError extends failure<LeaseError>()("LeaseError", {
  /** `org/<slug>` or `app/<name>`. */
  scope: Schema.String,
  /** A fixed sentence, with an error code where there is one. */
  why: Schema.String,
  /** The file, if one is to blame. */
  path: Schema.optionalKey(Schema.String)
}, {
  message: (error) => `lease ${error.scope}: ${whyAt(error)}`
}) {}

/**
 * How one look at a lease ended: it is held now, or somebody else has it, for `freeIn` more milliseconds at most.
 *
 * @category models
 */
export type Acquisition =
  | {
    readonly _tag: "Acquired"
    /** A whole number, higher than that of the acquisition before. */
    readonly fence: number
    /** Whether the one before was released as `failed`. */
    readonly afterFailure: boolean
  }
  | { readonly _tag: "Busy"; readonly freeIn: number }

/**
 * Who keeps leases. `scope` is `org/<slug>` or `app/<name>`, `owner` a text of its own for each call of `withLease`,
 * made of letters, digits and dashes. It may fail with anything: `why` says what to tell of it, and a `LeaseError` is
 * passed on.
 *
 * @category models
 */
export interface LeaseBacking<E = never> {
  /**
   * Takes the lease for `ttlMillis`, in one step, if it is free, has ended, or is this owner's. Each acquisition has a
   * higher fence than the one before.
   */
  readonly acquire: (scope: string, owner: string, ttlMillis: number) => Effect.Effect<Acquisition, E | LeaseError>
  /** Lengthens it to `ttlMillis` from now on; `false` if it is not this owner's any more. */
  readonly renew: (scope: string, owner: string, ttlMillis: number) => Effect.Effect<boolean, E | LeaseError>
  /**
   * Ends it, if it is this owner's. With `failed` the next acquisition is told; the one after that not, unless it is
   * said again.
   */
  readonly release: (scope: string, owner: string, outcome: "done" | "failed") => Effect.Effect<void, E | LeaseError>
  /** A sentence about a failure, with an error code where there is one; nothing of what was sent. */
  readonly why?: (error: E) => string
}

/**
 * Options of every lease that ends by itself.
 *
 * @category models
 */
export interface LeaseOptions {
  /**
   * For how long a lease is held by an owner that does not renew it: how soon the others go on when it was suspended, or
   * died; with leases as files they see most deaths themselves, and do not wait. It is renewed after each third of this.
   * Default 30 seconds; from 1 second to 1 hour.
   */
  readonly ttl?: OptionDuration.DurationInput | undefined
}

/**
 * Makes one of many processes do something, while the others wait.
 *
 * **Details**
 *
 * Guaranteed: an owner that dies, or that is suspended, loses the lease when its time to live is over; whoever gets it
 * then has a higher fence. So two may believe that they have it, and the older one's records are refused. When a holder
 * fails, those who waited for it go on together: what failed for one need not be tried by the others one after another.
 * Not guaranteed: an order among those who wait.
 *
 * @category services
 */
export interface Lease {
  /**
   * Runs `use` while holding the lease. Waits for it without a limit of its own; while another one has it, `instead` is
   * run again and again, and its first answer ends the wait without `use`. Fails with `LeaseError` if the lease cannot
   * be asked for, and only before `use` began.
   */
  readonly withLease: <A, E, R, E2 = never, R2 = never>(
    scope: LeaseScope,
    use: (held: HeldLease) => Effect.Effect<A, E, R>,
    instead?: Effect.Effect<Option.Option<A>, E2, R2>
  ) => Effect.Effect<A, E | E2 | LeaseError, R | R2>
}

const defaultTtl = Duration.seconds(30)
const ttlRange: OptionDuration.Range = {
  least: Duration.seconds(1),
  most: Duration.hours(1),
  words: "from 1 second to 1 hour"
}

/** The limit of one access to who keeps the leases. */
const accessLimit = Duration.seconds(5)

const firstPause = 25
const longestPause = 500

/** The organization's slug, or the app's name. */
export const nameOf = (scope: LeaseScope): string => "org" in scope ? scope.org : scope.app

/** What tells an organization from an app of the same name: `org/<slug>` or `app/<name>`. */
export const labelOf = (scope: LeaseScope): string => `${"org" in scope ? "org" : "app"}/${nameOf(scope)}`

const isLeaseError = (error: unknown): error is LeaseError => Predicate.isTagged(error, "LeaseError")

/** Labels may become names of files and keys. */
const checkedLabel = (scope: LeaseScope): Effect.Effect<string, LeaseError> =>
  isAppName(nameOf(scope))
    ? Effect.succeed(labelOf(scope))
    : Effect.fail(
      new LeaseError({
        scope: "org" in scope ? "org" : "app",
        why: `${quote(String(nameOf(scope)))} cannot name a lease`
      })
    )

/** Who keeps the leases, each access within its limit of time. */
const accessTo = <E>(backing: LeaseBacking<E>, ttlMillis: number) => {
  const access = <A>(scope: string, call: Effect.Effect<A, E | LeaseError>): Effect.Effect<A, LeaseError> => {
    const failed = (why: string) => new LeaseError({ scope, why })
    return Effect.timeoutOrElse(
      Effect.mapError(
        call,
        (error) => isLeaseError(error) ? error : failed(backing.why?.(error) ?? "the backend failed")
      ),
      {
        duration: accessLimit,
        orElse: () => Effect.fail(failed(`no answer within ${Duration.format(accessLimit)}`))
      }
    )
  }
  return {
    acquire: (scope: string, owner: string) => access(scope, backing.acquire(scope, owner, ttlMillis)),
    /** Until it is lost; what cannot be renewed now may be later. */
    renewing: (scope: string, owner: string): Effect.Effect<void> =>
      Effect.repeat(
        Effect.delay(
          Effect.orElseSucceed(access(scope, backing.renew(scope, owner, ttlMillis)), () => true),
          Duration.millis(ttlMillis / 3)
        ),
        { while: (held) => held }
      ),
    /** What cannot be given back ends by itself. */
    release: (scope: string, owner: string, outcome: "done" | "failed") =>
      Effect.ignore(access(scope, backing.release(scope, owner, outcome)))
  }
}

const make = Effect.fnUntraced(function*<E = never>(
  backing: LeaseBacking<E>,
  options: LeaseOptions = {}
): Effect.fn.Return<Lease, InvalidOption> {
  const ttl = yield* OptionDuration.within("leaseTtl", options.ttl ?? defaultTtl, ttlRange)
  const { acquire, release, renewing } = accessTo(backing, Duration.toMillis(ttl))

  const waitFor = Effect.fnUntraced(function*<A, E, R>(
    scope: string,
    owner: string,
    instead: Effect.Effect<Option.Option<A>, E, R>
  ) {
    let waited = false
    for (let pause = firstPause;; pause = Math.min(pause * 1.5, longestPause)) {
      const taken = yield* acquire(scope, owner)
      if (taken._tag === "Acquired") {
        if (!Number.isSafeInteger(taken.fence)) {
          return yield* new LeaseError({ scope, why: "its fence is no whole number" })
        }
        return { fence: taken.fence, together: waited && taken.afterFailure }
      }
      waited = true
      const found = yield* instead
      if (Option.isSome(found)) return { found: found.value }
      const chance = 0.75 + 0.5 * (yield* Random.next)
      const free = taken.freeIn > 0 ? taken.freeIn : longestPause
      yield* Effect.sleep(Duration.millis(Math.ceil(Math.min(pause * chance, free))))
    }
  })

  return {
    withLease: Effect.fnUntraced(function*<A, E, R, E2 = never, R2 = never>(
      leaseScope: LeaseScope,
      use: (held: HeldLease) => Effect.Effect<A, E, R>,
      instead?: Effect.Effect<Option.Option<A>, E2, R2>
    ) {
      const scope = yield* checkedLabel(leaseScope)
      const owner = yield* Effect.sync(() => crypto.randomUUID())

      return yield* Effect.uninterruptibleMask((restore) => {
        const waiting = restore(waitFor(scope, owner, instead ?? Effect.succeedNone)).pipe(
          // What was asked for last may have been had all the same. Nobody who is told why waits for this; whoever is
          // interrupted does, so that a program that ends leaves no lease behind.
          Effect.onError((cause) => {
            const givenBack = release(scope, owner, "done")
            return Cause.hasInterrupts(cause) ? givenBack : Effect.forkDetach(givenBack)
          })
        )

        const holding = Effect.fnUntraced(function*(fence: number) {
          // Whoever keeps the leases may hang: nobody waits for the end of this.
          const renewal = yield* Effect.forkDetach(renewing(scope, owner))
          return yield* Effect.onExit(Effect.suspend(() => restore(use({ fence }))), (exit) => {
            renewal.interruptUnsafe()
            const failed = Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)
            return release(scope, owner, failed ? "failed" : "done")
          })
        })

        return Effect.flatMap(waiting, (ended): Effect.Effect<A, E, R> => {
          if ("found" in ended) return Effect.succeed(ended.found)
          return ended.together
            ? Effect.andThen(
              release(scope, owner, "failed"),
              restore(Effect.suspend(() => use({ fence: ended.fence })))
            )
            : holding(ended.fence)
        })
      })
    })
  }
})

/** Without coordination: everybody has the right at once. */
const uncoordinated: Lease = {
  withLease: (_, use) => Effect.flatMap(Clock.currentTimeMillis, (now) => use({ fence: Fence.after(undefined, now) }))
}

/**
 * The service. By default there is no coordination between processes: provide the layer of a `LeaseLocal`,
 * `LeaseFileSystem`, `LeaseRedis` or `LeaseSql`. `Lease.make` makes one over a backing of your own.
 *
 * **Example** (A lease over a lock service of yours)
 *
 * ```ts
 * import { Lease, type LeaseBacking } from "effect-fly-tokens"
 * import * as Layer from "effect/Layer"
 *
 * declare const locks: LeaseBacking
 *
 * const lease = Layer.effect(Lease, Lease.make(locks, { ttl: "20 seconds" }))
 * ```
 *
 * @category services
 */
export const Lease: Context.Reference<Lease> & {
  readonly make: <E = never>(
    backing: LeaseBacking<E>,
    options?: LeaseOptions
  ) => Effect.Effect<Lease, InvalidOption>
} = Object.assign(
  Context.Reference<Lease>("effect-fly-tokens/Lease", { defaultValue: () => uncoordinated }),
  { make }
)
