/** The home of the user. */
import type * as Path from "effect/Path"
import type { Environment } from "../../services/Environment.ts"

/** `HOME`, else `USERPROFILE`. One that is empty or relative is none: it would mean another place in each directory. */
export const homeDirectory = (environment: Environment["Service"], paths: Path.Path): string | undefined =>
  ["HOME", "USERPROFILE"].map(environment.get).find((home) => home !== undefined && paths.isAbsolute(home))
