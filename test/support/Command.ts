/**
 * The command as a user runs it: a process of its own, in a sandbox, or in a terminal of tmux. And its calls without a
 * process, where what they say and how they end is all that counts.
 */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { Writable } from "node:stream"
import { Stdout } from "../../src/command/Output.ts"
import * as Program from "../../src/command/Program.ts"
import type { Sandbox } from "./Sandbox.ts"

/** Set by bundles.ts, if by nobody else. */
export const main = resolve(process.env["FLY_TOKENS_MAIN"] ?? "no command was bundled")

/** Whether somebody else named a command to be tested, the built one for instance. */
const isNamed = process.env["FLY_TOKENS_BUNDLED"] === undefined

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

/** The environment of this process, which the command and flyctl read: a sandbox's for a while. */
const inEnvironment = <A, E, R>(environment: NodeJS.ProcessEnv, effect: Effect.Effect<A, E, R>) => {
  const replace = (by: NodeJS.ProcessEnv) => {
    for (const name of Object.keys(process.env)) delete process.env[name]
    Object.assign(process.env, by)
  }
  const before = { ...process.env }
  return Effect.acquireUseRelease(
    Effect.sync(() => replace(environment)),
    () => effect,
    () => Effect.sync(() => replace(before))
  )
}

/** Runs a call in this process, with all that a process of its own has: the program, real files, a real flyctl. */
export const runInProcess = (sandbox: Sandbox, args: ReadonlyArray<string>, input = ""): Effect.Effect<Ended> =>
  Effect.suspend(() => {
    let stdout = ""
    let stderr = ""
    const out = new Writable({
      decodeStrings: false,
      write: (text, _encoding, done) => {
        stdout += text
        done()
      }
    })
    const captured = Object.assign(Object.create(console), {
      log: (text: string) => stdout += `${text}\n`,
      error: (text: string) => stderr += `${text}\n`
    })
    const stdio = Stdio.layerTest({ stdin: Stream.make(new TextEncoder().encode(input)) })
    const program = Program.run(args, "0.0.0").pipe(
      Effect.provide(stdio),
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnvRecord(environmentOf(sandbox))),
      Effect.provideService(Stdout, out),
      Effect.provideService(Console.Console, captured)
    )
    // By itself, as main.ts runs it: nothing of the test's runtime is in it.
    const ended = Effect.promise(() => Effect.runPromise(program))
    return Effect.map(inEnvironment(environmentOf(sandbox), ended), (code) => ({ code, stdout, stderr }))
  })

/** Either: a process of its own if somebody named the command to be tested. */
export const runEither: typeof runInProcess = isNamed ? run : runInProcess

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
