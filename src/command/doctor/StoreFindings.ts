/** The store of files: whether it can be used, and what is in it. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Result from "effect/Result"
import * as FileFailure from "../../layers/file/FileFailure.ts"
import * as PrivateDirectory from "../../layers/file/PrivateDirectory.ts"
import type { Storage } from "../../services/Storage.ts"
import type { StorageError } from "../../services/TokenError.ts"
import { FlyToken } from "../../token/FlyToken.ts"
import * as StoredRecords from "../StoredRecords.ts"
import { type Finding, finding } from "./Finding.ts"
import { defectOf } from "./TokenFindings.ts"

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

/** Whether records can be kept. Asks the system for the right to write and writes nothing. */
export const directory = Effect.gen(function*() {
  const fileSystem = yield* FileSystem.FileSystem
  const root = yield* PrivateDirectory.make({}, { quiet: true })
  const path = PrivateDirectory.join(root)
  const found = yield* PrivateDirectory.find(root, "open")
  const place = found ?? (yield* nearest(path))
  const writable = yield* Effect.result(fileSystem.access(place, { writable: true }))
  if (Result.isFailure(writable)) {
    const message = `${place}: it cannot be written to (${FileFailure.codeOf(writable.failure)})`
    return finding(
      "problem",
      message,
      "give yourself the right to write there, or set FLY_TOKENS_DIR to another directory"
    )
  }
  if (found === undefined) return finding("ok", `${path} is not there yet and will be made`)
  for (const key of StoredRecords.keys) yield* PrivateDirectory.find(root, "open", key)
  if (!PrivateDirectory.hasModes) return finding("ok", path)
  const { mode } = yield* fileSystem.stat(path)
  const withMode = `${path} (mode ${(mode & 0o7777).toString(8).padStart(4, "0")})`
  return (mode & 0o055) === 0
    ? finding("ok", withMode)
    : finding("warning", `${withMode}: other users can look into it`, `chmod 0700 ${path}`)
}).pipe(
  Effect.catchTag("PlatformError", (error) => Effect.fail(FileFailure.failed("open", "the store")(error))),
  Effect.catch((error) => Effect.succeed(failed(error)))
)

/** All records. A directory that cannot be listed has none here: {@link directory} says why. */
export const list: Effect.Effect<ReadonlyArray<StoredRecords.StoredRecord>, never, Storage> = Effect.map(
  Effect.forEach(
    StoredRecords.keys,
    (key) => Effect.orElseSucceed(StoredRecords.map(key, (record) => record), () => [])
  ),
  (found) => found.flat()
)

/** What is wrong with a record. A manual token stays until somebody does something; others are replaced by themselves. */
const oddities = ({ key, name, stored }: StoredRecords.StoredRecord, now: number): ReadonlyArray<Finding> => {
  const isManual = key === "manual"
  if (Result.isFailure(stored)) {
    const hint = isManual
      ? `look at the file, remove it, then \`fly-tokens set ${name}\``
      : "nothing to do: a new token takes its place"
    return [finding(isManual ? "problem" : "warning", `${stored.failure.path ?? name}: ${stored.failure.why}`, hint)]
  }
  const defect = isManual ? defectOf(FlyToken.make(stored.success.token), now) : undefined
  if (defect === undefined) return []
  const hint = `\`fly-tokens set ${name}\` with a new one, or \`fly-tokens unset ${name}\``
  return [finding("warning", `the manual token of ${name}: ${defect.message}`, hint)]
}

export const records = (listed: ReadonlyArray<StoredRecords.StoredRecord>, now: number): ReadonlyArray<Finding> => {
  const odd = listed.flatMap((record) => oddities(record, now))
  if (odd.length > 0) return odd
  return [finding("ok", listed.length === 0 ? "nothing is stored" : `${listed.length} stored, all of them readable`)]
}
