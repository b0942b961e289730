/**
 * A directory that holds secrets: used if nobody else can write to it, made with mode 0700, never changed.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as UserDirectories from "effect/persistence/UserDirectories"
import type { PlatformError } from "effect/PlatformError"
import { geteuid, platform } from "node:process"
import { Environment } from "../../services/Environment.ts"
import { StorageError } from "../../services/TokenError.ts"
import * as SystemError from "../SystemError.ts"

const othersWrite = 0o022
const othersRead = 0o055

/** No write takes as long: milliseconds. */
const leftoverAge = 3_600_000

/**
 * Whether files have modes: Windows has access lists instead, and a user's directory is private there.
 *
 * @category platform
 * @since 0.1.0
 * @stability stable
 */
export const hasModes = platform !== "win32"

/**
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type Operation = StorageError["operation"]

/**
 * What the system said, else what kind of error it is.
 *
 * @category errors
 * @since 0.1.0
 * @stability stable
 */
export const codeOf = (error: PlatformError): string => SystemError.codeOf(error) ?? error.reason._tag

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

/**
 * The error that a failing call of the file system is; nothing of the call's own text is in it.
 *
 * @category errors
 * @since 0.1.0
 * @stability stable
 */
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

/**
 * @category errors
 * @since 0.1.0
 * @stability stable
 */
export const isAbsent = (error: PlatformError): boolean => error.reason._tag === "NotFound"

/**
 * Where the directory is.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface DirectoryOptions {
  /**
   * Where the records are. Default: `FLY_TOKENS_DIR`, else `fly-tokens` in the user's state directory
   * (`$XDG_STATE_HOME` or `~/.local/state`, on macOS `~/Library/Application Support`, on Windows `%LOCALAPPDATA%`).
   */
  readonly directory?: string | undefined
}

/**
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface PrivateDirectory {
  /** The path of something in it, for people; relative if there is no directory. */
  readonly join: (...parts: ReadonlyArray<string>) => string
  /**
   * A directory in it, by the names on the way there, each of them safe to use; what is missing is made. Fails with
   * `Insecure` if others can write to one of them.
   */
  readonly ensure: (operation: Operation, ...parts: ReadonlyArray<string>) => Effect.Effect<string, StorageError>
  /** The same, but nothing is made: `undefined` if it is not there. */
  readonly find: (
    operation: Operation,
    ...parts: ReadonlyArray<string>
  ) => Effect.Effect<string | undefined, StorageError>
  /** Makes what happened to the names in a directory survive a crash of the system. */
  readonly sync: (path: string) => Effect.Effect<void>
  /** Removes temp files of writers that were killed: once per directory, those that are older than an hour. */
  readonly sweep: (path: string) => Effect.Effect<void>
  /** Logs a warning on a path, the first time only. */
  readonly warnOnce: (path: string, text: string) => Effect.Effect<void>
}

/** The directory by option, variable or convention; `undefined` if the user has no home. */
const locate = Effect.fnUntraced(function*(options: DirectoryOptions) {
  const environment = yield* Environment
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

/**
 * With `quiet` it warns of nothing, because another part of the program does.
 *
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const make = Effect.fnUntraced(function*(
  options: DirectoryOptions,
  { quiet = false } = {}
): Effect.fn.Return<PrivateDirectory, never, FileSystem.FileSystem | Path.Path | Environment> {
  const fileSystem = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const root = yield* locate(options)
  const warned = new Set<string>()
  const swept = new Set<string>()

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
    if (quiet || warned.has(path)) return Effect.void
    warned.add(path)
    return Effect.logWarning(`fly-tokens: ${path}: ${text}`)
  }

  /** A directory that is there already: used as it is or not at all, never changed. `false` if it is not there. */
  const inspect = Effect.fnUntraced(function*(operation: Operation, path: string) {
    const info = yield* Effect.catchIf(
      Effect.asSome(fileSystem.stat(path)),
      isAbsent,
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

  const sync = (path: string) =>
    // Not every file system can sync a directory; the rename is atomic all the same.
    Effect.ignore(Effect.scoped(Effect.flatMap(fileSystem.open(path), (handle) => handle.sync)))

  const sweep = Effect.fnUntraced(function*(path: string) {
    if (swept.has(path)) return
    swept.add(path)
    const now = yield* Clock.currentTimeMillis
    const names = yield* fileSystem.readDirectory(path)
    yield* Effect.forEach(
      names.filter((name) => name.endsWith(".tmp")),
      (name) =>
        Effect.gen(function*() {
          const temp = paths.join(path, name)
          const { mtime } = yield* fileSystem.stat(temp)
          if (Option.isSome(mtime) && now - mtime.value.getTime() > leftoverAge) yield* fileSystem.remove(temp)
        }),
      { discard: true }
    )
  }, (effect) => Effect.ignore(effect))

  const makeOne = (path: string) =>
    Effect.catchIf(
      fileSystem.makeDirectory(path, { mode: 0o700 }),
      (error) => error.reason._tag === "AlreadyExists",
      () => Effect.void
    )

  /** Node's own way to make a path never ends where a directory is there and its children cannot be, as in /proc. */
  const makePath = (path: string): Effect.Effect<void, PlatformError> =>
    Effect.catchIf(
      makeOne(path),
      (error) => isAbsent(error) && paths.dirname(path) !== path,
      () => Effect.andThen(makePath(paths.dirname(path)), makeOne(path))
    )

  const create = Effect.fnUntraced(function*(operation: Operation, path: string) {
    yield* Effect.mapError(makePath(path), failed(operation, path))
    yield* sync(paths.dirname(path))
    // Somebody else may have been quicker, with a directory of another kind.
    yield* inspect(operation, path)
  })

  const use = Effect.fnUntraced(function*(operation: Operation, parts: ReadonlyArray<string>, makeIt: boolean) {
    let path = yield* located(operation)
    for (const part of ["", ...parts]) {
      path = paths.join(path, part)
      if (yield* inspect(operation, path)) continue
      if (!makeIt) return undefined
      yield* create(operation, path)
    }
    return path
  })

  return {
    join: (...parts) => paths.join(root ?? "", ...parts),
    ensure: (operation, ...parts) => Effect.map(use(operation, parts, true), (path) => path!),
    find: (operation, ...parts) => use(operation, parts, false),
    sync,
    sweep,
    warnOnce
  }
})
