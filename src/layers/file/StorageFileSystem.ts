/**
 * The storage of the embedded default: files.
 *
 * @since 0.1.0
 * @stability stable
 */
import * as ByteSize from "effect/ByteSize"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as Random from "effect/Random"
import { pid } from "node:process"
import * as Warnings from "../../concurrency/Warnings.ts"
import type { Environment } from "../../services/Environment.ts"
import * as Fence from "../../services/Fence.ts"
import { type RecordMeta, Storage, type StorageBacking, type StorageKey } from "../../services/Storage.ts"
import { StorageError } from "../../services/TokenError.ts"
import { told } from "../../token/Redaction.ts"
import { codeOf, failed, ifPresent, type Operation, whyOf } from "./FileFailure.ts"
import * as PrivateDirectory from "./PrivateDirectory.ts"

export type { DirectoryOptions } from "./PrivateDirectory.ts"

/** A record has some 3 kB. */
const maxBytes = ByteSize.kibibytes(256)

const othersAny = 0o077

/** No write that goes on takes as long between its steps: milliseconds. */
const abandonedAge = 10_000

/**
 * The options of {@link layer}.
 *
 * @category models
 */
export interface StorageFileSystemOptions extends PrivateDirectory.DirectoryOptions {}

type Backing = StorageBacking<PlatformError>

interface Records extends PrivateDirectory.PrivateDirectory {
  readonly readOnly: boolean
  readonly locate: (name: string, key: StorageKey) => string
  readonly warn: Warnings.Warnings
}

const tighten = ({ fileSystem, readOnly, warn, warnOnce }: Records, path: string, mode: number) =>
  readOnly || !PrivateDirectory.hasModes || (mode & othersAny) === 0
    ? Effect.void
    : Effect.matchEffect(fileSystem.chmod(path, 0o600), {
      onSuccess: () => warn("tightened", told`fly-tokens: ${path}: other users could read this record; it is 0600 now`),
      onFailure: (error) =>
        warnOnce(path, `other users can read this record, and that cannot be changed (${codeOf(error)})`)
    })

/** The text of a record, as far as it can be one. */
const textAt = Effect.fnUntraced(function*(records: Records, operation: Operation, path: string) {
  const info = yield* ifPresent(records.fileSystem.lstat(path))
  if (Option.isNone(info)) return Option.none<string>()
  const { mode, size, type } = info.value
  // A link could lead out of here, and a pipe never ends.
  if (type !== "File") {
    return yield* new StorageError({ operation, kind: "Unavailable", why: "it is not a regular file", path })
  }
  yield* tighten(records, path, mode)
  // What is too large to be a record is none: an empty text decodes as little as any other.
  if (ByteSize.isGreaterThan(size, maxBytes)) return Option.some("")
  return yield* ifPresent(records.fileSystem.readFileString(path))
})

/** Whether a staged file was left by a writer that is dead, or suspended for long. */
const isAbandoned = ({ fileSystem }: Records, path: string, now: number) =>
  Effect.map(ifPresent(fileSystem.stat(path)), (info) => {
    if (Option.isNone(info)) return true
    const age = now - Option.getOrElse(info.value.mtime, () => new Date(now)).getTime()
    return age > abandonedAge || age < -Fence.clockTolerance
  })

/**
 * Makes sure that no older writer comes after this one and no newer one came before it. Each writer stages its record
 * before it looks at what others stage, and takes away what is older than its own: so of two that overlap the older
 * one finds the newer one's record, staged or in place, or its own gone when it is to be renamed. A writer that was
 * suspended at any point cannot put an older record in place of a newer one. One whose staged record was taken away
 * begins again; so what a dead writer left, or one that stands still, can be taken away too, whatever its fence.
 */
const overtake = Effect.fnUntraced(
  function*(records: Records, staging: string, name: string, target: string, meta: RecordMeta) {
    const { fileSystem, paths } = records
    const { fence } = meta
    if (fence === undefined) return
    const now = yield* Clock.currentTimeMillis
    for (const file of yield* fileSystem.readDirectory(staging)) {
      const [of, theirs] = file.split(".")
      if (of !== name || !theirs || Number(theirs) === fence) continue
      const path = paths.join(staging, file)
      if (Number(theirs) > fence && !(yield* isAbandoned(records, path, now))) return yield* Storage.superseded()
      yield* fileSystem.remove(path, { force: true })
    }
    const present = yield* textAt(records, "put", target)
    if (Storage.isOutdated(meta, Option.getOrUndefined(present), now)) return yield* Storage.superseded()
  }
)

