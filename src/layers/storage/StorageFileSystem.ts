/**
 * The storage of the embedded default: files.
 *
 * @since 0.1.0
 */
import * as ByteSize from "effect/ByteSize"
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as UserDirectories from "effect/persistence/UserDirectories"
import type { PlatformError } from "effect/PlatformError"
import * as Random from "effect/Random"
import { geteuid, pid, platform } from "node:process"
import { Environment } from "../../services/Environment.ts"
import { Storage, type StorageKey } from "../../services/Storage.ts"
import { StorageError } from "../../services/TokenError.ts"
import * as SystemError from "../SystemError.ts"

/** No write takes as long: milliseconds. */
const leftoverAge = 3_600_000

/** A record has some 3 kB. */
const maxBytes = ByteSize.kibibytes(256)

const othersWrite = 0o022
const othersRead = 0o055
const othersAny = 0o077

/** Windows has access lists instead of modes; a user's directory is private there. */
const hasModes = platform !== "win32"

type Operation = StorageError["operation"]

/** What the system said, else what kind of error it is. */
const codeOf = (error: PlatformError): string => SystemError.codeOf(error) ?? error.reason._tag

const sentences: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOSPC: "no space left on the device",
  EDQUOT: "the disk quota is used up",
  ENOTDIR: "a part of the path is not a directory",
  EISDIR: "it is a directory",
  EMFILE: "too many open files"
}

const failed = (operation: Operation, path: string) => (error: PlatformError): StorageError => {
  const code = codeOf(error)
  const sentence = sentences[code]
  return new StorageError({
    operation,
    kind: "Unavailable",
    why: sentence === undefined ? `failed (${code})` : `${sentence} (${code})`,
    path
  })
}

const absent = (error: PlatformError): boolean => error.reason._tag === "NotFound"

/** The options of {@link layer}. */
export interface StorageFileSystemOptions {
  /**
   * Where the records are. Default: `FLY_TOKENS_DIR`, else `fly-tokens` in the user's state directory
   * (`$XDG_STATE_HOME` or `~/.local/state`, on macOS `~/Library/Application Support`, on Windows `%LOCALAPPDATA%`).
   */
  readonly directory?: string | undefined
}

/** The directory by option, variable or custom; `undefined` if the user has no home. */
const locate = Effect.fnUntraced(function*(options: StorageFileSystemOptions, environment: Environment["Service"]) {
  const paths = yield* Path.Path
  const named = options.directory ?? environment.get("FLY_TOKENS_DIR")
  if (named) return paths.resolve(named)
  const names = ["HOME", "USERPROFILE", "XDG_STATE_HOME", "LOCALAPPDATA"]
  const provider = ConfigProvider.fromEnvRecord(Object.fromEntries(names.map((name) => [name, environment.get(name)])))
  const directory = yield* UserDirectories.make().state("fly-tokens").pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, provider),
    Effect.orElseSucceed(() => undefined)
  )
  // A relative home would mean another place in each directory.
  return directory !== undefined && paths.isAbsolute(directory) ? directory : undefined
})

