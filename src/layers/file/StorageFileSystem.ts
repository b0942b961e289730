/**
 * The storage of the embedded default: files.
 *
 * @since 0.1.0
 */
import * as ByteSize from "effect/ByteSize"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Random from "effect/Random"
import { pid } from "node:process"
import * as Warnings from "../../concurrency/Warnings.ts"
import type { Environment } from "../../services/Environment.ts"
import * as Fence from "../../services/Fence.ts"
import { type RecordMeta, Storage, type StorageKey } from "../../services/Storage.ts"
import { StorageError } from "../../services/TokenError.ts"
import { told } from "../../token/Redaction.ts"
import { codeOf, failed, isAbsent, type Operation } from "./FileFailure.ts"
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
 * @since 0.1.0
 * @stability stable
 */
export interface StorageFileSystemOptions extends PrivateDirectory.DirectoryOptions {}

const make = Effect.fnUntraced(function*(options: StorageFileSystemOptions, readOnly: boolean) {
  const fileSystem = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const root = yield* PrivateDirectory.make(options, { quiet: readOnly })
  const warn = yield* Warnings.make

  const file = (name: string, key: StorageKey) => root.join(key, `${name}.json`)

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
    ByteSize.isGreaterThan(size, maxBytes) ? Effect.succeedSome("") : Effect.asSome(fileSystem.readFileString(path))

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
    Effect.map(fileSystem.stat(path), ({ mtime }) => {
      const age = Option.isSome(mtime) ? now - mtime.value.getTime() : 0
      return age > abandonedAge || age < -Fence.clockTolerance
    }).pipe(Effect.catchIf(isAbsent, () => Effect.succeed(true)))

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
    const staged = yield* Effect.mapError(stagedBeside(directory, name), failed("put", directory))
    for (const other of staged.filter((each) => each.fence !== fence)) {
      const abandoned = other.fence < fence ||
        (yield* Effect.mapError(isAbandoned(other.path, now), failed("put", other.path)))
      if (!abandoned) return yield* Storage.superseded()
      yield* Effect.mapError(fileSystem.remove(other.path, { force: true }), failed("put", other.path))
    }
    const present = yield* textAt("put", target)
    if (Storage.isOutdated(meta, Option.getOrUndefined(present), now)) return yield* Storage.superseded()
  })

  /** `false` if the staged file was gone when it was to be put in place. */
  const place = Effect.fnUntraced(function*(name: string, key: StorageKey, text: string, meta: RecordMeta) {
    const parent = yield* root.ensure("put", key)
    const staging = yield* root.ensure("put", key, ".staged")
    yield* root.sweep(staging)
    const target = file(name, key)
    const temp = paths.join(
      staging,
      `${name}.${meta.fence ?? ""}.${pid}.${yield* Random.nextIntBetween(0, 0x7fffffff)}.tmp`
    )
    const fill = Effect.scoped(Effect.gen(function*() {
      const handle = yield* fileSystem.open(temp, { flag: "wx", mode: 0o600 })
      yield* handle.writeAll(new TextEncoder().encode(text))
      yield* root.syncFile(handle)
    }))
    const inPlace = yield* Effect.mapError(fill, failed("put", target)).pipe(
      Effect.andThen(overtake(staging, name, target, meta)),
      Effect.andThen(
        Effect.as(fileSystem.rename(temp, target), true).pipe(
          Effect.catchIf(isAbsent, () => Effect.succeed(false)),
          Effect.mapError(failed("put", target))
        )
      ),
      Effect.onError(() => Effect.ignore(fileSystem.remove(temp, { force: true })))
    )
    yield* root.sync("put", parent)
    return inPlace
  })

  const write = Effect.fnUntraced(function*(name: string, key: StorageKey, text: string, meta: RecordMeta) {
    // Another writer took it away, which the next look shows; or somebody removed the directory.
    for (let attempt = 0; attempt < 5; attempt++) {
      if (yield* place(name, key, text, meta)) return
    }
    return yield* new StorageError({
      operation: "put",
      kind: "Unavailable",
      why: "what is to be written is being removed",
      path: file(name, key)
    })
  })

  /** The text of a record, as far as it can be one. */
  const textAt = Effect.fnUntraced(function*(operation: Operation, path: string) {
    const info = yield* Effect.asSome(fileSystem.lstat(path)).pipe(
      Effect.catchIf(isAbsent, () => Effect.succeedNone),
      Effect.mapError(failed(operation, path))
    )
    if (Option.isNone(info)) return Option.none<string>()
    // A link could lead out of here, and a pipe never ends.
    if (info.value.type !== "File") {
      return yield* new StorageError({ operation, kind: "Unavailable", why: "it is not a regular file", path })
    }
    yield* tighten(path, info.value.mode)
    return yield* contents(path, info.value.size).pipe(
      Effect.catchIf(isAbsent, () => Effect.succeedNone),
      Effect.mapError(failed(operation, path))
    )
  })

  const read = Effect.fnUntraced(function*(name: string, key: StorageKey) {
    return (yield* root.find("get", key)) === undefined ? Option.none<string>() : yield* textAt("get", file(name, key))
  })

  const remove = Effect.fnUntraced(function*(name: string, key: StorageKey) {
    const parent = yield* root.find("delete", key)
    if (parent === undefined) return
    const path = file(name, key)
    yield* Effect.mapError(fileSystem.remove(path, { force: true }), failed("delete", path))
    yield* root.sync("delete", parent)
  })

  const setAside = Effect.fnUntraced(function*(name: string, key: StorageKey, text: string) {
    const path = file(name, key)
    const aside = Effect.gen(function*() {
      const { size } = yield* fileSystem.stat(path)
      const now = yield* contents(path, size)
      // Somebody has written a good one meanwhile.
      if (Option.getOrUndefined(now) !== text) return
      yield* fileSystem.rename(path, `${path}.corrupt`)
      yield* warn(
        "set aside",
        told`fly-tokens: ${path}: not a record that belongs here; set aside as ${name}.json.corrupt`
      )
    })
    yield* aside.pipe(Effect.catchIf(isAbsent, () => Effect.void), Effect.mapError(failed("get", path)))
  })

  const names = Effect.fnUntraced(function*(key: StorageKey) {
    const path = yield* root.find("list", key)
    if (path === undefined) return []
    const files = yield* Effect.mapError(fileSystem.readDirectory(path), failed("list", path))
    return files.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -".json".length))
  })

  if (!readOnly) return Storage.make({ read, write, remove, setAside, names, locate: file })

  const refused = (operation: "put" | "delete") => (name: string, key: StorageKey) =>
    Effect.fail(
      new StorageError({ operation, kind: "Unavailable", why: "it is open for reading only", path: file(name, key) })
    )
  return Storage.make({
    read,
    write: refused("put"),
    remove: refused("delete"),
    setAside: (name, key) =>
      Effect.fail(
        new StorageError({
          operation: "get",
          kind: "Corrupt",
          why: "the record is corrupt; whoever needs it next sets it aside and goes on without it",
          path: file(name, key)
        })
      ),
    names,
    locate: file
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
 * @since 0.1.0
 * @stability stable
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
 * @since 0.1.0
 * @stability stable
 */
export const layerReadOnly = (
  options: StorageFileSystemOptions = {}
): Layer.Layer<Storage, never, FileSystem.FileSystem | Path.Path | Environment> =>
  Layer.effect(Storage, make(options, true))
