/** The token of the environment: which variable it is from, and what is odd about the variables. */
import * as Usability from "../../policy/Usability.ts"
import { type Environment, tokenVariables } from "../../services/Environment.ts"
import { FlyToken } from "../../token/FlyToken.ts"
import { mintLimits } from "../../token/Grants.ts"
import * as HandedOut from "../HandedOut.ts"
import { type Finding, finding, orOk } from "./Finding.ts"

/** The variable that the source `env` takes its token from, and the token; `undefined` if none holds one. */
export const variableOf = (
  environment: Environment["Service"]
): { readonly name: string; readonly token: FlyToken } | undefined => {
  for (const name of tokenVariables) {
    const value = environment.get(name)?.trim()
    if (value) return { name, token: FlyToken.make(value) }
  }
  return undefined
}

/** What is odd about the variables themselves. */
export const variables = (environment: Environment["Service"]): ReadonlyArray<Finding> => {
  const [access, api] = tokenVariables.map((name) => environment.get(name)?.trim())
  if (access === "") {
    return [
      finding(
        "warning",
        api
          ? "FLY_ACCESS_TOKEN is set but empty: a `fly` that you run yourself does not see FLY_API_TOKEN behind it"
          : "FLY_ACCESS_TOKEN is set but empty: it counts as not set, and hides a FLY_API_TOKEN from a `fly` that you run yourself",
        "unset FLY_ACCESS_TOKEN"
      )
    ]
  }
  if (access && api && access !== api) {
    return [
      finding(
        "note",
        "FLY_ACCESS_TOKEN and FLY_API_TOKEN hold different tokens: FLY_ACCESS_TOKEN is used",
        "unset the one that is not meant"
      )
    ]
  }
  return api === "" && access === undefined
    ? [finding("warning", "FLY_API_TOKEN is set but empty: it counts as not set", "unset FLY_API_TOKEN, or set it")]
    : []
}

/** That the environment's token may not create tokens, if it may not. */
export const mintRight = (environment: Environment["Service"]): ReadonlyArray<Finding> => {
  const variable = variableOf(environment)
  const limits = variable === undefined ? [] : mintLimits(variable.token)
  return variable === undefined || limits.length === 0
    ? []
    : [
      finding(
        "warning",
        `the token of ${variable.name} may not create tokens: it is limited to ${limits.join(", ")}`,
        `run \`fly auth login\`, which flyctl is asked with then; or unset ${variable.name}, if it is not meant`
      )
    ]
}

/** That the environment's token is one that was handed out for another app, if it is. */
export const handedOut = (environment: Environment["Service"], app: string): ReadonlyArray<Finding> => {
  const variable = variableOf(environment)
  const origin = variable === undefined ? undefined : HandedOut.appOf(environment, variable.token)
  return origin === undefined || origin === app
    ? []
    : [finding("warning", HandedOut.sentence(origin, app), HandedOut.hint)]
}

/** All that there is to say of the environment's token. */
export const environment = (
  environment: Environment["Service"],
  now: number,
  app?: string
): ReadonlyArray<Finding> => {
  const variable = variableOf(environment)
  const odd = variables(environment)
  if (variable === undefined) {
    return orOk(odd, () => "no token in FLY_ACCESS_TOKEN and FLY_API_TOKEN; other sources are asked")
  }
  const { name, token } = variable
  const defect = Usability.defectOf(token, token.expiresAt ?? Number.POSITIVE_INFINITY, now)
  return defect === undefined
    ? [
      finding("ok", `${name} holds token ${token.fingerprint}, which is served for every app`),
      ...odd,
      ...(app === undefined ? [] : handedOut(environment, app)),
      ...mintRight(environment)
    ]
    : [
      finding(
        "warning",
        `the token of ${name}: ${defect.message}`,
        defect._tag === "Malformed" ? `${defect.hint}; or unset ${name}` : `unset ${name}, or put a new token there`
      ),
      ...odd
    ]
}
