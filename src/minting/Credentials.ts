/** Which credentials flyctl mints with. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Background from "../concurrency/Background.ts"
import type { MintSettings } from "../policy/MintPolicy.ts"
import type { ConfigFile } from "../services/ConfigFile.ts"
import { type Environment, tokenOf } from "../services/Environment.ts"
import * as Login from "../token/Login.ts"

/**
 * Names the credentials that flyctl has, by a digest of what stays the same while flyctl renews them: of its config file,
 * and of the environment if it is given that. `undefined` if that cannot be told now.
 */
export type Credentials = (call: { readonly environmentToken: boolean }) => Effect.Effect<string | undefined>

export const make = (options: {
  readonly environment: Environment["Service"]
  readonly configFile: ConfigFile["Service"]
  readonly background: Background.Background
  readonly settings: Pick<MintSettings, "configFileTimeoutMillis">
}): Credentials => {
  const { background, configFile, environment, settings } = options
  const limit = { option: "configFileTimeout", millis: settings.configFileTimeoutMillis }

  return Effect.fnUntraced(function*({ environmentToken }) {
    const login = yield* Effect.result(Background.within(background, configFile.accessToken, limit))
    // Only a file that has no login says so: of any other failure flyctl may know better.
    if (Result.isFailure(login) && login.failure._tag !== "NotFound") return undefined
    const given = environmentToken ? Option.getOrUndefined(tokenOf(environment)) : undefined
    return Login.digest([given, Result.getOrUndefined(login)])
  })
}

/**
 * Begins to find out who asks before flyctl runs, and holds it up by nothing: when flyctl ends somebody else may be logged
 * in, and the config file may hang. What comes back waits for the answer.
 */
export const ahead = (
  fork: Background.Background["fork"],
  asking: Effect.Effect<string | undefined>
): Effect.Effect<string | undefined> => {
  const fiber = fork(asking)
  return Effect.map(Fiber.await(fiber), (exit) => Exit.isSuccess(exit) ? exit.value : undefined)
}
