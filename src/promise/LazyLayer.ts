/** A layer that is built when it is needed. */
import type * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"

export interface LazyLayer<R, E> {
  /**
   * Calls back with the services, at once if they are there. Callers share one construction; after one that failed the
   * next call tries again.
   */
  readonly use: (then: (built: Exit.Exit<Context.Context<R>, E>) => void) => void
  /** Releases what was built, or ends its construction. What calls {@link LazyLayer.use} later, builds anew. */
  readonly release: Effect.Effect<void>
}

export const make = <R, E>(
  layer: Layer.Layer<R, E>,
  options: {
    /** What the construction runs in. */
    readonly context: Context.Context<never>
    /** Sees the services before anyone who waits for them. */
    readonly onBuilt: (context: Context.Context<R>) => void
    readonly onReleaseFailed: (cause: Cause.Cause<never>) => void
  }
): LazyLayer<R, E> => {
  let current: { readonly scope: Scope.Closeable; readonly fiber: Fiber.Fiber<Context.Context<R>, E> } | undefined

  const close = (scope: Scope.Closeable, exit: Exit.Exit<unknown, unknown>) =>
    Effect.catchCause(
      Scope.close(scope, exit),
      (cause) => Effect.sync(() => options.onReleaseFailed(cause))
    )

  const build = () => {
    const scope = Scope.makeUnsafe()
    const fiber = Effect.runForkWith(options.context)(Layer.buildWithScope(layer, scope))
    const building = current = { scope, fiber }
    fiber.addObserver((exit) => {
      // Released meanwhile: nobody is to see it.
      if (current !== building) return
      if (Exit.isSuccess(exit)) return options.onBuilt(exit.value)
      current = undefined
      Effect.runForkWith(options.context)(close(scope, exit))
    })
    return building
  }

  return {
    use: (then) => (current ?? build()).fiber.addObserver(then),
    release: Effect.suspend(() => {
      if (current === undefined) return Effect.void
      const { fiber, scope } = current
      current = undefined
      return Effect.andThen(Fiber.interrupt(fiber), close(scope, Exit.void))
    })
  }
}
