/** What the resolvers tell the outside: events, metrics, log lines. */
import type * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { SourceName } from "../services/SourceName.ts"
import type { Attempt } from "../services/TokenError.ts"
import type { TokenEvent } from "../services/TokenEvent.ts"

/**
 * How many events a subscriber may be behind before it loses the oldest: more than all apps of a large program have in a
 * moment in which no subscriber gets its turn.
 */
const eventCapacity = 65_536

export interface Telemetry {
  /** Tells those who listen; without any the event is not even made, because a fingerprint takes a digest. */
  readonly announce: (event: () => TokenEvent) => void
  readonly events: Stream.Stream<TokenEvent>
  /** Counts what each source answered in a run. */
  readonly onRun: (attempts: ReadonlyArray<Attempt>, found: SourceName | undefined) => void
  readonly onCliEnd: (tookMillis: number) => void
}

/** One series each, with its attributes from the start: adding them at each count takes longer than the count. */
const attempts = (source: SourceName, outcome: string) =>
  Metric.counter("fly_tokens_source_attempts", {
    description: "What sources answered, by source and outcome (`Found` or the tag of a reason)",
    attributes: { source, outcome },
    incremental: true
  })

const cliDuration = Metric.histogram("fly_tokens_cli_duration_milliseconds", {
  description: "How long runs of flyctl took",
  boundaries: [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 15_000, 30_000]
})

const cacheHits = Metric.counter("fly_tokens_cache_hits", {
  description: "How often the fast path answered",
  incremental: true
})

const liveResolvers = Metric.gauge("fly_tokens_live_resolvers", {
  description: "How many apps have a live resolver"
})

export const make = Effect.fnUntraced(function*(reading: {
  readonly hits: () => number
  readonly resolvers: () => number
}): Effect.fn.Return<Telemetry, never, Scope.Scope> {
  const context: Context.Context<never> = yield* Effect.context<never>()
  const listeners = new Set<Queue.Queue<TokenEvent, Cause.Done>>()
  const still = { update: () => {}, modify: () => {} }
  // Read when someone looks, so that a hit costs a number.
  yield* Effect.acquireRelease(
    Effect.sync(() => [
      Metric.registerUnsafe(cacheHits, context, {
        get: () => ({ count: reading.hits(), incremental: true }),
        ...still
      }),
      Metric.registerUnsafe(liveResolvers, context, { get: () => ({ value: reading.resolvers() }), ...still })
    ]),
    (registered) => Effect.sync(() => registered.forEach((each) => each.remove()))
  )
  let closed = false
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      closed = true
      for (const listener of listeners) Queue.endUnsafe(listener)
    })
  )

  const subscribed = Effect.acquireRelease(
    Effect.map(Queue.sliding<TokenEvent, Cause.Done>(eventCapacity), (listener) => {
      if (closed) Queue.endUnsafe(listener)
      else listeners.add(listener)
      return listener
    }),
    (listener) =>
      Effect.suspend(() => {
        listeners.delete(listener)
        return Queue.shutdown(listener)
      })
  )

  const counters = new Map<string, ReturnType<typeof attempts>>()
  const count = (source: SourceName, outcome: string) => {
    const name = `${source} ${outcome}`
    let counter = counters.get(name)
    if (counter === undefined) counters.set(name, counter = attempts(source, outcome))
    counter.updateUnsafe(1, context)
  }

  return {
    announce: (event) => {
      if (listeners.size === 0) return
      const told = event()
      for (const listener of listeners) Queue.offerUnsafe(listener, told)
    },
    events: Stream.unwrap(Effect.map(subscribed, Stream.fromQueue)),
    onRun: (attempts, found) => {
      for (const { reason, source } of attempts) count(source, reason._tag)
      if (found !== undefined) count(found, "Found")
    },
    onCliEnd: (tookMillis) => cliDuration.updateUnsafe(tookMillis, context)
  }
})
