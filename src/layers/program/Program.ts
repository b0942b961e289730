/**
 * Running a program to its end, within limits: no shell, stdin closed, an environment and a directory of its own, bounded
 * output. It needs a spawner of Effect's and nothing of Node's.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { isPlatformError, type PlatformError } from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import { type ChildProcessHandle, ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Defect, Disabled, fromDefect, Killed, NotExecutable, OutputTooLarge } from "../../services/MissReason.ts"
import * as SystemCode from "../../services/SystemCode.ts"

/** How a program ended. */
export interface Ended {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** Why a program came to no end of its own. */
export type ProgramReason = NotExecutable | Killed | OutputTooLarge | Defect

export interface ProgramOptions {
  /** Default: that of this process. */
  readonly cwd?: string
  /** All that it sees of an environment. Default: that of this process. */
  readonly env?: Record<string, string | Redacted.Redacted<string>>
  /** Of stdout: a program that prints more is ended. */
  readonly limitBytes: number
}

/** Of stderr; what is beyond is dropped. */
const stderrLimit = 64 * 1024

/** flyctl (v0.4.87) swallows a second SIGTERM: then SIGKILL, for the whole group. */
const killAfter = Duration.seconds(2)

/** How long output is waited for after the exit, when a grandchild still holds the pipe. */
const drainAfterExit = Duration.millis(200)

/** A program that is being replaced just now (an upgrade), and what the system lacks for a moment. */
const passing = new Set(["ETXTBSY", "EAGAIN", "EMFILE", "ENFILE", "ENOMEM"])

/** By then it may have passed. */
const again = Duration.millis(500)

/**
 * Of a file that is there: what is missing is the interpreter that it names, the right to run it (its mode, or a mount
 * that is `noexec`), or it is no program.
 */
const unrunnable = new Set(["ENOENT", "EACCES", "EPERM", "ENOEXEC", "ELOOP", "ENOTDIR"])

/** What a spawner of another platform may say without a code. */
const codes: Readonly<Record<string, string>> = { NotFound: "ENOENT", PermissionDenied: "EACCES" }

/** Node emits some codes and throws the others. */
const codeOf = (error: unknown): string | undefined =>
  isPlatformError(error)
    ? SystemCode.ofPlatform(error) ?? codes[error.reason._tag]
    : SystemCode.of(error)

const notStarted = (path: string, error: unknown): NotExecutable | Defect => {
  const code = codeOf(error)
  if (code !== undefined) return unrunnable.has(code) ? new NotExecutable({ path }) : new Defect({ kind: code })
  return isPlatformError(error) ? new Defect({ kind: "PlatformError" }) : fromDefect(error)
}

/** Starts a child; once more a moment later, if what kept it from starting may have passed. */
const start = (
  command: ChildProcess.StandardCommand
): Effect.Effect<ChildProcessHandle, NotExecutable | Defect, ChildProcessSpawner | Scope.Scope> => {
  const started = Effect.flatMap(ChildProcessSpawner, (spawner) => spawner.spawn(command)).pipe(
    Effect.catchDefect((thrown): Effect.Effect<never, unknown> => Effect.fail(thrown))
  )
  return started.pipe(
    Effect.catchIf(
      (error: unknown) => passing.has(codeOf(error) ?? ""),
      () => Effect.andThen(Effect.sleep(again), started)
    ),
    Effect.mapError((error) => notStarted(command.command, error))
  )
}

/** Reads what is printed in a fiber of its own; `full` is run for each part beyond the limit, which is dropped. */
const collect = Effect.fnUntraced(function*<E>(
  stream: Stream.Stream<Uint8Array, PlatformError>,
  limitBytes: number,
  full: Effect.Effect<void, E>
) {
  const decoder = new TextDecoder()
  const collected = { text: "", bytes: 0 }
  const reading = Stream.runForEach(Stream.catch(stream, () => Stream.empty), (chunk) => {
    collected.bytes += chunk.length
    if (collected.bytes > limitBytes) return full
    collected.text += decoder.decode(chunk, { stream: true })
    return Effect.void
  })
  return { collected, fiber: yield* Effect.forkScoped(reading) }
})

/**
 * Runs a program: the path of its file, or its name on the PATH of `env`, then its arguments. One that is interrupted, or
 * prints too much, gets SIGTERM and 2 s later SIGKILL, with its whole process group: a limit of time is the caller's, who
 * interrupts.
 */
export const run = (
  [program, ...args]: readonly [program: string, ...args: ReadonlyArray<string>],
  { cwd, env, limitBytes }: ProgramOptions
): Effect.Effect<Ended, ProgramReason, ChildProcessSpawner> =>
  Effect.gen(function*() {
    const child = yield* start(ChildProcess.make(program, args, {
      cwd,
      env,
      extendEnv: env === undefined,
      stdin: "ignore",
      killSignal: "SIGTERM",
      forceKillAfter: killAfter
    }))
    const stdout = yield* collect(child.stdout, limitBytes, Effect.fail(new OutputTooLarge({ limitBytes })))
    // Read on, so that the program is not blocked.
    const stderr = yield* collect(child.stderr, stderrLimit, Effect.void)
    const exitCode = yield* Effect.raceFirst(
      Effect.mapError(child.exitCode, () => new Killed()),
      Effect.andThen(Fiber.join(stdout.fiber), Effect.never)
    )
    yield* Effect.timeoutOption(Fiber.joinAll([stdout.fiber, stderr.fiber]), drainAfterExit)
    return { exitCode, stdout: stdout.collected.text, stderr: stderr.collected.text }
  }).pipe(Effect.scoped)

/** The same where there is a spawner, which not every program provides. */
export const runIfPossible = (
  argv: readonly [program: string, ...args: ReadonlyArray<string>],
  options: ProgramOptions
): Effect.Effect<Ended, ProgramReason | Disabled> =>
  Effect.flatMap(
    Effect.serviceOption(ChildProcessSpawner),
    (spawner): Effect.Effect<Ended, ProgramReason | Disabled> =>
      Option.isNone(spawner)
        ? Effect.fail(new Disabled())
        : Effect.provideService(run(argv, options), ChildProcessSpawner, spawner.value)
  )
