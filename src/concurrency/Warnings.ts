/** Log lines of one cause as one line with a count. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { MissReason } from "../services/MissReason.ts"

/** A cause has one line in so long. */
const window = Duration.seconds(10)

/**
 * Logs a warning: the first of its cause at once; those that come within 10 s after a line of theirs are counted, and are
 * one line at the end of that time, or when the layer closes. A cause is a fixed sentence, without names.
 */
export type Warnings = (cause: string, line: string) => Effect.Effect<void>

/** What reasons with the same cause have in common: not the record's path, a fingerprint or a time. */
export const causeOf = (reason: MissReason): string => reason._tag === "StorageFailed" ? reason.why : reason._tag

/** Warnings that were not logged yet. */
interface Held {
  count: number
  latest: string
}

const tell = (held: Held): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { count, latest } = held
    held.count = 0
    if (count === 0) return Effect.void
    return Effect.logWarning(
      count === 1 ? latest : `${latest} (and ${count - 1} more like it within ${Duration.format(window)})`
    )
  })

export const make: Effect.Effect<Warnings, never, Scope.Scope> = Effect.gen(function*() {
  const scope = yield* Effect.scope
  const causes = new Map<string, Held>()

  const watch = (cause: string, held: Held) =>
    Effect.gen(function*() {
      do {
        yield* tell(held)
        yield* Effect.sleep(window)
      } while (held.count > 0)
      causes.delete(cause)
    })

  yield* Effect.addFinalizer(() => Effect.forEach(causes.values(), tell, { discard: true }))

  return (cause, line) =>
    Effect.suspend(() => {
      const known = causes.get(cause)
      if (known !== undefined) {
        known.count++
        known.latest = line
        return Effect.void
      }
      const held: Held = { count: 1, latest: line }
      causes.set(cause, held)
      return Effect.asVoid(Effect.forkIn(watch(cause, held), scope, { startImmediately: true }))
    })
})
