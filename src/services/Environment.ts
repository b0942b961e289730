/** The environment variables that the sources look at. */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { FlyToken } from "../token/FlyToken.ts"

/**
 * Reads a variable, each time anew; `undefined` if it is not set.
 *
 * @category services
 * @since 0.1.0
 * @stability stable
 */
export class Environment extends Context.Service<Environment, {
  /** The variable's text; `undefined` if it is not set. */
  readonly get: (name: string) => string | undefined
}>()("effect-fly-tokens/Environment") {
  /**
   * A fixed environment, for tests and for programs that keep their settings elsewhere.
   *
   * @category layers
   */
  static layerRecord(variables: Readonly<Record<string, string | undefined>>): Layer.Layer<Environment> {
    return Layer.succeed(Environment)({
      get: (name) => Object.hasOwn(variables, name) ? variables[name] : undefined
    })
  }
}

/**
 * The two variables that flyctl takes a token from, the first that is not empty wins (flyctl v0.4.87 lets an empty
 * `FLY_ACCESS_TOKEN` hide `FLY_API_TOKEN`; we do not).
 */
export const tokenVariables = ["FLY_ACCESS_TOKEN", "FLY_API_TOKEN"] as const

/** The token of the environment, if there is one. */
export const tokenOf = (environment: Environment["Service"]): Option.Option<FlyToken> => {
  for (const name of tokenVariables) {
    const value = environment.get(name)?.trim()
    if (value !== undefined && value !== "") return Option.some(FlyToken.make(value))
  }
  return Option.none()
}
