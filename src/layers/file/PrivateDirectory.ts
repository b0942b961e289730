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
import * as SingleFlight from "../../concurrency/SingleFlight.ts"
import { Environment } from "../../services/Environment.ts"
import { variables } from "../../services/OptionName.ts"
import * as SystemCode from "../../services/SystemCode.ts"
import { StorageError } from "../../services/TokenError.ts"
import { told } from "../../token/Redaction.ts"
import { codeOf, failed, ifPresent, isAbsent, type Operation } from "./FileFailure.ts"

const othersWrite = 0o022
const othersRead = 0o055

/** No write takes as long: milliseconds. */
const leftoverAge = 3_600_000

/** Whether files have modes: Windows has access lists instead, and a user's directory is private there. */
export const hasModes = platform !== "win32"

/**
 * Where the directory is.
 */
export interface DirectoryOptions {
  /**
   * Where the records are. Default: `FLY_TOKENS_DIR`, else `fly-tokens` in the user's state directory
   * (`$XDG_STATE_HOME` or `~/.local/state`, on macOS `~/Library/Application Support`, on Windows `%LOCALAPPDATA%`).
   */
  readonly directory?: string | undefined
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

/** What is found out of it once. With `quiet` it warns of nothing, because another part of the program does. */
export const make = Effect.fnUntraced(function*(options: DirectoryOptions, { quiet = false } = {}) {
  const warned = new Set<string>()
  return {
    fileSystem: yield* FileSystem.FileSystem,
    paths: yield* Path.Path,
    root: yield* locate(options),
    /** Logs a warning on a path, the first time only that it says the same. */
    warnOnce: (path: string, text: string) => {
      const warning = told`fly-tokens: ${path}: ${text}`
      if (quiet || warned.has(warning)) return Effect.void
      warned.add(warning)
      return Effect.logWarning(warning)
    },
    looks: SingleFlight.make<string | undefined, StorageError>({
      fork: Effect.runForkWith(yield* Effect.context<never>()),
      joinFor: 1_000
    }),
    swept: new Set<string>()
  }
})

export interface PrivateDirectory extends Effect.Success<ReturnType<typeof make>> {}

/** What says that a sync is not to be had here: of this file system, or by the permission model. Windows says EPERM. */
const refusals = new Set([SystemCode.accessDenied, "EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EPERM"])

/** Any other failure of a sync (`EIO`, `ENOSPC`) means that what was written may be lost already. */
const isRefused = (error: PlatformError): boolean => refusals.has(codeOf(error))

/**
 * A new file that only its owner can read, which survives a crash of the system once this returns; where that is not to
 * be had, it says so once.
 */
export const writeFile = Effect.fnUntraced(
  function*({ fileSystem, root, warnOnce }: PrivateDirectory, path: string, text: string) {
    const handle = yield* fileSystem.open(path, { flag: "wx", mode: 0o600 })
    yield* handle.writeAll(new TextEncoder().encode(text))
    yield* Effect.catchIf(handle.sync, isRefused, (error) =>
      warnOnce(
        root ?? "",
        `records are written without a sync, which is refused here (${codeOf(error)}): a crash of the system may lose `
          + "the newest"
      ))
  },
  Effect.scoped
)

/**
 * Makes what happened to the names in a directory survive too. One that cannot be opened for that is left alone: a
 * rename in it is atomic all the same.
 */
export const sync = ({ fileSystem }: PrivateDirectory, operation: Operation, path: string) =>
  Effect.scoped(Effect.matchEffect(fileSystem.open(path), {
    onSuccess: (handle) => Effect.catchIf(handle.sync, isRefused, () => Effect.void),
    onFailure: () => Effect.void
  })).pipe(Effect.mapError(failed(operation, path)))

/**
 * Makes a directory and those above it, from above: Node's own `recursive` says ENOENT of a read-only disk, and tries for
 * ever where no directory can be made (`/proc`).
 */
const makeDirectory = (directory: PrivateDirectory, path: string): Effect.Effect<void, PlatformError> => {
  const parent = directory.paths.dirname(path)
  const make = Effect.catchIf(
    directory.fileSystem.makeDirectory(path, { mode: 0o700 }),
    (error) => error.reason._tag === "AlreadyExists",
    () => Effect.void
  )
  return parent === path
    ? make
    : Effect.catchIf(make, isAbsent, () => Effect.andThen(makeDirectory(directory, parent), make))
}

/** Why a directory is not used as it is. */
const troubleOf = ({ mode, type, uid }: FileSystem.File.Info): Pick<StorageError, "kind" | "why"> | undefined => {
  if (type !== "Directory") return { kind: "Unavailable", why: "it is not a directory" }
  if (!hasModes) return undefined
  const self = geteuid?.()
  if (self !== undefined && Option.isSome(uid) && uid.value !== self && uid.value !== 0) {
    return { kind: "Insecure", why: "it belongs to another user; use a directory of your own (FLY_TOKENS_DIR)" }
  }
  return (mode & othersWrite) === 0 ? undefined : {
    kind: "Insecure",
    why: "other users can write to it; take that right away (chmod go-w) or use another one (FLY_TOKENS_DIR)"
  }
}

/** A directory that is there already: used as it is or not at all, never changed. `false` if it is not there. */
const inspect = Effect.fnUntraced(function*(directory: PrivateDirectory, operation: Operation, path: string) {
  const info = yield* Effect.mapError(ifPresent(directory.fileSystem.stat(path)), failed(operation, path))
  if (Option.isNone(info)) return false
  const trouble = troubleOf(info.value)
  if (trouble !== undefined) return yield* new StorageError({ operation, path, ...trouble })
  if (hasModes && (info.value.mode & othersRead) !== 0) {
    yield* directory.warnOnce(path, "other users can look into this directory; chmod 0700 is better")
  }
  return true
})

const walk = Effect.fnUntraced(
  function*(directory: PrivateDirectory, operation: Operation, parts: ReadonlyArray<string>, makeIt: boolean) {
    const { paths, root } = directory
    if (root === undefined) {
      const why = "there is no directory for the store: HOME is not set; set FLY_TOKENS_DIR"
      return yield* new StorageError({ operation, kind: "Unavailable", why })
    }
    let path = root
    for (const part of ["", ...parts]) {
      path = paths.join(path, part)
      if (yield* inspect(directory, operation, path)) continue
      if (!makeIt) return undefined
      yield* Effect.mapError(makeDirectory(directory, path), failed(operation, path))
      yield* sync(directory, operation, paths.dirname(path))
      // Somebody else may have been quicker, with a directory of another kind.
      yield* inspect(directory, operation, path)
    }
    return path
  }
)

/**
 * A directory in it, by the names on the way there, each of them safe to use; what is missing is made. Fails with
 * `Insecure` if others can write to one of them.
 */
export const ensure = (directory: PrivateDirectory, operation: Operation, ...parts: ReadonlyArray<string>) =>
  Effect.map(walk(directory, operation, parts, true), (path) => path!)

/**
 * The same, but nothing is made: `undefined` if it is not there. Calls at the same time share one look, which is nearly
 * half of what reading a record takes.
 */
export const find = (directory: PrivateDirectory, operation: Operation, ...parts: ReadonlyArray<string>) =>
  directory.looks(directory.paths.join(operation, ...parts), walk(directory, operation, parts, false))

/** The path of something in it, for people; relative if there is no directory. */
export const join = ({ paths, root }: PrivateDirectory, ...parts: ReadonlyArray<string>) =>
  paths.join(root ?? "", ...parts)

/** Removes temp files of writers that were killed: once per directory, those that are older than an hour. */
export const sweep = Effect.fnUntraced(function*({ fileSystem, paths, swept }: PrivateDirectory, path: string) {
  if (swept.has(path)) return
  swept.add(path)
  const now = yield* Clock.currentTimeMillis
  for (const name of yield* fileSystem.readDirectory(path)) {
    if (!name.endsWith(".tmp")) continue
    const temp = paths.join(path, name)
    const { mtime } = yield* fileSystem.stat(temp)
    if (Option.isSome(mtime) && now - mtime.value.getTime() > leftoverAge) yield* fileSystem.remove(temp)
  }
}, Effect.ignore())
