/** What a token is limited to, read offline from its macaroons. Nothing here verifies a signature. */
import * as Result from "effect/Result"
import type * as Caveat from "./Caveat.ts"
import { restrictsToReading } from "./Caveat.ts"
import type { FlyToken } from "./FlyToken.ts"
import * as Macaroon from "./Macaroon.ts"

/** Who discharges the permission macaroons of a login; those of `tokens create` have another third party. */
const loginLocation = "https://auth.fly.io"

/** Caveats that no login has, by their number on the wire. */
const scopes: Readonly<Record<string, string>> = {
  "5": "some features",
  "6": "some mutations",
  "27": "some commands"
}

/** The macaroons of a token that can be read. */
export const macaroonsOf = (token: FlyToken): ReadonlyArray<Macaroon.Macaroon> =>
  token.authorization("machines").replace(/^FlyV1 /, "").split(",").flatMap((piece) => {
    const macaroon = Macaroon.decode(piece)
    return Result.isSuccess(macaroon) ? [macaroon.success] : []
  })

const isLogin = ({ caveats }: Macaroon.Macaroon): boolean =>
  caveats.some((caveat) =>
    caveat._tag === "ThirdParty" &&
    (caveat.location === loginLocation || caveat.location.startsWith(`${loginLocation}/`))
  )

const limitOf = (caveat: Caveat.Caveat, login: boolean): ReadonlyArray<string> => {
  const limits: Array<string> = []
  // A login has one macaroon per organization.
  if (caveat._tag === "Organization" && !login) limits.push("one organization")
  if (caveat._tag === "Apps") limits.push(caveat.masks.size === 1 ? "one app" : `${caveat.masks.size} apps`)
  if (restrictsToReading(caveat)) limits.push("reading")
  const scope = scopes[String(caveat.type)]
  if (scope !== undefined) limits.push(scope)
  return limits
}

/**
 * Why a token may not create tokens: what it is limited to. Empty if it may, as far as can be told offline.
 *
 * **Details**
 *
 * Fly lets a login mint and no token that was made for something (reported for flyctl v0.4.87; org tokens included). A
 * token with a user token (`fo1_…`) in it is a login, and so is a macaroon that `https://auth.fly.io` discharges. A
 * token with several permission macaroons may mint if one of them may.
 */
export const mintLimits = (token: FlyToken): ReadonlyArray<string> => {
  if (token.malformed !== undefined || token.size.userTokens > 0) return []
  const each = Macaroon.standing(macaroonsOf(token)).permissions.map((permission) => {
    const login = isLogin(permission)
    return [...new Set(permission.caveats.flatMap((caveat) => limitOf(caveat, login)))]
  })
  return each.some((limits) => limits.length === 0) ? [] : [...new Set(each.flat())]
}

/**
 * When a token begins to be valid, in epoch milliseconds: the latest begin of all its windows; `null` if none has one.
 */
export const notBefore = (token: FlyToken): number | null => {
  const windows = (caveats: ReadonlyArray<Caveat.Caveat>): ReadonlyArray<number> =>
    caveats.flatMap((caveat) =>
      caveat._tag === "ValidityWindow"
        ? [caveat.notBefore * 1000]
        : caveat._tag === "IfPresent"
        ? windows(caveat.caveats)
        : []
    )
  const begins = macaroonsOf(token).flatMap(({ caveats }) => windows(caveats))
  return begins.length === 0 ? null : begins.reduce((latest, begin) => Math.max(latest, begin))
}
