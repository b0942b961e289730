/** Starting a child, and why it did not start. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { isPlatformError } from "effect/PlatformError"
import type * as ChildProcess from "effect/process/ChildProcess"
import type { ChildProcessHandle, ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as Scope from "effect/Scope"
import type { FlyCliReason } from "../../services/FlyCli.ts"
import { Defect, fromDefect, NotExecutable } from "../../services/MissReason.ts"
import * as SystemCode from "../../services/SystemCode.ts"

/** A program that is being replaced just now (an upgrade), and what the system lacks for a moment. */
const passing = new Set(["ETXTBSY", "EAGAIN", "EMFILE", "ENFILE", "ENOMEM"])

/** By then it may have passed. */
const again = Duration.millis(500)

/**
 * The file is there, since it was just found: what is missing is the interpreter that it names, the right to run it (its
 * mode, or a mount that is `noexec`), or it is no program.
 */
const unrunnable = new Set(["ENOENT", "EACCES", "EPERM", "ENOEXEC", "ELOOP", "ENOTDIR"])

/** What a spawner of another platform may say without a code. */
const codes: Readonly<Record<string, string>> = { NotFound: "ENOENT", PermissionDenied: "EACCES" }

const codeOf = (error: unknown): string | undefined =>
  isPlatformError(error)
    ? SystemCode.ofPlatform(error) ?? codes[error.reason._tag]
    : SystemCode.of(error)

/**
 * Why a program did not start, by whatever its start failed with or threw: Node emits some codes and throws the others.
 */
export const reasonOf = (path: string, error: unknown): NotExecutable | Defect => {
  const code = codeOf(error)
  if (code !== undefined) return unrunnable.has(code) ? new NotExecutable({ path }) : new Defect({ kind: code })
  return isPlatformError(error) ? new Defect({ kind: "PlatformError" }) : fromDefect(error)
}

/** Starts a child; once more a moment later, if what kept it from starting may have passed. */
export const start = (
  spawner: ChildProcessSpawner["Service"],
  command: ChildProcess.StandardCommand
): Effect.Effect<ChildProcessHandle, FlyCliReason, Scope.Scope> => {
  const started = Effect.suspend(() => spawner.spawn(command)).pipe(
    Effect.catchDefect((thrown): Effect.Effect<never, unknown> => Effect.fail(thrown))
  )
  return started.pipe(
    Effect.catchIf(
      (error: unknown) => passing.has(codeOf(error) ?? ""),
      () => Effect.andThen(Effect.sleep(again), started)
    ),
    Effect.mapError((error) => reasonOf(command.command, error))
  )
}
