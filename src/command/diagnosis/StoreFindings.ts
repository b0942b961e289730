/** The store of files: whether it can be used, and what is in it. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Result from "effect/Result"
import * as FileFailure from "../../layers/file/FileFailure.ts"
import * as PrivateDirectory from "../../layers/file/PrivateDirectory.ts"
import * as Usability from "../../policy/Usability.ts"
import type { Storage } from "../../services/Storage.ts"
import type { StorageError } from "../../services/TokenError.ts"
import { FlyToken } from "../../token/FlyToken.ts"
import * as StoredRecords from "../StoredRecords.ts"
import { type Finding, finding } from "./Finding.ts"

const failed = ({ kind, path, why }: StorageError): Finding =>
  finding(
    "problem",
    `${path === undefined ? "" : `${path}: `}${why}`,
    kind === "Insecure"
      ? "chmod 0700 the directory if it is yours; tokens are neither read from it nor written to it until then"
      : "mend the directory, or set FLY_TOKENS_DIR to another one; each process mints for itself until then"
  )

/** The nearest directory above that is there: the store is made in it. */
const nearest = Effect.fnUntraced(function*(path: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  let parent = paths.dirname(path)
  while (parent !== paths.dirname(parent) && !(yield* Effect.orElseSucceed(fileSystem.exists(parent), () => false))) {
    parent = paths.dirname(parent)
  }
  return parent
})

const isWritable = (path: string) =>
  Effect.flatMap(FileSystem.FileSystem, (fileSystem) => Effect.result(fileSystem.access(path, { writable: true })))

/** Whether records can be kept. Asks the system for the right to write and writes nothing. */
export const directory = Effect.gen(function*() {
  const fileSystem = yield* FileSystem.FileSystem
  const root = yield* PrivateDirectory.make({}, { quiet: true })
  const path = root.join()
  const found = yield* Effect.result(root.find("open"))
  if (Result.isFailure(found)) return [failed(found.failure)]
  const place = found.success ?? (yield* nearest(path))
  const writable = yield* isWritable(place)
  if (Result.isFailure(writable)) {
    return [
      finding(
        "problem",
        `${place}: it cannot be written to (${FileFailure.codeOf(writable.failure)})`,
        "give yourself the right to write there, or set FLY_TOKENS_DIR to another directory"
      )
    ]
  }
  if (found.success === undefined) return [finding("ok", `${path} is not there yet and will be made`)]
  for (const key of StoredRecords.keys) {
    const below = yield* Effect.result(root.find("open", key))
    if (Result.isFailure(below)) return [failed(below.failure)]
  }
  const { mode } = yield* fileSystem.stat(path)
  const octal = `mode ${(mode & 0o7777).toString(8).padStart(4, "0")}`
  return PrivateDirectory.hasModes && (mode & 0o055) !== 0
    ? [finding("warning", `${path} (${octal}): other users can look into it`, `chmod 0700 ${path}`)]
    : [finding("ok", PrivateDirectory.hasModes ? `${path} (${octal})` : path)]
}).pipe(
  Effect.catchTag(
    "PlatformError",
    (error) => Effect.succeed([failed(FileFailure.failed("open", "the store")(error))])
  )
)

/** All records. A directory that cannot be listed has none here: {@link directory} says why. */
export const list: Effect.Effect<ReadonlyArray<StoredRecords.ListedRecord>, never, Storage> = Effect.map(
  Effect.forEach(
    StoredRecords.keys,
    (key) => Effect.orElseSucceed(StoredRecords.mapUnder(key, (record) => record), () => [])
  ),
  (found) => found.flat()
)

/** A manual token that cannot work stays until somebody does something; others are replaced by themselves. */
const manualDefect = ({ key, name, record }: StoredRecords.ListedRecord, now: number): ReadonlyArray<Finding> => {
  if (key !== "manual" || Result.isFailure(record)) return []
  const token = FlyToken.make(record.success.token)
  const defect = Usability.whyInvalid(token, token.expiresAt ?? Number.POSITIVE_INFINITY, now)
  return defect === undefined
    ? []
    : [
      finding(
        "warning",
        `the manual token of ${name}: ${defect.message}`,
        `\`fly-tokens set ${name}\` with a new one, or \`fly-tokens unset ${name}\``
      )
    ]
}

/** What is wrong with the records. */
export const records = (listed: ReadonlyArray<StoredRecords.ListedRecord>, now: number): ReadonlyArray<Finding> => {
  const odd = listed.flatMap((each) =>
    Result.isFailure(each.record)
      ? [
        finding(
          each.key === "manual" ? "problem" : "warning",
          `${each.record.failure.path ?? each.name}: ${each.record.failure.why}`,
          each.key === "manual"
            ? `look at the file, remove it, then \`fly-tokens set ${each.name}\``
            : "nothing to do: a new token takes its place"
        )
      ]
      : manualDefect(each, now)
  )
  return odd.length > 0
    ? odd
    : [finding("ok", listed.length === 0 ? "nothing is stored" : `${listed.length} stored, all of them readable`)]
}
