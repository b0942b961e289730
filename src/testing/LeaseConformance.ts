/**
 * The contract of `Lease` as checks that run against any implementation.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Lease, type LeaseScope } from "../services/Lease.ts"
import * as Conformance from "./Conformance.ts"

const { failure, hold, same } = Conformance

/**
 * What the lease under test promises.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface LeaseConformanceOptions {
  /** Whether two builds of the layer, as two processes have them, keep each other out. Default true. */
  readonly shared?: boolean | undefined
}

const withLease = <A, E, R>(
  scope: LeaseScope,
  use: (fence: number) => Effect.Effect<A, E, R>,
  instead?: Effect.Effect<Option.Option<A>>
) => Effect.flatMap(Lease, (lease) => lease.withLease(scope, ({ fence }) => use(fence), instead))

const isFree = (scope: LeaseScope) => withLease(scope, () => Effect.succeed("free"), Effect.succeedSome("taken"))

/** Takes the lease and keeps it, until it is interrupted or `end` does. */
const keep = Effect.fnUntraced(function*<E>(scope: LeaseScope, end: Effect.Effect<never, E> = Effect.never) {
  const taken = yield* Deferred.make<void>()
  const fiber = yield* Effect.forkChild(
    withLease(scope, () => Effect.andThen(Deferred.succeed(taken, undefined), end))
  )
  yield* Effect.raceFirst(Deferred.await(taken), Effect.asVoid(Fiber.join(fiber)))
  return fiber
})

/** Counts how many are inside at once. */
const meter = () => {
  const state = { inside: 0, most: 0, fences: [] as Array<number> }
  const use = (fence: number) =>
    Effect.acquireUseRelease(
      Effect.sync(() => {
        state.fences.push(fence)
        state.most = Math.max(state.most, ++state.inside)
      }),
      // Long enough that another one would come in if it could.
      () => Effect.sleep("20 millis"),
      () => Effect.sync(() => state.inside--)
    )
  return { state, use }
}

/** Eight that want it at once, each of them run by `run`. */
const exclusive = <E>(run: <A, E2>(effect: Effect.Effect<A, E2>) => Effect.Effect<A, E | E2>) =>
  function*(org: string): Effect.fn.Return<void, unknown> {
    const { state, use } = meter()
    yield* Effect.all(Array.from({ length: 8 }, () => run(withLease({ org }, use))), { concurrency: "unbounded" })
    yield* same("how many hold it at once", state.most, 1)
    yield* same("how many held it", state.fences.length, 8)
    yield* hold(
      "each fence is higher than the one before",
      state.fences.every((fence, n) => Number.isSafeInteger(fence) && (n === 0 || fence > state.fences[n - 1]!)),
      state.fences
    )
  }

/** Four that wait for a holder which fails. */
const goOnTogether = function*(org: string): Effect.fn.Return<void, unknown> {
  const fail = yield* Deferred.make<never, string>()
  const holder = yield* keep({ org }, Deferred.await(fail))
  const everybody = yield* Deferred.make<void>()
  const fences = new Set<number>()
  let looks = 0
  const enter = (fence: number) =>
    Effect.suspend(() => {
      fences.add(fence)
      if (fences.size === 4) Deferred.doneUnsafe(everybody, Exit.void)
      return Deferred.await(everybody)
    })
  const look = Effect.sync(() => {
    looks++
    return Option.none<void>()
  })
  const waiters = yield* Effect.forEach(
    Array.from({ length: 4 }),
    () => Effect.forkChild(withLease({ org }, enter, look))
  )
  // Until all of them wait.
  yield* Effect.repeat(Effect.sleep("10 millis"), { until: () => looks >= 8 })
  yield* Deferred.fail(fail, "own")
  const met = yield* Effect.timeoutOption(Fiber.awaitAll(waiters), "10 seconds")
  yield* hold("each waits until all of them are inside, with a fence of its own", Option.isSome(met), fences.size)
  yield* Fiber.await(holder)
  const { state, use } = meter()
  yield* withLease({ org }, use)
  yield* Effect.all(Array.from({ length: 4 }, () => withLease({ org }, use)), { concurrency: "unbounded" })
  yield* same("how many hold it at once afterwards", state.most, 1)
}

