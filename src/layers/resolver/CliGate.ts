/**
 * The gate before the `fly` command: so many runs at once, each with its limit of time.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { Defect } from "../../services/MissReason.ts"
import { TimedOut } from "../../services/MissReason.ts"
import * as Background from "./Background.ts"

/**
 * A run that passed its limit is being ended (SIGTERM, 2 s later SIGKILL for the whole group) and keeps its place that
 * long, so that there are never more children than allowed; one that does not end then loses it, so that nothing is
 * stuck behind it.
 */
const endingGrace = Duration.seconds(5)

/**
 * Runs one call of the command. The limit counts from when a place was free; waiting for one has none of its own,
 * because every place becomes free.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type CliGate = <A, E>(call: Effect.Effect<A, E>) => Effect.Effect<A, E | TimedOut | Defect>

/**
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const make = (
  background: Background.Background,
  settings: { readonly cliConcurrency: number; readonly cliTimeoutMillis: number },
  onEnd: (tookMillis: number) => void
): CliGate => {
  const places = Semaphore.makeUnsafe(settings.cliConcurrency)

  return <A, E>(call: Effect.Effect<A, E>) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Effect.andThen(restore(places.take(1)), Clock.Clock), (clock) => {
        const began = clock.currentTimeMillisUnsafe()
        const fiber = background.fork(call)
        let held = true
        const free = () => {
          if (!held) return
          held = false
          background.fork(places.release(1))
        }
        fiber.addObserver(() => {
          onEnd(clock.currentTimeMillisUnsafe() - began)
          free()
        })
        return restore(Background.exitWithin(fiber, settings.cliTimeoutMillis)).pipe(
          Effect.onInterrupt(() => Effect.sync(() => fiber.interruptUnsafe())),
          Effect.flatMap((exit): Effect.Effect<A, E | TimedOut | Defect> => {
            if (exit !== undefined) return Background.typed(exit)
            fiber.interruptUnsafe()
            background.fork(Effect.andThen(Effect.sleep(endingGrace), Effect.sync(free)))
            return Effect.fail(new TimedOut({ option: "cliTimeout", limitMillis: settings.cliTimeoutMillis }))
          })
        )
      })
    )
}
