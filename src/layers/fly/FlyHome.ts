/** Where flyctl keeps its things. */
import type * as Path from "effect/Path"
import * as Result from "effect/Result"
import type { Environment } from "../../services/Environment.ts"
import { NotFound } from "../../services/MissReason.ts"

/** `HOME`, else `USERPROFILE`. One that is empty or relative is none: it would mean another place in each directory. */
export const homeDirectory = (environment: Environment["Service"], paths: Path.Path): string | undefined =>
  ["HOME", "USERPROFILE"].map(environment.get).find((home) => home !== undefined && paths.isAbsolute(home))

/** Where its config file is, or why it cannot be anywhere. */
export const configFile = (environment: Environment["Service"], paths: Path.Path): Result.Result<string, NotFound> => {
  const directory = environment.get("FLY_CONFIG_DIR")
  if (directory) return Result.succeed(paths.resolve(directory, "config.yml"))
  const home = homeDirectory(environment, paths)
  return home !== undefined
    ? Result.succeed(paths.join(home, ".fly", "config.yml"))
    : Result.fail(new NotFound({ what: "neither FLY_CONFIG_DIR nor HOME is set" }))
}