/**
 * The checks, for a runner of your own; {@link suite} registers them with a common one.
 *
 * @category checks
 * @since 0.1.0
 * @stability stable
 */
export const checks = <E>(
  layer: Layer.Layer<never, E>,
  options: LeaseConformanceOptions = {}
): ReadonlyArray<Conformance.Check> => {
  const check = Conformance.checksOf(layer)

  const withinProcess: ReadonlyArray<Conformance.Check> = [
    check("one holds a lease at a time, and all get it in turn", 1, exclusive((effect) => effect)),

    check("leases of different scopes do not wait for each other", 1, function*(org) {
      const fiber = yield* keep({ org })
      yield* same("the same scope", yield* isFree({ org }), "taken")
      yield* same("another organization", yield* isFree({ org: `${org}-b` }), "free")
      yield* same("the app of that name", yield* isFree({ app: org }), "free")
      yield* Fiber.interrupt(fiber)
    }),

    check("a lease is free when its holder failed or was interrupted", 1, function*(org) {
      const error = yield* failure("the holder's own failure comes out", withLease({ org }, () => Effect.fail("own")))
      yield* same("the holder's own failure", error, "own")
      yield* same("after a failure", yield* isFree({ org }), "free")
      yield* Effect.exit(withLease({ org }, () => Effect.die("a defect")))
      yield* same("after a defect", yield* isFree({ org }), "free")
      yield* Fiber.interrupt(yield* keep({ org }))
      yield* same("after an interruption", yield* isFree({ org }), "free")
    }),

    check("whoever waits can be interrupted, and leaves nothing behind", 1, function*(org) {
      const holder = yield* keep({ org })
      const waiter = yield* Effect.forkChild(withLease({ org }, () => Effect.void))
      yield* Effect.sleep("60 millis")
      yield* Fiber.interrupt(waiter)
      yield* Fiber.interrupt(holder)
      yield* same("afterwards", yield* isFree({ org }), "free")
    }),

    check("those who waited for a holder that failed go on together, and only they", 1, goOnTogether),

    check("what is found meanwhile ends the wait", 1, function*(org) {
      const holder = yield* keep({ org })
      let looks = 0
      const found = Effect.sync(() => ++looks < 3 ? Option.none<string>() : Option.some("found"))
      const answer = yield* withLease({ org }, () => Effect.succeed("used"), found)
      yield* same("the answer", answer, "found")
      yield* same("how often it was looked for", looks, 3)
      yield* same("the lease is still its holder's", yield* isFree({ org }), "taken")
      yield* Fiber.interrupt(holder)
    }),

    check("what cannot name an organization is refused", 0, function*() {
      for (const org of ["", "../x", "a b", "A", "x".repeat(64)]) {
        const error = yield* failure("it fails with LeaseError", withLease({ org }, () => Effect.void))
        yield* same("the tag", error._tag, "LeaseError")
      }
    })
  ]

  if (options.shared === false) return withinProcess
  const betweenProcesses = exclusive((effect) => Conformance.apart(effect, layer))
  return [...withinProcess, check("processes keep each other out", 1, betweenProcesses)]
}

/**
 * Registers the checks with a test runner.
 *
 * **Example** (Your own lease)
 *
 * ```ts
 * import { LeaseLocal } from "effect-fly-tokens"
 * import { LeaseConformance, type Test } from "effect-fly-tokens/testing"
 *
 * declare const test: Test
 *
 * LeaseConformance.suite(test, LeaseLocal.layer(), { shared: false })
 * ```
 *
 * @category checks
 * @since 0.1.0
 * @stability stable
 */
export const suite = <E>(
  test: Conformance.Test,
  layer: Layer.Layer<never, E>,
  options?: LeaseConformanceOptions
): void => Conformance.register(test, checks(layer, options))
