/** Listeners of events. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import type { TokenEvent } from "../services/TokenEvent.ts"
import * as Report from "./Report.ts"

export interface Listeners {
  /** Listens to the events of a tag, or to all with `"*"`; returns what takes the listener away again. */
  readonly on: (name: string, listener: (event: TokenEvent) => unknown) => () => void
  /** From now on these are the events. Nobody subscribes to them without a listener. */
  readonly attach: (events: Stream.Stream<TokenEvent>, context: Context.Context<never>) => void
  readonly close: () => void
}

export const make = (report: Report.Report): Listeners => {
  const listeners = new Set<{ readonly name: string; readonly listener: (event: TokenEvent) => unknown }>()
  let subscribe: (() => Fiber.Fiber<void>) | undefined
  let subscription: Fiber.Fiber<void> | undefined

  const dispatch = (event: TokenEvent): void => {
    // A copy: a listener may take itself or another one away, or add one.
    for (const each of Array.from(listeners)) {
      if ((each.name !== "*" && each.name !== event._tag) || !listeners.has(each)) continue
      Report.contained(
        () => each.listener(event),
        (error) => report(`fly-tokens: a listener of ${event._tag} failed: ${Report.inWords(error)}`)
      )
    }
  }

  const update = (): void => {
    if (listeners.size > 0) {
      subscription ??= subscribe?.()
    } else {
      subscription?.interruptUnsafe()
      subscription = undefined
    }
  }

  return {
    on: (name, listener) => {
      const entry = { name, listener }
      listeners.add(entry)
      update()
      return () => {
        if (listeners.delete(entry)) update()
      }
    },
    attach: (events, context) => {
      subscribe = () =>
        Effect.runForkWith(context)(Stream.runForEach(events, (event) => Effect.sync(() => dispatch(event))))
      update()
    },
    close: () => {
      subscribe = undefined
      listeners.clear()
      update()
    }
  }
}
