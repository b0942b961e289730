/**
 * Listeners of events.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import type { TokenEvent } from "../services/TokenEvent.ts"
import * as Report from "./Report.ts"

/**
 * The events that a name stands for: those of a tag, or `"*"` for all.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type EventOf<Name extends TokenEvent["_tag"] | "*"> = Name extends "*" ? TokenEvent
  : Extract<TokenEvent, { readonly _tag: Name }>

/**
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type Listener = (event: TokenEvent) => unknown

/**
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface Listeners {
  /** Returns what takes the listener away again. */
  readonly on: (name: string, listener: Listener) => () => void
  /** From now on these are the events. They are listened to only while there is a listener. */
  readonly attach: (events: Stream.Stream<TokenEvent>, context: Context.Context<never>) => void
  readonly close: () => void
}

/**
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const make = (report: Report.Report): Listeners => {
  const listeners = new Set<{ readonly name: string; readonly listener: Listener }>()
  let start: (() => Fiber.Fiber<void>) | undefined
  let listening: Fiber.Fiber<void> | undefined
  let isClosed = false

  const dispatch = (event: TokenEvent): void => {
    // A copy: a listener may take itself away, or add another one.
    for (const each of Array.from(listeners)) {
      if (each.name !== "*" && each.name !== event._tag) continue
      if (!listeners.has(each)) continue
      Report.contained(
        () => each.listener(event),
        (error) => report(`fly-tokens: a listener of ${event._tag} failed: ${Report.inWords(error)}`)
      )
    }
  }

  const settle = (): void => {
    if (listeners.size === 0) {
      listening?.interruptUnsafe()
      listening = undefined
    } else {
      listening ??= start?.()
    }
  }

  return {
    on: (name, listener) => {
      if (isClosed) return () => {}
      const entry = { name, listener }
      listeners.add(entry)
      settle()
      return () => {
        if (listeners.delete(entry)) settle()
      }
    },
    attach: (events, context) => {
      start = () =>
        Effect.runForkWith(context)(Stream.runForEach(events, (event) => Effect.sync(() => dispatch(event))))
      settle()
    },
    close: () => {
      isClosed = true
      listeners.clear()
      settle()
    }
  }
}
