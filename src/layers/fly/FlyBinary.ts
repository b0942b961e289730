/** Finding flyctl. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type { Environment } from "../../services/Environment.ts"
import { BinaryNotFound, NotExecutable, NotFlyctl } from "../../services/MissReason.ts"
import { homeDirectory } from "./FlyHome.ts"

/** The files that may be flyctl, in the order in which they are tried. */
export interface Candidates {
  readonly executable: ReadonlyArray<{
    readonly path: string
    /** Changes when the file becomes another one. */
    readonly stamp: string
  }>
  /** Files of that name that cannot be run. */
  readonly notExecutable: ReadonlyArray<string>
  /** Where it was looked, for people. */
  readonly looked: ReadonlyArray<string>
}

/** Whether a file bears a name that no other program has: `fly` is Concourse's client too. */
export const isNamedFlyctl = (path: string): boolean => /(^|[\\/])flyctl(\.exe)?$/.test(path)

/**
 * Looks for an explicit binary, else for `flyctl` on PATH, `fly` on PATH, `$FLYCTL_INSTALL/bin` and `~/.fly/bin`.
 * Relative entries of PATH are left out.
 */
export const find = Effect.fnUntraced(function*(
  environment: Environment["Service"],
  options: { readonly binary: string | undefined; readonly windows: boolean }
): Effect.fn.Return<Candidates, never, FileSystem.FileSystem | Path.Path> {
  const fileSystem = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const names = options.windows ? ["flyctl.exe", "fly.exe"] : ["flyctl", "fly"]
  const home = homeDirectory(environment, paths)
  const path = (environment.get("PATH") ?? "").split(options.windows ? ";" : ":").filter(paths.isAbsolute)
  const installs = [environment.get("FLYCTL_INSTALL"), home === undefined ? undefined : paths.join(home, ".fly")]
    .flatMap((directory) =>
      directory !== undefined && paths.isAbsolute(directory) ? [paths.join(directory, "bin")] : []
    )

  const binary = options.binary === "" ? undefined : options.binary
  const files = binary === undefined
    ? [
      ...names.flatMap((name) => path.map((directory) => paths.join(directory, name))),
      ...installs.flatMap((directory) => names.map((name) => paths.join(directory, name)))
    ]
    : paths.basename(binary) === binary
    ? path.map((directory) => paths.join(directory, binary))
    : [paths.resolve(binary)]

  const executable: Array<Candidates["executable"][number]> = []
  const notExecutable: Array<string> = []
  for (const file of new Set(files)) {
    const info = yield* Effect.option(fileSystem.stat(file))
    if (info._tag === "None") continue
    const { ino, mode, mtime, type } = info.value
    if (type === "File" && (options.windows || (mode & 0o111) !== 0)) {
      const stamp = [file, Option.getOrElse(ino, () => 0), Option.map(mtime, Number).pipe(Option.getOrElse(() => 0))]
      executable.push({ path: file, stamp: stamp.join(":") })
    } else notExecutable.push(file)
  }
  return {
    executable,
    notExecutable,
    looked: binary === undefined ? ["flyctl and fly on PATH", ...installs] : [binary]
  }
})

/** Why there is no flyctl among the files that were found: some are other programs, some cannot be run. */
export const missing = (
  found: Candidates,
  passedOver: { readonly another: ReadonlyArray<string>; readonly nothing: ReadonlyArray<string> }
): NotFlyctl | NotExecutable | BinaryNotFound => {
  const unrunnable = [...passedOver.nothing, ...found.notExecutable]
  const [another] = passedOver.another
  const path = unrunnable.find(isNamedFlyctl) ?? (another === undefined ? unrunnable[0] : undefined)
  if (path !== undefined) return new NotExecutable({ path })
  return another !== undefined ? new NotFlyctl({ path: another }) : new BinaryNotFound({ looked: found.looked })
}
