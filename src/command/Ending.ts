/** Running the command to its end: which signals end it in order, which exit code tells of it, and that it does end. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"
import { existsSync } from "node:fs"
import { constants } from "node:os"
import process from "node:process"
import type { Writable } from "node:stream"
import * as Signals from "../layers/Signals.ts"
import { fromDefect } from "../services/MissReason.ts"
import * as Failure from "./Failure.ts"
import * as Output from "./Output.ts"

/** How long output is waited for after a signal: whoever reads it may have stopped. */
const flushAfterSignalMillis = 1_000

/**
 * The exit code of a program that ended; `undefined` if it has a bug. A signal is told as shells tell it, 128 and its
 * number. Except for what runs until it is told to end: there SIGTERM is how a service manager ends it, and 0 what it takes
 * for a clean end. (systemd takes 143 for a failure.)
 */
export const codeOf = (
  exit: Exit.Exit<number, unknown>,
  options: { readonly signal: NodeJS.Signals | undefined; readonly untilTold: boolean }
): number | undefined => {
  const { signal, untilTold } = options
  if (exit._tag === "Success") return exit.value
  if (!Cause.hasInterruptsOnly(exit.cause)) return undefined
  if (signal === "SIGTERM" && untilTold) return 0
  return 128 + constants.signals[signal ?? "SIGINT"]
}

/** Waits until a stream has handed on what it was given, or cannot. */
const flushed = async (stream: Writable): Promise<void> => {
  if (stream.writableLength > 0 && !stream.destroyed) await Effect.runPromiseExit(Output.writeTo(stream, ""))
}

const isInThreads = (): boolean => process.getActiveResourcesInfo().some((name) => name.includes("Req"))

/**
 * Becomes another program, which has no threads and ends with the same code. Goes on if there is none, or the permission
 * model allows none.
 */
const becomeShell = (code: number): void => {
  const shell = "/bin/sh"
  try {
    if (process.execve === undefined || !existsSync(shell)) return
    process.emit("exit", code)
    // That it is experimental is nothing that a user can do anything about.
    process.emitWarning = () => {}
    process.execve(shell, ["sh", "-c", `exit ${code}`], {})
  } catch {
    // Then the threads have to be waited for.
  }
}

/**
 * Node waits for its threads before it ends, for ever if one of them is in a call that never returns: a file on a dead
 * network disk, a named pipe in the place of a record.
 */
const exitNow = (code: number): void => {
  if (isInThreads()) becomeShell(code)
  // Should it have to be waited for after all, a signal ends that.
  for (const signal of Signals.ending) process.removeAllListeners(signal)
  process.exit(code)
}

const bug = (cause: Cause.Cause<unknown>): number => {
  console.error(`fly-tokens: a bug (${fromDefect(Cause.squash(cause)).name}): please report it`)
  return 70
}

const outputLost = (error: unknown): number => {
  const failure = Failure.outputFailed(error)
  if (Failure.isReaderGone(failure)) return 0
  console.error(`fly-tokens: ${failure.message}`)
  return failure.exitCode
}

/**
 * Runs a program that succeeds with its exit code, and ends the process whatever else still runs. `untilTold`: whether it
 * runs until it is told to end.
 *
 * Each signal that would have ended the process interrupts the program, which then has its finalizers' time: 5 s at most.
 * Further signals change nothing: `npx` and others pass on what the terminal has sent already. Output is not cut off, except
 * after a signal if nobody takes it.
 */
export const runMain = (untilTold: boolean): (program: Effect.Effect<number>) => void =>
  Runtime.makeRunMain(({ fiber }) => {
    let signal: NodeJS.Signals | undefined
    let onSignal = () => fiber.interruptUnsafe(fiber.id)
    Signals.listen(Signals.ending, (received) => {
      signal ??= received
      onSignal()
    })
    fiber.addObserver(async (exit: Exit.Exit<unknown, unknown>) => {
      const code = codeOf(exit as Exit.Exit<number, unknown>, { signal, untilTold }) ??
        bug(exit._tag === "Failure" ? exit.cause : Cause.empty)
      // Should the streams never answer, nothing holds the process, and it ends with this.
      process.exitCode = code
      const untaken = new Promise<void>((resolve) => {
        onSignal = () => void setTimeout(resolve, flushAfterSignalMillis)
        if (signal !== undefined) onSignal()
      })
      await Promise.race([Promise.all([flushed(process.stdout), flushed(process.stderr)]), untaken])
      const lost = process.stdout.errored
      exitNow(code === 0 && lost !== null ? outputLost(lost) : code)
    })
  })({ disableErrorReporting: true })
