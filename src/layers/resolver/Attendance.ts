/**
 * Looking after an app's token: keeps the resolver alive while there is something to look after, and wakes up when
 * something is due.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as RefreshPolicy from "../../policy/RefreshPolicy.ts"
import type { CacheEntry } from "./TokenCache.ts"

/**
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface Attendance {
  /** Keeps the resolver alive until {@link settle} finds nothing to look after. */
  readonly hold: Effect.Effect<void>
  /** Looks after this entry from now on; its times may be others than before. */
  readonly attend: (entry: CacheEntry) => Effect.Effect<void>
  /** Lets the resolver go if there is neither a token nor a run. */
  readonly settle: () => void
}

/**
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const make = (options: {
  readonly entry: () => CacheEntry | undefined
  readonly run: () => Fiber.Fiber<unknown, unknown> | undefined
  /** When the entry's next refresh is due. */
  readonly dueAt: (entry: CacheEntry, now: number) => number
  readonly refresh: (entry: CacheEntry, now: number) => void
  /** Puts another entry in its place: its times came from a clock that was ahead. */
  readonly onClockSetBack: (entry: CacheEntry, now: number) => void
  /** The entry came to its end. */
  readonly forget: (entry: CacheEntry) => void
  readonly onEvicted: (now: number) => void
  readonly idleTimeToLiveMillis: number
  /** Forks into the resolver's scope. */
  readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  /** Forks outside of the resolver's scope, which may close because of it. */
  readonly forkOutside: (effect: Effect.Effect<void>) => void
  readonly retain: Effect.Effect<unknown, never, Scope.Scope>
}): Attendance => {
  /** Open while the resolver holds itself. */
  let held: Scope.Closeable | undefined
  let watching: Fiber.Fiber<void> | undefined

  const hold = Effect.suspend(() => {
    if (held !== undefined) return Effect.void
    held = Scope.makeUnsafe()
    return Effect.asVoid(Scope.provide(options.retain, held))
  }).pipe(Effect.uninterruptible)

  const letGo = () => {
    if (held === undefined) return
    const closing = held
    held = undefined
    options.forkOutside(Scope.close(closing, Exit.void))
  }

  const settle = () => {
    if (options.run() === undefined && options.entry() === undefined) letGo()
  }

  const watch = Effect.gen(function*() {
    for (;;) {
      const entry = options.entry()
      if (entry === undefined) return settle()
      const now = yield* Clock.currentTimeMillis
      if (now < entry.since) {
        options.onClockSetBack(entry, now)
        continue
      }
      const run = options.run()
      const step = RefreshPolicy.nextStep({
        now,
        expiresAt: entry.expiresAt,
        dueAt: options.dueAt(entry, now),
        idleAt: entry.lastUsed + options.idleTimeToLiveMillis,
        isRunning: run !== undefined
      })
      switch (step._tag) {
        case "AwaitRun":
          if (run !== undefined) yield* Fiber.await(run)
          break
        case "Refresh":
          options.refresh(entry, now)
          break
        case "Forget":
          options.forget(entry)
          return settle()
        case "Evict":
          entry.attended = false
          options.onEvicted(now)
          return letGo()
        case "Sleep":
          yield* Effect.sleep(Duration.millis(step.millis))
      }
    }
  })

  return {
    hold,
    settle,
    attend: (entry) =>
      Effect.andThen(
        hold,
        Effect.sync(() => {
          entry.attended = true
          watching?.interruptUnsafe()
          watching = options.fork(watch)
        })
      )
  }
}