const make = Effect.fnUntraced(function*(options: StorageFileSystemOptions) {
  const fileSystem = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const root = yield* locate(options, yield* Environment)
  const warned = new Set<string>()

  const located = (operation: Operation): Effect.Effect<string, StorageError> =>
    root === undefined
      ? Effect.fail(
        new StorageError({
          operation,
          kind: "Unavailable",
          why: "there is no directory for the store: HOME is not set; set FLY_TOKENS_DIR"
        })
      )
      : Effect.succeed(root)

  const warnOnce = (path: string, text: string) => {
    if (warned.has(path)) return Effect.void
    warned.add(path)
    return Effect.logWarning(`fly-tokens: ${path}: ${text}`)
  }

  /** A directory that is there already: used as it is or not at all, never changed. `false` if it is not there. */
  const inspect = Effect.fnUntraced(function*(operation: Operation, path: string) {
    const info = yield* Effect.catchIf(
      Effect.asSome(fileSystem.stat(path)),
      absent,
      () => Effect.succeedNone
    ).pipe(Effect.mapError(failed(operation, path)))
    if (Option.isNone(info)) return false
    const { mode, type, uid } = info.value
    if (type !== "Directory") {
      return yield* new StorageError({ operation, kind: "Unavailable", why: "it is not a directory", path })
    }
    if (!hasModes) return true
    const self = geteuid?.()
    if (self !== undefined && Option.isSome(uid) && uid.value !== self && uid.value !== 0) {
      return yield* new StorageError({
        operation,
        kind: "Insecure",
        why: "it belongs to another user; use a directory of your own (FLY_TOKENS_DIR)",
        path
      })
    }
    if ((mode & othersWrite) !== 0) {
      return yield* new StorageError({
        operation,
        kind: "Insecure",
        why: "other users can write to it; take that right away (chmod go-w) or use another one (FLY_TOKENS_DIR)",
        path
      })
    }
    if ((mode & othersRead) !== 0) {
      yield* warnOnce(path, "other users can look into this directory; chmod 0700 is better")
    }
    return true
  })

  const syncDirectory = (path: string) =>
    // Not every file system can sync a directory; the rename is atomic all the same.
    Effect.ignore(Effect.scoped(Effect.flatMap(fileSystem.open(path), (handle) => handle.sync)))

  const create = Effect.fnUntraced(function*(operation: Operation, path: string) {
    yield* Effect.mapError(fileSystem.makeDirectory(path, { recursive: true, mode: 0o700 }), failed(operation, path))
    yield* syncDirectory(paths.dirname(path))
    // Somebody else may have been quicker, with a directory of another kind.
    yield* inspect(operation, path)
  })

  /** The directory of a key, safe to use. `undefined` if it is not there and was not to be made. */
  const directory = Effect.fnUntraced(function*(operation: Operation, key: StorageKey, makeIt: boolean) {
    const top = yield* located(operation)
    const path = paths.join(top, key)
    for (const each of [top, path]) {
      if (yield* inspect(operation, each)) continue
      if (!makeIt) return undefined
      yield* create(operation, each)
    }
    return path
  })

  const file = (name: string, key: StorageKey) => paths.join(root ?? "", key, `${name}.json`)

  const tighten = (path: string, mode: number) =>
    !hasModes || (mode & othersAny) === 0
      ? Effect.void
      : Effect.matchEffect(fileSystem.chmod(path, 0o600), {
        onSuccess: () => Effect.logWarning(`fly-tokens: ${path}: other users could read this record; it is 0600 now`),
        onFailure: (error) =>
          warnOnce(path, `other users can read this record, and that cannot be changed (${codeOf(error)})`)
      })

  /** What is too large to be a record is none: an empty text decodes as little as any other. */
  const contents = (path: string, size: ByteSize.ByteSize) =>
    ByteSize.isGreaterThan(size, maxBytes) ? Effect.succeedSome("") : Effect.asSome(fileSystem.readFileString(path))

  const swept = new Set<string>()

  /** Temp files of writers that were killed hold tokens: once per directory, those that are older than an hour go. */
  const removeLeftovers = Effect.fnUntraced(function*(directory: string) {
    if (swept.has(directory)) return
    swept.add(directory)
    const now = yield* Clock.currentTimeMillis
    const names = yield* fileSystem.readDirectory(directory)
    yield* Effect.forEach(
      names.filter((name) => name.startsWith(".") && name.endsWith(".tmp")),
      (name) =>
        Effect.gen(function*() {
          const path = paths.join(directory, name)
          const { mtime } = yield* fileSystem.stat(path)
          if (Option.isSome(mtime) && now - mtime.value.getTime() > leftoverAge) yield* fileSystem.remove(path)
        }),
      { discard: true }
    )
  }, (effect) => Effect.ignore(effect))

  const write = Effect.fnUntraced(function*(name: string, key: StorageKey, text: string) {
    const parent = (yield* directory("put", key, true))!
    yield* removeLeftovers(parent)
    const target = file(name, key)
    const temp = paths.join(parent, `.${name}.${pid}.${yield* Random.nextIntBetween(0, 0x7fffffff)}.tmp`)
    const fill = Effect.scoped(Effect.gen(function*() {
      const handle = yield* fileSystem.open(temp, { flag: "wx", mode: 0o600 })
      yield* handle.writeAll(new TextEncoder().encode(text))
      yield* handle.sync
    }))
    yield* Effect.andThen(fill, fileSystem.rename(temp, target)).pipe(
      Effect.onError(() => Effect.ignore(fileSystem.remove(temp, { force: true }))),
      Effect.mapError(failed("put", target))
    )
    yield* syncDirectory(parent)
  })

  const read = Effect.fnUntraced(function*(name: string, key: StorageKey) {
    if ((yield* directory("get", key, false)) === undefined) return Option.none<string>()
    const path = file(name, key)
    const info = yield* Effect.asSome(fileSystem.lstat(path)).pipe(
      Effect.catchIf(absent, () => Effect.succeedNone),
      Effect.mapError(failed("get", path))
    )
    if (Option.isNone(info)) return Option.none<string>()
    // A link could lead out of here, and a pipe never ends.
    if (info.value.type !== "File") {
      return yield* new StorageError({ operation: "get", kind: "Unavailable", why: "it is not a regular file", path })
    }
    yield* tighten(path, info.value.mode)
    return yield* contents(path, info.value.size).pipe(
      Effect.catchIf(absent, () => Effect.succeedNone),
      Effect.mapError(failed("get", path))
    )
  })

  const remove = Effect.fnUntraced(function*(name: string, key: StorageKey) {
    const parent = yield* directory("delete", key, false)
    if (parent === undefined) return
    const path = file(name, key)
    yield* Effect.mapError(fileSystem.remove(path, { force: true }), failed("delete", path))
    yield* syncDirectory(parent)
  })

  const setAside = Effect.fnUntraced(function*(name: string, key: StorageKey, text: string) {
    const path = file(name, key)
    const aside = Effect.gen(function*() {
      const { size } = yield* fileSystem.stat(path)
      const now = yield* contents(path, size)
      // Somebody has written a good one meanwhile.
      if (Option.getOrUndefined(now) !== text) return
      yield* fileSystem.rename(path, `${path}.corrupt`)
      yield* Effect.logWarning(`fly-tokens: ${path}: not a record; set aside as ${name}.json.corrupt`)
    })
    yield* aside.pipe(Effect.catchIf(absent, () => Effect.void), Effect.mapError(failed("get", path)))
  })

  const names = Effect.fnUntraced(function*(key: StorageKey) {
    const path = yield* directory("list", key, false)
    if (path === undefined) return []
    const files = yield* Effect.mapError(fileSystem.readDirectory(path), failed("list", path))
    return files.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -".json".length))
  })

  return Storage.make({ read, write, remove, setAside, names, locate: file })
})

/**
 * One JSON file per app and key, below one directory: `cached/<app>.json`, `manual/<app>.json`, `org/<slug>.json`.
 *
 * **Details**
 *
 * Directories are made with mode 0700, files with 0600 before they have content. A write goes to a temp file beside its
 * target, is synced and renamed, and the directory is synced: a crash at any instant leaves the old record or the new
 * one. A directory that was there before is never changed: if others can write to it every access fails (`Insecure`),
 * if they can look into it there is one warning. A record that others can read is tightened, with a log line. Building
 * the layer touches no file; a store that cannot be used shows in each access.
 *
 * @category layers
 * @since 0.1.0
 * @stability stable
 */
export const layer = (
  options: StorageFileSystemOptions = {}
): Layer.Layer<Storage, never, FileSystem.FileSystem | Path.Path | Environment> => Layer.effect(Storage, make(options))
