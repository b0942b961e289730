/** The tokens of the environment and of flyctl's config file, and whether flyctl can mint with them. */
import * as Result from "effect/Result"
import type { FlyLogin } from "../../layers/fly/FlyLogin.ts"
import * as Usability from "../../policy/Usability.ts"
import { hintOf } from "../../services/AttemptHint.ts"
import { type Environment, tokenVariables } from "../../services/Environment.ts"
import { type MissReason, NotLoggedIn } from "../../services/MissReason.ts"
import { FlyToken } from "../../token/FlyToken.ts"
import { mintLimits } from "../../token/Grants.ts"
import * as TokenMark from "../TokenMark.ts"
import { type Finding, finding, type Level, orOk, severity } from "./Finding.ts"

/** Why a token cannot work, whatever `ttl` is. */
export const defectOf = (token: FlyToken, now: number) =>
  Usability.whyInvalid(token, token.expiresAt ?? Number.POSITIVE_INFINITY, now)

const mayNotMint = (level: Level, what: string, token: FlyToken, hint: string): ReadonlyArray<Finding> => {
  const limits = mintLimits(token)
  return limits.length === 0
    ? []
    : [finding(level, `${what} may not create tokens: it is limited to ${limits.join(", ")}`, hint)]
}

/** The variable that the source `env` takes its token from, and the token; `undefined` if none holds one. */
export const variableOf = (
  environment: Environment["Service"]
): { readonly name: string; readonly token: FlyToken } | undefined => {
  const name = tokenVariables.find((name) => environment.get(name)?.trim())
  return name === undefined ? undefined : { name, token: FlyToken.make(environment.get(name)!.trim()) }
}

/** What is odd about the variables themselves. */
export const variables = (environment: Environment["Service"]): ReadonlyArray<Finding> => {
  const [access, api] = tokenVariables.map((name) => environment.get(name)?.trim())
  if (access === "") {
    const effect = api
      ? "a `fly` that you run yourself does not see FLY_API_TOKEN behind it"
      : "it counts as not set, and hides a FLY_API_TOKEN from a `fly` that you run yourself"
    return [finding("warning", `FLY_ACCESS_TOKEN is set but empty: ${effect}`, "unset FLY_ACCESS_TOKEN")]
  }
  if (access && api && access !== api) {
    const message = "FLY_ACCESS_TOKEN and FLY_API_TOKEN hold different tokens: FLY_ACCESS_TOKEN is used"
    return [finding("note", message, "unset the one that is not meant")]
  }
  return api === "" && access === undefined
    ? [finding("warning", "FLY_API_TOKEN is set but empty: it counts as not set", "unset FLY_API_TOKEN, or set it")]
    : []
}

/** That the environment's token may not create tokens, if it may not. */
export const mintRight = (environment: Environment["Service"]): ReadonlyArray<Finding> => {
  const variable = variableOf(environment)
  if (variable === undefined) return []
  const { name, token } = variable
  const hint = `run \`fly auth login\`, which flyctl is asked with then; or unset ${name}, if it is not meant`
  return mayNotMint("warning", `the token of ${name}`, token, hint)
}

/** That the environment's token is one that was handed out for another app, if it is. */
export const handedOut = (environment: Environment["Service"], app: string | undefined): ReadonlyArray<Finding> => {
  const variable = variableOf(environment)
  const origin = variable === undefined ? undefined : TokenMark.appOf(environment, variable.token)
  return app === undefined || origin === undefined || origin === app
    ? []
    : [finding("warning", TokenMark.sentence(origin, app), TokenMark.hint)]
}

/** All that there is to say of the environment's token. */
export const environment = (
  environment: Environment["Service"],
  now: number,
  app: string | undefined
): ReadonlyArray<Finding> => {
  const variable = variableOf(environment)
  const odd = variables(environment)
  if (variable === undefined) {
    return orOk(odd, "no token in FLY_ACCESS_TOKEN and FLY_API_TOKEN; other sources are asked")
  }
  const { name, token } = variable
  const defect = defectOf(token, now)
  if (defect !== undefined) {
    const hint = defect._tag === "Malformed"
      ? `${defect.hint}; or unset ${name}`
      : `unset ${name}, or put a new token there`
    return [finding("warning", `the token of ${name}: ${defect.message}`, hint), ...odd]
  }
  return [
    finding("ok", `${name} holds token ${token.fingerprint}, which is served for every app`),
    ...odd,
    ...handedOut(environment, app),
    ...mintRight(environment)
  ]
}

const inConfig = (level: Level, reason: MissReason, message = reason.message): Finding =>
  finding(level, message, hintOf({ source: "config", reason }))

/** flyctl's config file: whether it can be read, by whom, and what its token is worth. */
export const config = (login: FlyLogin, now: number): ReadonlyArray<Finding> => {
  const { mode, openLogs, path, token } = login
  if (path === undefined) return [finding("warning", "there is no home directory", "set HOME or FLY_CONFIG_DIR")]
  const open: Array<Finding> = []
  if (mode !== undefined && (mode & 0o077) !== 0) {
    const message = `${path} (mode ${(mode & 0o777).toString(8)}): other users can read the login in it`
    open.push(finding("warning", message, `chmod 600 ${path}`))
  }
  if (openLogs !== undefined) {
    const message = `${openLogs}: other users can read flyctl's logs, and minted tokens are in them`
    open.push(finding("note", message, `chmod 0700 ${openLogs}`))
  }
  if (Result.isFailure(token)) {
    const { failure } = token
    const onPurpose = mode === undefined ? "nothing to do, if there is no login on this machine on purpose" : null
    return [
      failure._tag === "NotFound" ? finding("note", failure.message, onPurpose) : inConfig("warning", failure),
      ...open
    ]
  }
  const defect = defectOf(token.success, now)
  if (defect === undefined) return orOk(open, `${path} holds token ${token.success.fingerprint}`)
  const message = `the token in ${path}: ${defect.message}`
  return [
    defect._tag === "Malformed"
      ? inConfig("warning", defect, message)
      // That it is expired is usual: flyctl's own live for minutes.
      : inConfig("note", defect, `${message}, so it is not taken from there`),
    ...open
  ]
}

const day = 86_400_000

/** flyctl (v0.4.87) wants a login that is not older, although its token still works. */
const oldestLogin = 30 * day

/** What keeps flyctl from minting with its own login; empty if nothing does, as far as can be told offline. */
export const login = (login: FlyLogin, now: number, needed: boolean): ReadonlyArray<Finding> => {
  const level = severity(needed)
  if (Result.isFailure(login.token)) {
    const { failure } = login.token
    if (failure._tag !== "NotFound") return [inConfig(level, failure)]
    const { hint, message } = new NotLoggedIn()
    return [finding(level, `${message}: ${failure.what}`, hint)]
  }
  const hint = "run `fly auth login`"
  const limited = mayNotMint(
    level,
    `the token in ${login.path}`,
    login.token.success,
    `${hint}: only a login may create tokens`
  )
  if (limited.length > 0) return limited
  if (login.lastLogin === null) {
    const message = `${login.path} does not say when the last login was, so flyctl asks for a new one`
    return [finding(level, message, hint)]
  }
  const age = now - login.lastLogin
  if (age <= oldestLogin) return []
  const date = new Date(login.lastLogin).toISOString().slice(0, 10)
  const days = Math.floor(age / day)
  const message = `the last login (${date}) is ${days} days old: flyctl mints with one of the last 30 days only`
  return [finding(level, message, hint)]
}
