/** A directory that holds secrets: used if nobody else can write to it, made with mode 0700, never changed. */
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
import { variables } from "../../services/OptionName.ts"
import { StorageError } from "../../services/TokenError.ts"
import { told } from "../../token/Redaction.ts"
import { codeOf, failed, isAbsent, type Operation } from "./FileFailure.ts"
import * as Syncing from "./Syncing.ts"

const othersWrite = 0o022
const othersRead = 0o055

/** No write takes as long: milliseconds. */
const leftoverAge = 3_600_000

/** Whether files have modes: Windows has access lists instead, and a user's directory is private there. */
export const hasModes = platform !== "win32"

/** Where the directory is. */
export interface DirectoryOptions {
  /**
   * Where the records are. Default: `FLY_TOKENS_DIR`, else `fly-tokens` in the user's state directory
   * (`$XDG_STATE_HOME` or `~/.local/state`, on macOS `~/Library/Application Support`, on Windows `%LOCALAPPDATA%`).
   */
  readonly directory?: string | undefined
}

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
  /** Makes what was written to a file survive a crash of the system; where that is not to be had, it says so once. */
  readonly syncFile: (file: FileSystem.File) => Effect.Effect<void, PlatformError>
  /** The same for what happened to the names in a directory. */
  readonly sync: (operation: Operation, path: string) => Effect.Effect<void, StorageError>
  /** Removes temp files of writers that were killed: once per directory, those that are older than an hour. */
  readonly sweep: (path: string) => Effect.Effect<void>
  /** Logs a warning on a path, the first time only that it says the same. */
  readonly warnOnce: (path: string, text: string) => Effect.Effect<void>
}

/** The directory by option, variable or convention; `undefined` if the user has no home. */
const locate = Effect.fnUntraced(function*(options: DirectoryOptions) {
  const environment = yield* Environment
  const paths = yield* Path.Path
  const named = options.directory ?? environment.get(variables.directory)
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
 * Makes a directory and those above it, from above: Node's own `recursive` says ENOENT of a read-only disk, and tries for
 * ever where no directory can be made (`/proc`).
 */
const makeDirectory = (
  fileSystem: FileSystem.FileSystem,
  paths: Path.Path,
  path: string
): Effect.Effect<void, PlatformError> => {
  const parent = paths.dirname(path)
  const make = Effect.catchIf(
    fileSystem.makeDirectory(path, { mode: 0o700 }),
    (error) => error.reason._tag === "AlreadyExists",
    () => Effect.void
  )
  return parent === path
    ? make
    : Effect.catchIf(make, isAbsent, () => Effect.andThen(makeDirectory(fileSystem, paths, parent), make))
}

/** With `quiet` it warns of nothing, because another part of the program does. */
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
    const warning = told`fly-tokens: ${path}: ${text}`
    if (quiet || warned.has(warning)) return Effect.void
    warned.add(warning)
    return Effect.logWarning(warning)
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

  const syncFile = (file: FileSystem.File) =>
    Effect.catchIf(
      file.sync,
      Syncing.isRefused,
      (error) =>
        warnOnce(
          root ?? "",
          `records are written without a sync, which is refused here (${codeOf(error)}): a crash of the `
            + "system may lose the newest"
        )
    )

  const sync = (operation: Operation, path: string) =>
    Effect.mapError(Syncing.directory(fileSystem, path), failed(operation, path))

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

  const create = Effect.fnUntraced(function*(operation: Operation, path: string) {
    yield* Effect.mapError(makeDirectory(fileSystem, paths, path), failed(operation, path))
    yield* sync(operation, paths.dirname(path))
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
    syncFile,
    sync,
    sweep,
    warnOnce
  }
})
