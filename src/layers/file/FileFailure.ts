/** Failing calls of the file system as errors of the store. */
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

/** The error that a failing call of the file system is; nothing of the call's own text is in it. */
export const failed = (operation: Operation, path: string) => (error: PlatformError): StorageError => {
  const code = codeOf(error)
  const sentence = sentences[code]
  return new StorageError({
    operation,
    kind: "Unavailable",
    why: sentence === undefined ? `failed (${code})` : `${sentence} (${code})`,
    path
  })
}

export const isAbsent = (error: PlatformError): boolean => error.reason._tag === "NotFound"
