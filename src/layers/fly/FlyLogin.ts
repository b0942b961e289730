/** flyctl's login as its config file has it, to be looked at by people. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Result from "effect/Result"
import * as Portions from "../../concurrency/Portions.ts"
import { ConfigFile, type ConfigFileReason } from "../../services/ConfigFile.ts"
import { Environment } from "../../services/Environment.ts"
import type { FlyToken } from "../../token/FlyToken.ts"
import * as FlyHome from "./FlyHome.ts"

export interface FlyLogin {
  /** The config file; `undefined` if there is no home. */
  readonly path: string | undefined
  /** Its mode; `undefined` if it is not there. */
  readonly mode: number | undefined
  readonly token: Result.Result<FlyToken, ConfigFileReason>
  /** Epoch milliseconds; `null` if the file does not say. */
  readonly lastLogin: number | null
  /** The directory of flyctl's logs, if others can look into it: minted tokens are in them. */
  readonly openLogs: string | undefined
}

const othersLook = 0o055

const lastLoginOf = Effect.fnUntraced(function*(path: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const text = yield* Effect.orElseSucceed(fileSystem.readFileString(path), () => "")
  const { lastLogin } = yield* Effect.promise(() => import("./ConfigFileText.ts"))
  return yield* Portions.inPortions(() => lastLogin(text))
})

/** Reads it. */
export const read: Effect.Effect<FlyLogin, never, FileSystem.FileSystem | Path.Path | Environment | ConfigFile> = Effect
  .gen(function*() {
    const fileSystem = yield* FileSystem.FileSystem
    const paths = yield* Path.Path
    const path = Result.getOrUndefined(FlyHome.configFile(yield* Environment, paths))
    const token = yield* Effect.result((yield* ConfigFile).accessToken)
    if (path === undefined) {
      return { path, mode: undefined, token, lastLogin: null, openLogs: undefined }
    }
    const modeOf = (path: string) =>
      Effect.map(Effect.option(fileSystem.stat(path)), (info) => Option.getOrUndefined(info)?.mode)
    const mode = yield* modeOf(path)
    // What is no sound file has no token either, and the token's reason says why.
    const lastLogin = Result.isSuccess(token) ? yield* lastLoginOf(path) : null
    const directory = paths.dirname(path)
    const logs = paths.join(directory, "logs")
    const modes = [yield* modeOf(directory), yield* modeOf(logs)]
    const open = modes.every((mode) => mode !== undefined && (mode & othersLook) !== 0)
    return { path, mode, token, lastLogin, openLogs: open ? logs : undefined }
  })
