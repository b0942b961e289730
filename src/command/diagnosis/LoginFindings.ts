/** Whether flyctl has a login that it mints with. */
import * as Result from "effect/Result"
import type { FlyLogin } from "../../layers/fly/FlyLogin.ts"
import { hintOf } from "../../services/AttemptHint.ts"
import { NotLoggedIn } from "../../services/MissReason.ts"
import { mintLimits } from "../../token/Grants.ts"
import { type Finding, finding, severity } from "./Finding.ts"

const day = 86_400_000

/** flyctl (v0.4.87) wants a login that is not older, although its token still works. */
const oldestLogin = 30 * day

const dateOf = (millis: number) => new Date(millis).toISOString().slice(0, 10)

/** What keeps flyctl from minting with its own login; empty if nothing does, as far as can be told offline. */
export const login = (
  login: FlyLogin,
  options: { readonly now: number; readonly needed: boolean }
): ReadonlyArray<Finding> => {
  const level = severity(options.needed)
  if (Result.isFailure(login.token)) {
    const { failure } = login.token
    if (failure._tag === "NotFound") {
      const { hint, message } = new NotLoggedIn()
      return [finding(level, `${message}: ${failure.what}`, hint)]
    }
    return [finding(level, failure.message, hintOf({ source: "config", reason: failure }))]
  }
  const limits = mintLimits(login.token.success)
  if (limits.length > 0) {
    return [
      finding(
        level,
        `the token in ${login.path} may not create tokens: it is limited to ${limits.join(", ")}`,
        "run `fly auth login`: only a login may create tokens"
      )
    ]
  }
  if (login.lastLogin === null) {
    return [
      finding(
        level,
        `${login.path} does not say when the last login was, so flyctl asks for a new one`,
        "run `fly auth login`"
      )
    ]
  }
  const age = options.now - login.lastLogin
  return age > oldestLogin
    ? [
      finding(
        level,
        `the last login (${dateOf(login.lastLogin)}) is ${
          Math.floor(age / day)
        } days old: flyctl mints with one of the last 30 days only`,
        "run `fly auth login`"
      )
    ]
    : []
}
