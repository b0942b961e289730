/**
 * Finding flyctl.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type { Environment } from "../../services/Environment.ts"

/**
 * The files that may be flyctl, in the order in which they are tried.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface Candidates {
  readonly executable: ReadonlyArray<string>
  /** Files of that name that cannot be run. */
  readonly notExecutable: ReadonlyArray<string>
  /** Where it was looked, for people. */
  readonly looked: ReadonlyArray<string>
}

/**
 * Looks for an explicit binary, else for `flyctl` on PATH, `fly` on PATH, `$FLYCTL_INSTALL/bin` and `~/.fly/bin`
 * (FACTS section 3). Relative entries of PATH are left out.
 *
 * @category searching
 * @since 0.1.0
 * @stability stable
 */
export const find = Effect.fnUntraced(function*(
  environment: Environment["Service"],
  options: { readonly binary: string | undefined; readonly windows: boolean }
): Effect.fn.Return<Candidates, never, FileSystem.FileSystem | Path.Path> {
  const fileSystem = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const names = options.windows ? ["flyctl.exe", "fly.exe"] : ["flyctl", "fly"]
  const home = environment.get("HOME") ?? environment.get("USERPROFILE")
  const path = (environment.get("PATH") ?? "").split(options.windows ? ";" : ":").filter(paths.isAbsolute)
  const installs = [environment.get("FLYCTL_INSTALL"), home === undefined ? undefined : paths.join(home, ".fly")]
    .flatMap((directory) => directory ? [paths.join(directory, "bin")] : [])

  const { binary } = options
  const files = binary === undefined
    ? [
      ...names.flatMap((name) => path.map((directory) => paths.join(directory, name))),
      ...installs.flatMap((directory) => names.map((name) => paths.join(directory, name)))
    ]
    : paths.basename(binary) === binary
    ? path.map((directory) => paths.join(directory, binary))
    : [paths.resolve(binary)]

  const executable: Array<string> = []
  const notExecutable: Array<string> = []
  for (const file of new Set(files)) {
    const info = yield* Effect.option(fileSystem.stat(file))
    if (info._tag === "None") continue
    const runs = info.value.type === "File" && (options.windows || (info.value.mode & 0o111) !== 0)
    ;(runs ? executable : notExecutable).push(file)
  }
  return {
    executable,
    notExecutable,
    looked: binary === undefined ? ["flyctl and fly on PATH", ...installs] : [binary]
  }
})
