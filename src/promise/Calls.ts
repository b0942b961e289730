/** Promises of effects that run: each settles once, by the effect's end, by its caller's signal, or by the closing. */
import * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Background from "../concurrency/Background.ts"
import * as EventLoop from "./EventLoop.ts"
import { FlyTokensClosed } from "./FlyTokensClient.ts"

export interface Calls {
  /** The promise of a fiber. Node stays for it, and the signal ends the wait, not the fiber. */
  readonly run: <A, E>(
    fork: () => Fiber.Fiber<A, E>,
    options: { readonly signal: AbortSignal | undefined; readonly isWrite: boolean }
  ) => Promise<A>
  /** Rejects all that wait, and what comes from now on; writes that may still be done only if `writes` says so. */
  readonly close: (options: { readonly writes: boolean }) => void
  /** Waits for the writes, at most 5 seconds. */
  readonly written: Effect.Effect<void>
  /** Rejects and interrupts everything. */
  readonly end: () => void
}

interface Call {
  readonly isWrite: boolean
  readonly reject: (error: unknown) => void
  fiber?: Fiber.Fiber<unknown, unknown>
}

/** What a promise rejects with: the error that the effect failed with, always an `Error`. */
export const errorOf = (cause: Cause.Cause<unknown>): Error => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error : new Error("fly-tokens: it failed with what is no error", { cause: error })
}

export const make = (): Calls => {
  /** Until the fiber ends, also if nobody waits for it any more. */
  const calls = new Set<Call>()
  let isClosed = false

  const close: Calls["close"] = ({ writes }) => {
    isClosed = true
    for (const call of calls) if (writes || !call.isWrite) call.reject(new FlyTokensClosed())
  }

  return {
    run: <A, E>(fork: () => Fiber.Fiber<A, E>, { isWrite, signal }: Parameters<Calls["run"]>[1]) =>
      new Promise<A>((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        if (isClosed) return reject(new FlyTokensClosed())
        let isSettled = false
        const release = EventLoop.hold()
        const settle = (how: () => void) => {
          if (isSettled) return
          isSettled = true
          release()
          signal?.removeEventListener("abort", onAbort)
          how()
        }
        const onAbort = () => settle(() => reject(signal?.reason))
        signal?.addEventListener("abort", onAbort)

        const call: Call = { isWrite, reject: (error) => settle(() => reject(error)) }
        calls.add(call)
        const fiber = fork()
        call.fiber = fiber
        fiber.addObserver((exit) => {
          calls.delete(call)
          settle(() => {
            if (Exit.isSuccess(exit)) return resolve(exit.value)
            // What the closing interrupts was not the caller's doing.
            reject(isClosed && Exit.hasInterrupts(exit) ? new FlyTokensClosed() : errorOf(exit.cause))
          })
        })
      }),
    close,
    written: Background.ended(() => [...calls].flatMap(({ fiber, isWrite }) => isWrite && fiber ? [fiber] : [])),
    end: () => {
      close({ writes: true })
      for (const { fiber } of calls) fiber?.interruptUnsafe()
    }
  }
}