const write = (records: Records): Backing["write"] =>
  Effect.fnUntraced(function*(name, key, text, meta) {
    const { fileSystem, paths } = records
    const path = records.locate(name, key)
    // Another writer may take away what is staged, which the next look shows; or somebody removes the directory.
    for (let attempt = 0; attempt < 5; attempt++) {
      const parent = yield* PrivateDirectory.ensure(records, "put", key)
      const staging = yield* PrivateDirectory.ensure(records, "put", key, ".staged")
      yield* PrivateDirectory.sweep(records, staging)
      const unique = `${pid}.${yield* Random.nextIntBetween(0, 0x7fffffff)}`
      const temp = paths.join(staging, `${name}.${meta.fence ?? ""}.${unique}.tmp`)
      const inPlace = yield* PrivateDirectory.writeFile(records, temp, text).pipe(
        Effect.andThen(overtake(records, staging, name, path, meta)),
        Effect.andThen(ifPresent(fileSystem.rename(temp, path))),
        Effect.onError(() => Effect.ignore(fileSystem.remove(temp, { force: true })))
      )
      yield* PrivateDirectory.sync(records, "put", parent)
      if (Option.isSome(inPlace)) return
    }
    const why = "what is to be written is being removed"
    return yield* new StorageError({ operation: "put", kind: "Unavailable", why, path })
  })

const setAside = (records: Records): Backing["setAside"] =>
  Effect.fnUntraced(function*(name, key, text) {
    const path = records.locate(name, key)
    // Else somebody has written a good one meanwhile.
    if (Option.getOrUndefined(yield* textAt(records, "get", path)) !== text) return
    if (Option.isNone(yield* ifPresent(records.fileSystem.rename(path, `${path}.corrupt`)))) return
    yield* records.warn(
      "set aside",
      told`fly-tokens: ${path}: not a record that belongs here; set aside as ${name}.json.corrupt`
    )
  })

const refuse =
  ({ locate }: Records, operation: Operation, kind: StorageError["kind"], why: string) =>
  (name: string, key: StorageKey) => Effect.fail(new StorageError({ operation, kind, why, path: locate(name, key) }))

const closed = "it is open for reading only"

const corrupt = "the record is corrupt; whoever needs it next sets it aside and goes on without it"

const make = Effect.fnUntraced(function*(options: StorageFileSystemOptions, readOnly: boolean) {
  const root = yield* PrivateDirectory.make(options, { quiet: readOnly })
  const { fileSystem } = root
  const locate = (name: string, key: StorageKey) => PrivateDirectory.join(root, key, `${name}.json`)
  const records: Records = { ...root, readOnly, locate, warn: yield* Warnings.make }
  const backing: Backing = {
    why: whyOf,
    locate,
    read: Effect.fnUntraced(function*(name, key) {
      const parent = yield* PrivateDirectory.find(root, "get", key)
      return parent === undefined ? Option.none() : yield* textAt(records, "get", locate(name, key))
    }),
    write: write(records),
    remove: Effect.fnUntraced(function*(name, key) {
      const parent = yield* PrivateDirectory.find(root, "delete", key)
      if (parent === undefined) return
      yield* fileSystem.remove(locate(name, key), { force: true })
      yield* PrivateDirectory.sync(root, "delete", parent)
    }),
    setAside: setAside(records),
    names: Effect.fnUntraced(function*(key) {
      const path = yield* PrivateDirectory.find(root, "list", key)
      if (path === undefined) return []
      const files = yield* Effect.mapError(fileSystem.readDirectory(path), failed("list", path))
      return files.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -".json".length))
    })
  }
  if (!readOnly) return Storage.make(backing)
  return Storage.make({
    ...backing,
    write: refuse(records, "put", "Unavailable", closed),
    remove: refuse(records, "delete", "Unavailable", closed),
    setAside: refuse(records, "get", "Corrupt", corrupt)
  })
})

/**
 * One JSON file per app and key, below one directory: `cached/<app>.json`, `manual/<app>.json`, `org/<slug>.json`.
 *
 * **Details**
 *
 * Directories are made with mode 0700, files with 0600 before they have content. A write goes to a temp file below the
 * same directory (`.staged`), is synced and renamed, and the directory is synced: a crash at any instant leaves the old
 * record or the new one. A directory that was there before is never changed: if others can write to it every access fails (`Insecure`),
 * if they can look into it there is one warning. A record that others can read is tightened, with a log line. Building
 * the layer touches no file; a store that cannot be used shows in each access.
 *
 * @category layers
 */
export const layer = (
  options: StorageFileSystemOptions = {}
): Layer.Layer<Storage, never, FileSystem.FileSystem | Path.Path | Environment> =>
  Layer.effect(Storage, make(options, false))

/**
 * The same files, to look at: nothing is written, tightened or set aside, and nothing is logged. A corrupt record is a
 * failure with kind `Corrupt`, whatever it is for.
 *
 * @category layers
 */
export const layerReadOnly = (
  options: StorageFileSystemOptions = {}
): Layer.Layer<Storage, never, FileSystem.FileSystem | Path.Path | Environment> =>
  Layer.effect(Storage, make(options, true))
