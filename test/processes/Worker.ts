/**
 * Processes of one's own that run a file of this folder's neighbours, to be started together, suspended and killed.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { fileOf } from "../support/Programs.ts"

export interface Worker {
  readonly child: ChildProcess
  /** The lines that it printed so far, without `ready`. */
  readonly lines: ReadonlyArray<string>
  /** Lets it begin. */
  readonly go: () => void
  readonly kill: (signal: NodeJS.Signals) => void
  /** Its exit code, or the signal that ended it; all lines are there then. */
  readonly ended: Promise<number | NodeJS.Signals | null>
  /** The next line that fits. */
  readonly line: (pattern: RegExp) => Promise<string>
}

/** Starts a worker, and answers when it has said that it is ready. */
export const start = async (
  file: "leaseHolder" | "manyApps" | "storeWriter" | "tokenGetter",
  args: ReadonlyArray<string>,
  environment: Readonly<Record<string, string | undefined>> = {}
): Promise<Worker> => {
  const child = spawn(process.execPath, [fileOf(`test/support/${file}.ts`), ...args], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { PATH: process.env["PATH"], ...environment }
  })
  child.stdin!.on("error", () => {})
  const lines: Array<string> = []
  const listeners = new Set<() => void>()
  const reader = createInterface({ input: child.stdout! })
  const closed = once(reader, "close")
  let open = true
  reader.on("line", (line) => {
    lines.push(line)
    for (const listener of listeners) listener()
  })
  const ended = once(child, "exit").then(async ([code, signal]) => {
    await closed
    open = false
    for (const listener of listeners) listener()
    return (signal ?? code) as number | NodeJS.Signals | null
  })
  const line = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        const found = lines.find((each) => pattern.test(each))
        if (found === undefined && open) return
        listeners.delete(look)
        if (found === undefined) reject(new Error(`${file} ended without a line ${pattern}: ${lines.join(" | ")}`))
        else resolve(found)
      }
      listeners.add(look)
      look()
    })
  await line(/^ready$/)
  lines.splice(lines.indexOf("ready"), 1)
  return {
    child,
    lines,
    line,
    ended,
    go: () => void child.stdin!.write("go\n"),
    kill: (signal) => void child.kill(signal)
  }
}
