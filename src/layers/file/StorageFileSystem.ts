/**
 * The storage of the embedded default: files.
 *
 * @since 0.1.0
 * @stability stable
 */
import * as ByteSize from "effect/ByteSize"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
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

const { hasModes } = PrivateDirectory

/**
 * The options of {@link layer}.
 *
 * @category models
 */
export interface StorageFileSystemOptions extends PrivateDirectory.DirectoryOptions {}

const make = Effect.fnUntraced(function*(options: StorageFileSystemOptions, readOnly: boolean) {
  const fileSystem = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const root = yield* PrivateDirectory.make(options, { quiet: readOnly })
  const warn = yield* Warnings.make

  const locate = (name: string, key: StorageKey) => root.join(key, `${name}.json`)

  const tighten = (path: string, mode: number) =>
    readOnly || !hasModes || (mode & othersAny) === 0
      ? Effect.void
      : Effect.matchEffect(fileSystem.chmod(path, 0o600), {
        onSuccess: () =>
          warn("tightened", told`fly-tokens: ${path}: other users could read this record; it is 0600 now`),
        onFailure: (error) =>
          root.warnOnce(path, `other users can read this record, and that cannot be changed (${codeOf(error)})`)
      })

  /** What is too large to be a record is none: an empty text decodes as little as any other. */
  const contents = (path: string, size: ByteSize.ByteSize) =>
    ByteSize.isGreaterThan(size, maxBytes) ? Effect.succeed("") : fileSystem.readFileString(path)

  /** The text of a record, as far as it can be one. */
  const textAt = Effect.fnUntraced(function*(operation: Operation, path: string) {
    const info = yield* ifPresent(fileSystem.lstat(path))
    if (Option.isNone(info)) return Option.none<string>()
    // A link could lead out of here, and a pipe never ends.
    if (info.value.type !== "File") {
      return yield* new StorageError({ operation, kind: "Unavailable", why: "it is not a regular file", path })
    }
    yield* tighten(path, info.value.mode)
    return yield* ifPresent(contents(path, info.value.size))
  })

  /** What others are about to put in this record's place, by their fences. */
  const stagedBeside = (directory: string, name: string) =>
    Effect.map(fileSystem.readDirectory(directory), (names) =>
      names.flatMap((each) => {
        const [of, fence] = each.split(".")
        return of === name && fence !== undefined && fence !== ""
          ? [{ path: paths.join(directory, each), fence: Number(fence) }]
          : []
      }))

  /** Whether a staged file was left by a writer that is dead, or suspended for long. */
  const isAbandoned = (path: string, now: number) =>
    Effect.map(ifPresent(fileSystem.stat(path)), (info) => {
      if (Option.isNone(info)) return true
      const { mtime } = info.value
      const age = Option.isSome(mtime) ? now - mtime.value.getTime() : 0
      return age > abandonedAge || age < -Fence.clockTolerance
    })

  /**
   * Makes sure that no older writer comes after this one and no newer one came before it. Each writer stages its record
   * before it looks at what others stage, and takes away what is older than its own: so of two that overlap the older
   * one finds the newer one's record, staged or in place, or its own gone when it is to be renamed. A writer that was
   * suspended at any point cannot put an older record in place of a newer one. One whose staged record was taken away
   * begins again; so what a dead writer left, or one that stands still, can be taken away too, whatever its fence.
   */
  const overtake = Effect.fnUntraced(function*(directory: string, name: string, target: string, meta: RecordMeta) {
    const { fence } = meta
    if (fence === undefined) return
    const now = yield* Clock.currentTimeMillis
    for (const other of yield* stagedBeside(directory, name)) {
      if (other.fence === fence) continue
      if (other.fence > fence && !(yield* isAbandoned(other.path, now))) return yield* Storage.superseded()
      yield* fileSystem.remove(other.path, { force: true })
    }
    const present = yield* textAt("put", target)
    if (Storage.isOutdated(meta, Option.getOrUndefined(present), now)) return yield* Storage.superseded()
  })

  const fill = Effect.fnUntraced(function*(path: string, text: string) {
    const handle = yield* fileSystem.open(path, { flag: "wx", mode: 0o600 })
    yield* handle.writeAll(new TextEncoder().encode(text))
    yield* root.syncFile(handle)
  }, Effect.scoped)

  const backing: StorageBacking<PlatformError> = {
    why: whyOf,
    locate,
    read: Effect.fnUntraced(function*(name, key) {
      const parent = yield* root.find("get", key)
      return parent === undefined ? Option.none() : yield* textAt("get", locate(name, key))
    }),
    write: Effect.fnUntraced(function*(name, key, text, meta) {
      const path = locate(name, key)
      // Another writer may take away what is staged, which the next look shows; or somebody removes the directory.
      for (let attempt = 0; attempt < 5; attempt++) {
        const parent = yield* root.ensure("put", key)
        const staging = yield* root.ensure("put", key, ".staged")
        yield* root.sweep(staging)
        const unique = `${pid}.${yield* Random.nextIntBetween(0, 0x7fffffff)}`
        const temp = paths.join(staging, `${name}.${meta.fence ?? ""}.${unique}.tmp`)
        const inPlace = yield* fill(temp, text).pipe(
          Effect.andThen(overtake(staging, name, path, meta)),
          Effect.andThen(ifPresent(fileSystem.rename(temp, path))),
          Effect.onError(() => Effect.ignore(fileSystem.remove(temp, { force: true })))
        )
        yield* root.sync("put", parent)
        if (Option.isSome(inPlace)) return
      }
      const why = "what is to be written is being removed"
      return yield* new StorageError({ operation: "put", kind: "Unavailable", why, path })
    }),
    remove: Effect.fnUntraced(function*(name, key) {
      const parent = yield* root.find("delete", key)
      if (parent === undefined) return
      yield* fileSystem.remove(locate(name, key), { force: true })
      yield* root.sync("delete", parent)
    }),
    setAside: (name, key, text) => {
      const path = locate(name, key)
      const aside = Effect.gen(function*() {
        const { size } = yield* fileSystem.stat(path)
        // Somebody has written a good one meanwhile.
        if ((yield* contents(path, size)) !== text) return
        yield* fileSystem.rename(path, `${path}.corrupt`)
        yield* warn(
          "set aside",
          told`fly-tokens: ${path}: not a record that belongs here; set aside as ${name}.json.corrupt`
        )
      })
      return Effect.asVoid(ifPresent(aside))
    },
    names: Effect.fnUntraced(function*(key) {
      const path = yield* root.find("list", key)
      if (path === undefined) return []
      const files = yield* Effect.mapError(fileSystem.readDirectory(path), failed("list", path))
      return files.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -".json".length))
    })
  }
  if (!readOnly) return Storage.make(backing)

  const refused = (error: Pick<StorageError, "operation" | "kind" | "why">) => (name: string, key: StorageKey) =>
    Effect.fail(new StorageError({ ...error, path: locate(name, key) }))
  const closed = { kind: "Unavailable", why: "it is open for reading only" } as const
  return Storage.make({
    ...backing,
    write: refused({ operation: "put", ...closed }),
    remove: refused({ operation: "delete", ...closed }),
    setAside: refused({
      operation: "get",
      kind: "Corrupt",
      why: "the record is corrupt; whoever needs it next sets it aside and goes on without it"
    })
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
