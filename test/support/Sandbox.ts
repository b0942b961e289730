/**
 * A home of its own in a temp folder, with the stand-in as flyctl: real files and real child processes.
 */
import * as Effect from "effect/Effect"
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { standIn } from "./Programs.ts"

export interface Call {
  readonly pid: number
  /** The process that called it, of a start. */
  readonly ppid?: number
  readonly at: number
  readonly event: "start" | "end" | "sigterm" | "grandchild"
  readonly args?: ReadonlyArray<string>
  readonly cwd?: string
  readonly env?: ReadonlyArray<string>
  readonly grandchild?: number
}

export interface Sandbox {
  readonly home: string
  readonly bin: string
  readonly store: string
  readonly environment: Record<string, string | undefined>
  /** Sets how the stand-in behaves from now on. */
  readonly settings: (settings: Record<string, unknown>) => Promise<void>
  readonly calls: () => Promise<ReadonlyArray<Call>>
  /** The starts of `tokens create`. */
  readonly mints: () => Promise<ReadonlyArray<Call>>
  readonly writeConfig: (text: string) => Promise<void>
  /** Puts the stand-in under another name. */
  readonly install: (name: string, directory?: string) => Promise<string>
}

/** Whether a process is there and not a zombie that nobody has reaped. */
export const isRunning = async (pid: number): Promise<boolean> => {
  try {
    process.kill(pid, 0)
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")
    return !/^\d+ \(.*\) Z/s.test(stat)
  } catch {
    return false
  }
}

/** The most calls that were under way at once. */
export const mostAtOnce = (calls: ReadonlyArray<Call>): number => {
  let running = 0
  let most = 0
  for (const { event } of [...calls].sort((a, b) => a.at - b.at)) {
    if (event === "start") most = Math.max(most, ++running)
    if (event === "end") running--
  }
  return most
}

export const make = Effect.acquireRelease(
  Effect.promise(async (): Promise<Sandbox> => {
    const root = await mkdtemp(join(tmpdir(), "fly-tokens-test-"))
    const home = join(root, "home")
    const bin = join(root, "bin")
    const store = join(home, ".local", "state", "fly-tokens")
    await mkdir(home, { mode: 0o700 })
    await mkdir(bin)
    await symlink(standIn, join(bin, "flyctl"))
    const calls = async (): Promise<ReadonlyArray<Call>> => {
      const text = await readFile(join(bin, "calls.jsonl"), "utf8").catch(() => "")
      return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line))
    }
    return {
      home,
      bin,
      store,
      environment: { HOME: home, PATH: `${bin}:${dirname(process.execPath)}:/usr/bin:/bin` },
      settings: (settings) => writeFile(join(bin, "stand-in.json"), JSON.stringify(settings)),
      calls,
      mints: async () => (await calls()).filter(({ args, event }) => event === "start" && args?.[0] === "tokens"),
      writeConfig: async (text) => {
        await mkdir(join(home, ".fly"), { recursive: true })
        await writeFile(join(home, ".fly", "config.yml"), text)
      },
      install: async (name, directory = bin) => {
        await mkdir(directory, { recursive: true })
        await symlink(standIn, join(directory, name))
        return join(directory, name)
      }
    }
  }),
  ({ home }) =>
    Effect.promise(async () => {
      const root = dirname(home)
      await chmod(home, 0o700)
      await rm(root, { recursive: true, force: true })
    })
)
