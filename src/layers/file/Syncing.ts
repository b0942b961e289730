/** Making what was written survive a crash of the system, as far as that is to be had. */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type { PlatformError } from "effect/PlatformError"
import * as SystemCode from "../../services/SystemCode.ts"

/** Windows says EPERM of a directory. */
const refusals = new Set([SystemCode.accessDenied, "EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EPERM"])

/**
 * Whether a sync failed because it is not to be had here: of this file system, or by Node's permission model. Any other
 * failure (`EIO`, `ENOSPC`) means that what was written may be lost already.
 */
export const isRefused = (error: PlatformError): boolean => refusals.has(SystemCode.ofPlatform(error) ?? "")

/**
 * Syncs the names in a directory. One that cannot be opened for that is left alone: a rename in it is atomic all the same.
 */
export const directory = (fileSystem: FileSystem.FileSystem, path: string): Effect.Effect<void, PlatformError> =>
  Effect.scoped(
    Effect.matchEffect(fileSystem.open(path), {
      onSuccess: (handle) => Effect.catchIf(handle.sync, isRefused, () => Effect.void),
      onFailure: () => Effect.void
    })
  )
