/**
 * What the resolvers tell the outside: events, metrics, spans, log lines. Without a tracer that sends them somewhere there
 * are no spans: one takes longer than what it would tell of a call that waits.
 */
import type * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import { causeOf } from "../concurrency/Warnings.ts"
import type { SourceName } from "../services/SourceName.ts"
import type { TokenEvent } from "../services/TokenEvent.ts"
import type { AppName } from "../token/AppName.ts"
import { told } from "../token/Redaction.ts"
import type { Outcome } from "./Chain.ts"
import type { Action } from "./Machine.ts"

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
  readonly onRun: (outcome: Outcome) => void
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
    onRun: ({ found, misses }) => {
      for (const { reason, source } of misses) count(source, reason._tag)
      if (found !== undefined) count(found.source.name, "Found")
    },
    onCliEnd: (tookMillis) => cliDuration.updateUnsafe(tookMillis, context)
  }
})

/** Whether somebody sees the spans of this fiber. */
export const isTraced = (fiber: Fiber.Fiber<unknown, unknown>): boolean =>
  fiber.getRef(Tracer.Tracer) !== Tracer.nativeTracer

/** Runs an effect in a span. */
export const traced = <A, E, R>(
  name: string,
  attributes: Readonly<Record<string, unknown>>,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) =>
    isTraced(fiber) ? Effect.withSpan(effect, name, { attributes, captureStackTrace: false }) as typeof effect : effect
  )

/** Tells something in the span around, which is one of {@link traced}. */
export const noted = (attributes: () => Record<string, unknown>): Effect.Effect<void> =>
  Effect.withFiber((fiber) => isTraced(fiber) ? Effect.annotateCurrentSpan(attributes()) : Effect.void)

/** Tells in the caller's span who answered. */
export const answeredBy = <A, E>(acquirer: "cache" | "resolver", answer: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.withFiber((fiber) => isTraced(fiber) ? Effect.andThen(noted(() => ({ acquirer })), answer) : answer)

/** What the span of a run tells. */
export const attributesOf = ({ found, misses }: Outcome): Record<string, unknown> => {
  const attempts = misses.map(({ reason, source }) => `${source}: ${reason._tag}`)
  return found === undefined ? { attempts } : { source: found.source.name, attempts }
}

/** The cause and the log line of a refresh ahead that found nothing. */
export const refreshFailed = (
  app: AppName,
  { error, expiresAt, nextTryAt }: Extract<Action, { readonly _tag: "LogFailure" }>
): readonly [string, string] => {
  const next = nextTryAt === null
    ? "no further try before it expires"
    : `next try at ${new Date(nextTryAt).toISOString()}`
  const telling = error.attempts.filter(({ reason }) => reason._tag !== "NotFound" && reason._tag !== "NotNewer")
  const why = telling.map(({ reason, source }) => `${source}: ${reason.message}`).join("; ") ||
    "no source has a newer one"
  const cause = telling.map(({ reason, source }) => `${source}: ${causeOf(reason)}`).join("; ")
  const until = new Date(expiresAt).toISOString()
  return [
    `not refreshed: ${cause}`,
    told`fly-tokens: refreshing the token of ${app} failed (${why}); ${next}; it is good until ${until}`
  ]
}
