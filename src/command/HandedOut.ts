/**
 * Which app the token in the environment was handed out for: `exec` and `env` leave a mark beside it, because a call below
 * them takes that token for any app.
 */
import type { Environment } from "../services/Environment.ts"
import type { ResolvedToken } from "../services/TokenProvider.ts"
import { type AppName, isAppName } from "../token/AppName.ts"
import type { FlyToken } from "../token/FlyToken.ts"

/** The variable of the mark. */
export const variable = "FLY_TOKENS_TOKEN_FOR"

/**
 * The app that the environment's token was handed out for. Only if it is still that token: a mark outlives the variable
 * that it stands beside.
 */
export const appOf = (environment: Environment["Service"], token: FlyToken): AppName | undefined => {
  const [app, fingerprint] = environment.get(variable)?.split(":") ?? []
  return isAppName(app) && fingerprint === token.fingerprint ? app : undefined
}

const originOf = (environment: Environment["Service"], { app, source, token }: ResolvedToken): AppName | undefined =>
  source === "env" ? appOf(environment, token) : app

/**
 * The mark for a token that is handed on. None for the environment's own, which is meant for every app; that of an outer
 * call stays as it is.
 */
export const markOf = (environment: Environment["Service"], resolved: ResolvedToken): string | undefined => {
  const origin = originOf(environment, resolved)
  return origin === undefined ? undefined : `${origin}:${resolved.token.fingerprint}`
}

/** What there is to say of a token that was handed out for another app. */
export const warning = (environment: Environment["Service"], resolved: ResolvedToken): string | undefined => {
  const origin = originOf(environment, resolved)
  return origin === undefined || origin === resolved.app ? undefined : sentence(origin, resolved.app)
}

export const sentence = (origin: string, app: string): string =>
  `the environment's token was handed out for ${origin} by an outer fly-tokens, and may not work for ${app}`

/** What to do about it. */
export const hint = "unset FLY_API_TOKEN to get a token of its own"
