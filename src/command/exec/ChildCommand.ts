/** Running the command that `exec` was given: it has the terminal, the signals and the last word on the exit code. */
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { constants } from "node:os"
import process, { platform } from "node:process"
import { isatty } from "node:tty"
import * as Signals from "../../layers/Signals.ts"
import { type CommandError, ExitWith, notStarted } from "../Failure.ts"
import * as GroupWitness from "./GroupWitness.ts"

/** A terminal sends them to all processes in its foreground, the child included. */
const fromKeyboard: ReadonlyArray<NodeJS.Signals> = ["SIGINT", "SIGQUIT"]

/**
 * Nobody but the sender's target gets them: all that would end us, and the two that mean something else to Node but not to
 * the command. SIGWINCH comes to the child without our help.
 */
const fromOthers: ReadonlyArray<NodeJS.Signals> = [
  ...Signals.ending.filter((signal) => !fromKeyboard.includes(signal)),
  ...(["SIGUSR1", "SIGPROF"] as const).filter((signal) => signal in constants.signals)
]

const stopping: ReadonlyArray<NodeJS.Signals> = platform === "win32" ? [] : ["SIGTSTP"]

const isOnTerminal = (): boolean => [0, 1, 2].some((fd) => isatty(fd))

/**
 * Whether this process is in the foreground of a terminal. Where the system does not tell, being on a terminal counts.
 */
const isInForeground = (): boolean => {
  if (!isOnTerminal()) return false
  try {
    // Behind the name, which may hold anything: state, parent, group, session, terminal, the terminal's group.
    const [, , group, , , foreground] = readFileSync("/proc/self/stat", "utf8").replace(/^.*\) /s, "").split(" ")
    return group === foreground
  } catch {
    return true
  }
}

/**
 * Takes the signals away from whoever listens, and answers how to give them back. There is a listener at each moment: with
 * the last one goes a signal that has come already.
 */
const takeSignals = (signals: ReadonlyArray<NodeJS.Signals>, listener: (signal: NodeJS.Signals) => void) => {
  const before = signals.flatMap((signal) => process.listeners(signal).map((each) => [signal, each] as const))
  Signals.listen(signals, listener)
  for (const [signal, each] of before) process.removeListener(signal, each)
  return () => {
    for (const [signal, each] of before) process.on(signal, each)
    Signals.unlisten(signals, listener)
  }
}

/**
 * Runs a command with this process's standard streams until it ends, and ends the call as it ended.
 *
 * Signals are passed on, and none but SIGKILL ends this process before the command. SIGINT and SIGQUIT are passed on if
 * they were for this process alone: Ctrl-C in a terminal reaches the command without us, and many take a second one as an
 * order to drop everything. (`timeout` and `docker run` pass on everything; `sudo` looks at the sender, which Node cannot.)
 * If Ctrl-C killed the command, it kills this process the same way, so that the shell ends a loop around it. SIGTSTP stops
 * both; one that the command has from the terminal already makes no difference to it.
 *
 * For as long as the command runs, interrupting the effect has no effect.
 */
export const run = (
  words: readonly [string, ...ReadonlyArray<string>],
  env: NodeJS.ProcessEnv
): Effect.Effect<never, CommandError | ExitWith> =>
  Effect.callback<never, CommandError | ExitWith>((resume) => {
    let child: ChildProcess | undefined
    const witness = isOnTerminal() && platform !== "win32" ? GroupWitness.make() : undefined
    const onKey = async (signal: NodeJS.Signals) => {
      const seen = await witness?.saw(signal)
      if (!(seen ?? isInForeground())) child?.kill(signal)
    }
    // Before the start: from now on there is a command that a signal is meant for.
    const giveBackSignals = takeSignals([...fromKeyboard, ...fromOthers], (signal) => {
      if (fromKeyboard.includes(signal)) void onKey(signal)
      else child?.kill(signal)
    })
    const onStop = (signal: NodeJS.Signals) => {
      child?.kill(signal)
      Signals.unlisten(stopping, onStop)
      process.kill(process.pid, signal)
      // We stand still here, until we are continued.
      Signals.listen(stopping, onStop)
      child?.kill("SIGCONT")
    }
    Signals.listen(stopping, onStop)
    const end = (outcome: CommandError | ExitWith) => {
      witness?.dismiss()
      Signals.unlisten(stopping, onStop)
      giveBackSignals()
      resume(Effect.fail(outcome))
    }
    const [file, ...args] = words
    try {
      child = spawn(file, args, { env, stdio: "inherit" })
    } catch (cause) {
      return end(notStarted(file, cause))
    }
    child.on("error", (cause) => {
      // A signal that could not be sent is an error too.
      if (child?.pid === undefined) end(notStarted(file, cause))
    })
    child.on("exit", (code, signal) => {
      if (signal === "SIGINT" && isInForeground()) {
        process.removeAllListeners(signal)
        process.kill(process.pid, signal)
      }
      end(new ExitWith({ exitCode: signal === null ? code ?? 0 : 128 + constants.signals[signal] }))
    })
  }).pipe(Effect.uninterruptible)
