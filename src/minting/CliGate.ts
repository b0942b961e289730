/** The gate before the `fly` command. */
import * as Effect from "effect/Effect"
import type { LazyArg } from "effect/Function"
import type * as Background from "../concurrency/Background.ts"
import * as Gate from "../concurrency/Gate.ts"
import type { Defect, TimedOut } from "../services/MissReason.ts"

/**
 * Runs one call of the command. The limit counts from when a place was free. A call that throws before it is an effect is
 * a `Defect` too.
 */
export type CliGate = <A, E>(call: LazyArg<Effect.Effect<A, E>>) => Effect.Effect<A, E | TimedOut | Defect>

export const make = (
  background: Background.Background,
  settings: { readonly cliConcurrency: number; readonly cliTimeoutMillis: number },
  onEnd: (tookMillis: number) => void
): CliGate => {
  const gate = Gate.make({
    fork: background.fork,
    places: settings.cliConcurrency,
    limit: { option: "cliTimeout", millis: settings.cliTimeoutMillis }
  })

  const timed = <A, E>(call: LazyArg<Effect.Effect<A, E>>) =>
    Effect.clockWith((clock) => {
      const began = clock.currentTimeMillisUnsafe()
      return Effect.ensuring(
        Effect.suspend(call),
        Effect.sync(() => onEnd(clock.currentTimeMillisUnsafe() - began))
      )
    })

  return (call) => gate.within(timed(call))
}
