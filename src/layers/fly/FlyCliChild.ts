/** One run of flyctl, or of what is named so, as a child process. */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"
import { Environment } from "../../services/Environment.ts"
import type { FlyCallOptions, FlyCliReason } from "../../services/FlyCli.ts"
import { Killed, OutputTooLarge } from "../../services/MissReason.ts"
import { childEnvironment } from "./FlyCliEnvironment.ts"
import type { Ended } from "./FlyCliOutput.ts"
import * as FlyCliStart from "./FlyCliStart.ts"

/** More bytes than an answer about one thing has; a token has some 2 kB. */
export const answerLimit = 64 * 1024

/** How long a binary may take to say what it is. */
export const identifyWithin = Duration.seconds(5)

/** flyctl (v0.4.87) swallows a second SIGTERM: then SIGKILL, for the whole group. */
const killAfter = Duration.seconds(2)

/** How long output is waited for after the exit, when a grandchild still holds the pipe. */
const drainAfterExit = Duration.millis(200)

export interface RunOptions extends FlyCallOptions {
  /** Of stdout: more is no answer. */
  readonly limitBytes: number
}

/**
 * Runs a binary to its end: no shell, an environment of its own, stdin closed, stdout and stderr apart and bounded. One
 * that is interrupted gets SIGTERM and 2 s later SIGKILL, the whole process group.
 */
export const run = (
  path: string,
  args: ReadonlyArray<string>,
  options: RunOptions & { readonly cwd: string }
): Effect.Effect<Ended, FlyCliReason, ChildProcessSpawner | Path.Path | Environment> =>
  Effect.gen(function*() {
    const { limitBytes } = options
    const spawner = yield* ChildProcessSpawner
    const paths = yield* Path.Path
    const environment = yield* Environment
    const child = yield* FlyCliStart.start(
      spawner,
      ChildProcess.make(path, args, {
        cwd: options.cwd,
        env: childEnvironment(environment, { ...options, resolve: paths.resolve }),
        extendEnv: false,
        stdin: "ignore",
        killSignal: "SIGTERM",
        forceKillAfter: killAfter
      })
    )
    const overflow = yield* Deferred.make<never, OutputTooLarge>()
    const read = (
      stream: Stream.Stream<Uint8Array, PlatformError>,
      limitBytes: number,
      onFull: Effect.Effect<unknown>
    ) => {
      const decoder = new TextDecoder()
      const collected = { text: "", bytes: 0 }
      const reading = Stream.runForEach(stream, (chunk) => {
        collected.bytes += chunk.length
        // Read on, so that the child is not blocked, but keep no more.
        if (collected.bytes > limitBytes) return onFull
        collected.text += decoder.decode(chunk, { stream: true })
        return Effect.void
      })
      return Effect.map(Effect.forkScoped(Effect.ignore(reading)), (fiber) => ({ collected, fiber }))
    }
    const stdout = yield* read(
      child.stdout,
      limitBytes,
      Deferred.fail(overflow, new OutputTooLarge({ limitBytes }))
    )
    const stderr = yield* read(child.stderr, answerLimit, Effect.void)
    const exitCode = yield* Effect.raceFirst(
      Effect.mapError(child.exitCode, () => new Killed()),
      Deferred.await(overflow)
    )
    yield* Effect.timeoutOption(Fiber.awaitAll([stdout.fiber, stderr.fiber]), drainAfterExit)
    if (stdout.collected.bytes > limitBytes) return yield* new OutputTooLarge({ limitBytes })
    return { exitCode, stdout: stdout.collected.text, stderr: stderr.collected.text }
  }).pipe(Effect.scoped)
