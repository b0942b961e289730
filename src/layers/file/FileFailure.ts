/** Failing calls of the file system as errors of the store. */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { PlatformError } from "effect/PlatformError"
import * as SystemCode from "../../services/SystemCode.ts"
import { StorageError } from "../../services/TokenError.ts"

export type Operation = StorageError["operation"]

/** What the system said, else what kind of error it is. */
export const codeOf = (error: PlatformError): string => SystemCode.ofPlatform(error) ?? error.reason._tag

const sentences: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOSPC: "no space left on the device",
  EDQUOT: "the disk quota is used up",
  ENOTDIR: "a part of the path is not a directory",
  EISDIR: "it is a directory",
  EMFILE: "too many open files",
  [SystemCode.accessDenied]: "Node's permission model does not allow it"
}

/** A sentence about a failing call; nothing of the call's own text is in it. */
export const whyOf = (error: PlatformError): string => {
  const code = codeOf(error)
  return `${sentences[code] ?? "failed"} (${code})`
}

/** A failing call as an error of the store. */
export const failed = (operation: Operation, path: string) => (error: PlatformError): StorageError =>
  new StorageError({ operation, kind: "Unavailable", why: whyOf(error), path })

export const isAbsent = (error: PlatformError): boolean => error.reason._tag === "NotFound"

/** What a call answers about something that may not be there. */
export const ifPresent = <A>(call: Effect.Effect<A, PlatformError>): Effect.Effect<Option.Option<A>, PlatformError> =>
  Effect.catchIf(Effect.asSome(call), isAbsent, () => Effect.succeedNone)
