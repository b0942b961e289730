/**
 * Who a signal was for: this process alone, or its whole process group, as Ctrl-C in a terminal is.
 *
 * The system does not tell Node who sent a signal. So a witness is put into the group, a shell that only says which signals
 * it gets: what it gets too was for all.
 */
import { spawn } from "node:child_process"
import { EventEmitter, once } from "node:events"
import { performance } from "node:perf_hooks"
import process from "node:process"

export interface GroupWitness {
  /** Whether the group got a signal that just came to us; `undefined` if the witness is gone. */
  readonly saw: (signal: NodeJS.Signals) => Promise<boolean | undefined>
  readonly dismiss: () => void
}

/** A busy machine needs a while to run the witness. Nobody waits for this but who sent a signal to us alone. */
const patienceMillis = 1_000

/** `wait` is what a shell leaves at once for a signal; `cat` ends when we are gone, however. */
const script = `
  trap 'echo SIGINT' INT; trap 'echo SIGQUIT' QUIT
  exec 3<&0; cat <&3 >/dev/null &
  while wait; [ $? -gt 128 ]; do :; done
`

export const make = (): GroupWitness => {
  /** When each signal was seen last. */
  const seen = new Map<string, number>()
  const news = new EventEmitter()
  let gone = false
  const note = (signals: ReadonlyArray<string>) => {
    for (const signal of signals) seen.set(signal, performance.now())
    news.emit("news")
  }
  const leave = (signal: string | null) => {
    gone = true
    // It may be too young to listen, and die of the signal instead.
    note(signal === null ? [] : [signal])
  }
  // None of our environment: it holds tokens.
  const shell = spawn("/bin/sh", ["-c", script], {
    cwd: "/",
    env: { PATH: process.env["PATH"] },
    stdio: ["pipe", "pipe", "ignore"]
  })
  shell.on("error", () => leave(null))
  shell.on("exit", (_, signal) => leave(signal))
  shell.stdin.on("error", () => {})
  shell.stdout.on("data", (chunk) => note(String(chunk).trim().split("\n")))

  return {
    saw: async (signal) => {
      const limit = AbortSignal.timeout(patienceMillis)
      while (!limit.aborted) {
        if (performance.now() - (seen.get(signal) ?? Number.NEGATIVE_INFINITY) < patienceMillis) return true
        if (gone) return undefined
        await once(news, "news", { signal: limit }).catch(() => {})
      }
      return gone ? undefined : false
    },
    dismiss: () => {
      shell.stdin.end()
      shell.unref()
    }
  }
}
