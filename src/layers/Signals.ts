/** What signals do to a program, and how to leave it at that. */
import { constants } from "node:os"
import process from "node:process"

const endings: ReadonlyArray<NodeJS.Signals> = [
  "SIGINT",
  "SIGQUIT",
  "SIGHUP",
  "SIGTERM",
  "SIGALRM",
  "SIGVTALRM",
  "SIGUSR2",
  "SIGXCPU",
  "SIGIO",
  "SIGSTKFLT",
  "SIGPWR",
  "SIGABRT",
  "SIGBREAK"
]

/**
 * The signals of this system that end a program which does not listen to them.
 *
 * **Details**
 *
 * Not those of a fault (SIGSEGV and the like), which nobody can go on from; not SIGPIPE and SIGXFSZ, which Node ignores;
 * not SIGUSR1 and SIGPROF, which its debugger and profiler use.
 */
export const ending: ReadonlyArray<NodeJS.Signals> = endings.filter((signal) => signal in constants.signals)

type Listener = (signal: NodeJS.Signals) => void

/** On each of our listeners: two copies of this package are in one program at times. */
const mark = Symbol.for("effect-fly-tokens/Signals/onlooker")

/** A listener that only wants to know: it looks on, and decides nothing about the program. */
export const onlooker = (listener: Listener): Listener => Object.assign(listener, { [mark]: true })

/** The onlookers of a signal, those of other copies too, in the order in which they are called. */
export const onlookersOf = (signal: NodeJS.Signals): ReadonlyArray<Listener> =>
  process.listeners(signal).filter((listener) => mark in listener)

/** Those of the library `signal-exit`, which looks on as well, and would take us for somebody who decides. */
const signalExitListeners = (): number => {
  const emitters: ReadonlyArray<unknown> = [
    Reflect.get(globalThis, Symbol.for("signal-exit emitter")),
    Reflect.get(process, "__signal_exit_emitter__")
  ]
  const counts = emitters.map((emitter) => (emitter as { readonly count?: number } | undefined)?.count ?? 0)
  return counts.reduce((a, b) => a + b, 0)
}

/** Whether somebody else decides what a signal does to the program. */
export const isDecided = (signal: NodeJS.Signals): boolean => {
  const others = process.listeners(signal).filter((listener) => !(mark in listener))
  return others.length > signalExitListeners()
}

/**
 * Adds listeners, before all others: one that listens once has left the list when its turn is over. A signal that cannot be
 * listened to here is left out.
 */
export const listen = (signals: ReadonlyArray<NodeJS.Signals>, listener: Listener): void => {
  for (const signal of signals) {
    try {
      process.prependListener(signal, listener)
    } catch {
      // Not every runtime knows all of them.
    }
  }
}

export const unlisten = (signals: ReadonlyArray<NodeJS.Signals>, listener: Listener): void => {
  for (const signal of signals) process.removeListener(signal, listener)
}
