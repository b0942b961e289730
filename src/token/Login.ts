/** Whose a token is, told by what stays the same while flyctl renews it. */
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js"
import * as Result from "effect/Result"
import type { FlyToken } from "./FlyToken.ts"
import * as Macaroon from "./Macaroon.ts"

const isPermission = (piece: string): boolean => {
  const macaroon = Macaroon.decode(piece)
  return Result.isSuccess(macaroon) && macaroon.success.location === Macaroon.permissionLocation
}

/**
 * flyctl keeps a login's user tokens and renews its macaroons with them; without one it keeps the permission macaroons
 * and renews their discharges.
 */
const lasting = (token: FlyToken): ReadonlyArray<string> => {
  const pieces = token.value.replace(/^FlyV1 /, "").split(",")
  const users = pieces.filter((piece) => !Macaroon.isMacaroon(piece))
  return users.length > 0 ? users : pieces.filter(isPermission)
}

/**
 * Names those who ask with these tokens: 16 hex digits, the same until somebody else is logged in. `undefined` stands for
 * a place without a token.
 */
export const digest = (tokens: ReadonlyArray<FlyToken | undefined>): string =>
  bytesToHex(
    sha256(utf8ToBytes(JSON.stringify(tokens.map((token) => token === undefined ? [] : lasting(token))))).subarray(0, 8)
  )
