/**
 * Which app the token in the environment was handed out for: `exec` and `env` leave a mark beside it, because a call below
 * them takes that token for any app.
 */
import type { Environment } from "../services/Environment.ts"
import type { ResolvedToken } from "../services/TokenProvider.ts"
import { type AppName, isAppName } from "../token/AppName.ts"
import type { FlyToken } from "../token/FlyToken.ts"

export const variable = "FLY_TOKENS_TOKEN_FOR"

/**
 * The app that the environment's token was handed out for. Only if it is still that token: a mark outlives the variable
 * that it stands beside.
 */
export const appOf = (environment: Environment["Service"], token: FlyToken): AppName | undefined => {
  const [app, fingerprint] = environment.get(variable)?.split(":") ?? []
  return isAppName(app) && fingerprint === token.fingerprint ? app : undefined
}

/** What there is to say of a token that was handed out for another app. */
export const sentence = (origin: string, app: string): string =>
  `the environment's token was handed out for ${origin} by an outer fly-tokens, and may not work for ${app}`

export const hint = "unset FLY_API_TOKEN to get a token of its own"

/**
 * The mark for a token that is handed on, and a warning if it was handed out for another app. No mark for the
 * environment's own token, which is meant for every app; that of an outer call stays as it is.
 */
export const of = (
  environment: Environment["Service"],
  { app, source, token }: ResolvedToken
): { readonly mark: string | undefined; readonly warning: string | undefined } => {
  const origin = source === "env" ? appOf(environment, token) : app
  return {
    mark: origin === undefined ? undefined : `${origin}:${token.fingerprint}`,
    warning: origin === undefined || origin === app ? undefined : sentence(origin, app)
  }
}
