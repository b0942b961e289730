/** Long work without a pause for others is short work, done in portions. */
import * as Effect from "effect/Effect"

/** Work in portions of a few milliseconds, with a pause where it yields. */
export type Portions<A> = Generator<undefined, A>

/** All portions at once: for a text that is short. */
export const atOnce = <A>(portions: Portions<A>): A => {
  for (;;) {
    const step = portions.next()
    if (step.done === true) return step.value
  }
}

/** Portion by portion, with room for others between them. */
export const inPortions = <A>(portions: () => Portions<A>): Effect.Effect<A> =>
  Effect.gen(function*() {
    const begun = portions()
    for (;;) {
      const step = begun.next()
      if (step.done === true) return step.value
      yield* Effect.yieldNow
    }
  })
