/**
 * The children that live: whatever ends or stops this program, ends or stops them too.
 *
 * While there are any, and no longer, it is listened to the program's end and to the signals that would end it. Scopes end
 * children where a program ends in order; this is for all other ends: `process.exit`, an error that nobody caught, a
 * signal. Only SIGKILL cannot be seen, and what ends a program from a worker thread.
 */
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import process from "node:process"
import * as Signals from "./Signals.ts"

/** A child that is about to start, or lives. */
export interface LiveChild {
  /** Of the process, the first of its own group; `undefined` while it is being started. */
  pid: number | undefined
}

/**
 * How long children may take to end of themselves when the program ends. flyctl takes 15 ms; killed while it writes its
 * `config.yml`, it would leave half of one.
 */
const graceMillis = 250

const pauseMillis = 5

const children = new Set<LiveChild>()

const livingPids = (): ReadonlyArray<number> => [...children].flatMap(({ pid }) => pid ?? [])

const signalGroup = (pid: number, signal: NodeJS.Signals): void => {
  try {
    if (process.platform !== "win32") process.kill(-pid, signal)
    else if (signal === "SIGKILL") spawnSync("taskkill", ["/pid", String(pid), "/T", "/F"], { windowsHide: true })
  } catch {
    // It is gone.
  }
}

const signalAll = (signal: NodeJS.Signals): void => {
  for (const pid of livingPids()) signalGroup(pid, signal)
}

/** Nobody reaps a child that has ended while the event loop stands still. */
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"))
  } catch {
    return true
  }
}

/** Here and now, because there will be no later. */
const endAll = (): void => {
  const pids = livingPids()
  signalAll("SIGTERM")
  const cell = new Int32Array(new SharedArrayBuffer(4))
  for (let waited = 0; waited < graceMillis && pids.some(isAlive); waited += pauseMillis) {
    Atomics.wait(cell, 0, 0, pauseMillis)
  }
  signalAll("SIGKILL")
  children.clear()
}

/** The signal does to the program what it would have done without us. */
const onEnding = Signals.onlooker((signal) => {
  if (Signals.isDecided(signal)) return
  unlisten()
  endAll()
  process.kill(process.pid, signal)
})

/** Children are not in our group, so Ctrl-Z does not reach them; and alone in theirs, only SIGSTOP would stop them. */
const onStopping = Signals.onlooker((signal) => {
  if (Signals.isDecided(signal)) return
  signalAll("SIGSTOP")
  const onlookers = Signals.onlookersOf(signal)
  if (onlookers.at(-1) === onStopping) {
    for (const each of onlookers) Signals.unlisten(stopping, each)
    process.kill(process.pid, signal)
    // It stands still here, until it is continued.
    for (const each of onlookers.toReversed()) Signals.listen(stopping, each)
  }
  // That of another copy of this package stops the program in this turn of the event loop.
  setImmediate(() => signalAll("SIGCONT"))
})

const stopping: ReadonlyArray<NodeJS.Signals> = process.platform === "win32" ? [] : ["SIGTSTP"]

let listening = false

const listen = (): void => {
  if (listening) return
  listening = true
  process.on("exit", endAll)
  Signals.listen(Signals.ending, onEnding)
  Signals.listen(stopping, onStopping)
}

const unlisten = (): void => {
  listening = false
  process.removeListener("exit", endAll)
  Signals.unlisten(Signals.ending, onEnding)
  Signals.unlisten(stopping, onStopping)
}

/**
 * A signal that has come and was not told yet is lost with its last listener: first the event loop has a turn to tell all
 * there are.
 */
const unlistenLater = (): void => {
  setImmediate(() =>
    setImmediate(() => {
      if (listening && children.size === 0) unlisten()
    })
  )
}

/** Announces a child before it is started: a signal that comes while it starts must find somebody who listens. */
export const announce = (): LiveChild => {
  const child: LiveChild = { pid: undefined }
  listen()
  children.add(child)
  return child
}

/** It and its group are gone. */
export const forget = (child: LiveChild): void => {
  if (children.delete(child) && children.size === 0) unlistenLater()
}
