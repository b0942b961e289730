/** Reading a small file of a user's, or why it cannot be read. */
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type { PlatformError } from "effect/PlatformError"
import { NotFound, Unreadable } from "../services/MissReason.ts"
import * as SystemCode from "../services/SystemCode.ts"

const missOf = (path: string, error: PlatformError): NotFound | Unreadable => {
  const tag = error.reason._tag
  if (tag === "NotFound") return new NotFound({ what: `${path} does not exist` })
  if (tag === "PermissionDenied") return new Unreadable({ path, why: "permission denied" })
  const isDenied = SystemCode.ofPlatform(error) === SystemCode.accessDenied
  return new Unreadable({ path, why: isDenied ? "Node's permission model does not allow it" : "it cannot be read" })
}

export const read = (
  fileSystem: FileSystem.FileSystem,
  path: string,
  limit: ByteSize.ByteSize
): Effect.Effect<string, NotFound | Unreadable> =>
  Effect.gen(function*() {
    const { size, type } = yield* fileSystem.stat(path)
    if (type !== "File") return yield* new Unreadable({ path, why: "it is not a file" })
    if (ByteSize.isGreaterThan(size, limit)) {
      return yield* new Unreadable({ path, why: `it is larger than ${ByteSize.toNumberUnsafe(limit) / 1024} KiB` })
    }
    return yield* fileSystem.readFileString(path)
  }).pipe(Effect.mapError((error) => error._tag === "PlatformError" ? missOf(path, error) : error))
