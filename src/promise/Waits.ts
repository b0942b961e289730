/** Promises of effects that run: each settles once, by the effect's end, by its caller's signal, or by the closing. */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import type * as KeepAlive from "./KeepAlive.ts"

/** A promise that has not settled. */
export interface Wait<A> {
  readonly settle: (exit: Exit.Exit<A, unknown>) => void
}

export interface Waits {
  /** A promise that waits. Node stays for it. */
  readonly open: <A>(
    options: {
      readonly signal: AbortSignal | undefined
      readonly isWrite: boolean
      /** Called before it settles. A handler of the promise itself would make its rejection count as handled. */
      readonly onEnd?: (() => void) | undefined
    },
    begin: (wait: Wait<A>) => void
  ) => Promise<A>
  /** Rejects what waits; with `writes` also the writes, which may still be done. */
  readonly abandon: (error: Error, options: { readonly writes: boolean }) => void
}

/** What a promise rejects with: the error that the effect failed with, always an `Error`. */
export const errorOf = (cause: Cause.Cause<unknown>): Error => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error : new Error("fly-tokens: it failed with what is no error", { cause: error })
}

export const make = (keepAlive: KeepAlive.KeepAlive): Waits => {
  const waiting = new Set<{ readonly isWrite: boolean; readonly abandon: (error: Error) => void }>()
  return {
    open: ({ isWrite, onEnd, signal }, begin) =>
      new Promise((resolve, reject) => {
        const release = keepAlive.hold()
        /** Whether it had not settled before. */
        const end = (): boolean => {
          if (!waiting.delete(entry)) return false
          release()
          onEnd?.()
          signal?.removeEventListener("abort", onAbort)
          return true
        }
        const onAbort = () => {
          if (end()) reject(signal?.reason)
        }
        const entry = {
          isWrite,
          abandon: (error: Error) => {
            if (end()) reject(error)
          }
        }
        waiting.add(entry)
        signal?.addEventListener("abort", onAbort)
        begin({
          settle: (exit) => {
            if (!end()) return
            if (Exit.isSuccess(exit)) resolve(exit.value)
            else reject(errorOf(exit.cause))
          }
        })
      }),
    abandon: (error, { writes }) => {
      for (const wait of waiting) if (writes || !wait.isWrite) wait.abandon(error)
    }
  }
}
