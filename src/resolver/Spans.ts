/**
 * Spans of the slow path. Without a tracer that sends them somewhere there are none: a span takes longer than what it
 * would tell of a call that waits.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Tracer from "effect/Tracer"

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

/** Tells something of an effect in the span around it, which is one of {@link traced}. */
export const noted = <A, E, R>(
  attributes: () => Record<string, unknown>,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) =>
    isTraced(fiber) ? Effect.andThen(Effect.annotateCurrentSpan(attributes()), effect) : effect
  )
