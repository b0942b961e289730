/**
 * Looking after tokens: keeps an app's resolver alive while there is something to look after, and does what is due. One
 * fiber sleeps for all apps.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Turns from "../concurrency/Turns.ts"
import * as RefreshPolicy from "../policy/RefreshPolicy.ts"
import * as Agenda from "./Agenda.ts"
import type { AppState } from "./AppState.ts"
import type { CacheEntry } from "./TokenCache.ts"

export interface Attendance {
  /** Keeps the app's resolver alive until {@link Attendance.look} finds nothing to look after. */
  readonly hold: (state: AppState) => Effect.Effect<void>
  /** Looks after the app's token from now on; its times may be others than before. */
  readonly attend: (state: AppState) => Effect.Effect<void>
  /** Does what is due for the app, and notes when the next look is; without a token and a run it lets the resolver go. */
  readonly look: (state: AppState) => void
  /** The resolver has ended. */
  readonly leave: (state: AppState) => void
}

export const make = (options: {
  readonly clock: Clock.Clock
  readonly entry: (state: AppState) => CacheEntry | undefined
  /** When the entry's next refresh is due. */
  readonly dueAt: (state: AppState, entry: CacheEntry, now: number) => number
  readonly refresh: (state: AppState, entry: CacheEntry, now: number) => void
  /** Puts another entry in its place: its times came from a clock that was ahead. */
  readonly onClockSetBack: (state: AppState, entry: CacheEntry, now: number) => void
  /** The entry came to its end. */
  readonly forget: (state: AppState, entry: CacheEntry) => void
  readonly onEvicted: (state: AppState, now: number) => void
  readonly idleTimeToLiveMillis: number
  /** Forks into the layer's scope. */
  readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  readonly retain: (state: AppState) => Effect.Effect<unknown, never, Scope.Scope>
}): Attendance => {
  const { clock } = options
  const agenda = Agenda.make<AppState>()
  const turns = Turns.make(options.fork)
  /** The fiber that sleeps until the next moment, and which that is at the latest. */
  let sleeper: { readonly fiber: Fiber.Fiber<void>; readonly until: number } | undefined
  let isAwake = false
  /** The last look at the clock: one that shows an earlier time was set back. */
  let seen = Number.NEGATIVE_INFINITY

  const hold = (state: AppState) =>
    Effect.suspend(() => {
      if (state.held !== undefined) return Effect.void
      state.held = Scope.makeUnsafe()
      return Effect.asVoid(Scope.provide(options.retain(state), state.held))
    }).pipe(Effect.uninterruptible)

  const letGo = (state: AppState) => {
    agenda.remove(state)
    if (state.held === undefined) return
    const closing = state.held
    state.held = undefined
    // Not in the resolver's scope, which closes by it.
    options.fork(Scope.close(closing, Exit.void))
  }

  const step = (state: AppState, entry: CacheEntry, now: number): void => {
    const next = RefreshPolicy.nextStep({
      now,
      expiresAt: entry.expiresAt,
      dueAt: options.dueAt(state, entry, now),
      idleAt: entry.lastUsed + options.idleTimeToLiveMillis,
      isRunning: state.current !== undefined
    })
    switch (next._tag) {
      case "AwaitRun":
        // Its end is followed by a look.
        return agenda.remove(state)
      case "Refresh":
        agenda.remove(state)
        return options.refresh(state, entry, now)
      case "Forget":
        options.forget(state, entry)
        return letGo(state)
      case "Evict":
        entry.attended = false
        options.onEvicted(state, now)
        return letGo(state)
      case "Sleep":
        return agenda.set(state, next.until)
    }
  }

  const lookAt = (state: AppState, now: number): void => {
    const entry = options.entry(state)
    if (entry === undefined) {
      if (state.current === undefined) letGo(state)
      return
    }
    if (now < entry.since) options.onClockSetBack(state, entry, now)
    const current = options.entry(state)
    if (current !== undefined && current.attended) step(state, current, now)
  }

  /** Does what is due, some at a time, and sleeps again. */
  const wake = Effect.gen(function*() {
    isAwake = true
    for (;;) {
      yield* turns.turn
      const now = clock.currentTimeMillisUnsafe()
      if (now < seen) agenda.hasten()
      seen = now
      const state = agenda.first()
      if (state === undefined || state.dueAt > now) return
      agenda.remove(state)
      lookAt(state, now)
    }
  }).pipe(Effect.onExit((exit) =>
    Effect.sync(() => {
      isAwake = false
      sleeper = undefined
      // Interrupted only by the end of the layer.
      if (!Exit.hasInterrupts(exit)) arm()
    })
  ))

  const arm = (): void => {
    const first = agenda.first()
    if (isAwake || first === undefined) return
    const now = clock.currentTimeMillisUnsafe()
    const millis = RefreshPolicy.sleep(now, first.dueAt)
    // One that is late by more than a moment sleeps by a clock that has jumped ahead since.
    if (sleeper !== undefined && sleeper.until <= now + millis && sleeper.until >= now - 1_000) return
    sleeper?.fiber.interruptUnsafe()
    sleeper = {
      until: now + millis,
      fiber: options.fork(Effect.andThen(Effect.sleep(Duration.millis(millis)), wake))
    }
  }

  const look = (state: AppState): void => {
    const now = clock.currentTimeMillisUnsafe()
    lookAt(state, now)
    seen = Math.max(seen, now)
    arm()
  }

  return {
    hold,
    look,
    leave: agenda.remove,
    attend: (state) =>
      Effect.andThen(
        hold(state),
        Effect.sync(() => {
          const entry = options.entry(state)
          if (entry !== undefined) entry.attended = true
          look(state)
        })
      )
  }
}
