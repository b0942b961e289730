/**
 * The command as a user runs it: a process of its own, in a sandbox, or in a terminal of tmux.
 */
import * as Effect from "effect/Effect"
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import type { Sandbox } from "./Sandbox.ts"

/** Set by bundles.ts, if by nobody else. */
export const main = resolve(process.env["FLY_TOKENS_MAIN"] ?? "no command was bundled")

export const environmentOf = (sandbox: Sandbox): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(sandbox.environment).filter(([, value]) => value !== undefined))

/** The letter by which the system says what a process does: T is stopped, S sleeps. */
export const stateOf = (pid: number): string => /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1] ?? ""

/**
 * Whether SIGTSTP stops a process that the tests start. It does nothing where no process of the group has a parent in the
 * same session, in some runners of CI for instance.
 */
export const canStop = Effect.acquireUseRelease(
  Effect.sync(() => spawn("sleep", ["60"], { stdio: "ignore" })),
  ({ pid }) =>
    Effect.gen(function*() {
      if (pid === undefined || !existsSync("/proc/self/stat")) return false
      process.kill(pid, "SIGTSTP")
      // That nothing happens can only be waited for.
      yield* Effect.sleep("500 millis")
      return stateOf(pid) === "T"
    }),
  (child) => Effect.sync(() => child.kill("SIGKILL"))
)

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Started {
  readonly process: ChildProcess
  readonly ended: Promise<Ended>
  /** What has come so far. */
  readonly stdout: () => string
  readonly stderr: () => string
}

/** Without a terminal, whichever one the tests run in. */
export const start = (sandbox: Sandbox, args: ReadonlyArray<string>, input = "", cwd?: string): Started => {
  const child = spawn(process.execPath, [main, ...args], { env: environmentOf(sandbox), stdio: "pipe", cwd })
  let stdout = ""
  let stderr = ""
  child.stdout.on("data", (chunk) => stdout += chunk)
  child.stderr.on("data", (chunk) => stderr += chunk)
  child.stdin.on("error", () => {})
  child.stdin.end(input)
  const ended = new Promise<Ended>((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })))
  return { process: child, ended, stdout: () => stdout, stderr: () => stderr }
}

/** A process that is killed when the test is over. */
export const started = (sandbox: Sandbox, args: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() => start(sandbox, args)),
    (it) => Effect.promise(() => (it.process.kill("SIGKILL"), it.ended))
  )

export const run = (sandbox: Sandbox, args: ReadonlyArray<string>, input = "", cwd?: string) =>
  Effect.promise(() => start(sandbox, args, input, cwd).ended)

/** Looks again and again until a condition holds: another process is not on our clock. The test's limit ends it. */
export const until = <A>(look: () => A, holds: (seen: A) => boolean): Effect.Effect<A> =>
  Effect.gen(function*() {
    for (;;) {
      const seen = look()
      if (holds(seen)) return seen
      yield* Effect.sleep("50 millis")
    }
  })

export const hasTmux = spawnSync("tmux", ["-V"]).status === 0

/** Stands in the name of a test that needs a terminal. */
export const whyNoTmux = hasTmux ? "" : " (skipped: tmux is not installed)"

export interface Pane {
  readonly screen: () => string
  readonly keys: (...keys: ReadonlyArray<string>) => void
  readonly format: (format: string) => string
}

/**
 * A shell in a terminal of this size, with `fly-tokens` as a command.
 *
 * What is typed while nothing reads it stands on the screen before the prompt, and the output behind the prompt: look for
 * texts that are not in what is typed, and not for whole lines of them.
 */
export const pane = (sandbox: Sandbox, size: { readonly columns: number; readonly rows: number }) =>
  Effect.acquireRelease(
    Effect.sync((): Pane & { readonly kill: () => void } => {
      const env = { ...environmentOf(sandbox), TERM: "screen", LANG: "C.UTF-8", PS1: "> " }
      const tmux = (...args: ReadonlyArray<string>) =>
        execFileSync("tmux", ["-u", "-S", join(sandbox.home, "tmux"), "-f", "/dev/null", ...args], {
          env,
          encoding: "utf8"
        })
      tmux("new-session", "-d", "-x", `${size.columns}`, "-y", `${size.rows}`, "sh")
      writeFileSync(
        join(sandbox.bin, "fly-tokens"),
        `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`,
        { mode: 0o700 }
      )
      return {
        screen: () => tmux("capture-pane", "-p"),
        format: (format) => tmux("display-message", "-p", format).trim(),
        keys: (...keys) => void tmux("send-keys", ...keys),
        kill: () => void tmux("kill-server")
      }
    }),
    ({ kill }) => Effect.sync(kill)
  ).pipe(Effect.tap(({ screen }) => until(screen, (text) => text.trim() !== "")))
