/** What a token can be used for, read offline from its macaroons. Nothing here verifies a signature. */
import * as Result from "effect/Result"
import * as Caveat from "./Caveat.ts"
import type { FlyToken } from "./FlyToken.ts"
import * as Macaroon from "./Macaroon.ts"

/** The macaroons of a token that can be read. */
const macaroonsOf = (token: FlyToken): ReadonlyArray<Macaroon.Macaroon> =>
  token.authorization("machines").replace(/^FlyV1 /, "").split(",").flatMap((piece) => {
    const macaroon = Macaroon.decode(piece)
    return Result.isSuccess(macaroon) ? [macaroon.success] : []
  })

/** Fly's internal numbers, as far as they are known. */
export interface Place {
  readonly org: bigint | undefined
  readonly app: bigint | undefined
}

/**
 * Whether a token can serve a place: `Unfit` lacks a macaroon for the organization or for the app, `Undischarged` has
 * one, without a discharge. What cannot be told counts as `Fit`.
 */
export type Fitness =
  | { readonly _tag: "Fit" }
  | { readonly _tag: "Unfit"; readonly lacks: "organization" | "app" }
  | { readonly _tag: "Undischarged"; readonly locations: ReadonlyArray<string> }

const fit: Fitness = { _tag: "Fit" }

/** Fly's number for all. */
const all = 0n

const organizations = (caveats: ReadonlyArray<Caveat.Caveat>) =>
  caveats.flatMap((caveat) => caveat._tag === "Organization" ? [caveat] : [])

const apps = (caveats: ReadonlyArray<Caveat.Caveat>) =>
  caveats.flatMap((caveat) => caveat._tag === "Apps" ? [caveat.masks] : [])

// All caveats of a macaroon hold; one without such a caveat is limited by something that is not looked at here.
const permitsOrg = ({ caveats }: Macaroon.Macaroon, org: bigint): boolean =>
  organizations(caveats).every(({ id, mask }) => (id === org || id === all) && mask !== 0)

const permitsApp = ({ caveats }: Macaroon.Macaroon, app: bigint): boolean =>
  apps(caveats).every((masks) => [app, all].some((id) => (masks.get(String(id)) ?? 0) !== 0))

/** Whether a token can serve a place. A token without macaroons is a user's, who may be in any organization. */
export const fitness = (token: FlyToken, place: Place): Fitness => {
  const { app, org } = place
  if (token.malformed !== undefined || token.size.macaroons === 0) return fit
  const macaroons = macaroonsOf(token)
  const { permissions } = Macaroon.standing(macaroons)
  const ofOrg = org === undefined ? permissions : permissions.filter((each) => permitsOrg(each, org))
  if (ofOrg.length === 0) return { _tag: "Unfit", lacks: "organization" }
  const ofApp = app === undefined ? ofOrg : ofOrg.filter((each) => permitsApp(each, app))
  if (ofApp.length === 0) return { _tag: "Unfit", lacks: "app" }
  const discharges = macaroons.filter(({ location }) => location !== Macaroon.permissionLocation)
  const { missingDischarges, usable } = Macaroon.standing([...ofApp, ...discharges])
  return usable ? fit : { _tag: "Undischarged", locations: missingDischarges }
}

const single = (ids: ReadonlyArray<bigint>): bigint | undefined => {
  const [id, ...others] = new Set(ids)
  return others.length === 0 && id !== all ? id : undefined
}

/** The apps that a caveat names: none if it names something else than numbers, because it says more than is known. */
const numbers = (masks: ReadonlyMap<string, unknown>): ReadonlyArray<bigint> => {
  const keys = [...masks.keys()]
  return keys.every((key) => /^\d+$/.test(key)) ? keys.map(BigInt) : []
}

/** The one place that a token is for, as far as it says so. */
export const placeOf = (token: FlyToken): Place => {
  if (token.malformed !== undefined) return { org: undefined, app: undefined }
  const caveats = Macaroon.standing(macaroonsOf(token)).permissions.flatMap((each) => each.caveats)
  return {
    org: single(organizations(caveats).map(({ id }) => id)),
    app: single(apps(caveats).flatMap(numbers))
  }
}

/** Who discharges the permission macaroons of a login; those of `tokens create` have another third party. */
const loginLocation = "https://auth.fly.io"

/** Caveats that no login has, by their number on the wire. */
const scopes: Readonly<Record<string, string>> = {
  "5": "some features",
  "6": "some mutations",
  "27": "some commands"
}

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
  if (Caveat.restrictsToReading(caveat)) limits.push("reading")
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
  const windows = macaroonsOf(token).flatMap(({ caveats }) => Caveat.windowsOf(caveats))
  return windows.length === 0 ? null : Math.max(...windows.map(({ notBefore }) => notBefore)) * 1000
}
