/**
 * Makes macaroons as superfly/macaroon v0.3.0 does, with throw-away keys: for tests and for the stand-in of flyctl.
 */
import { encode } from "@msgpack/msgpack"
import { createHmac, randomBytes } from "node:crypto"

export const permissionLocation = "https://api.fly.io/v1"
export const authLocation = "https://api.fly.io/aaa/v1"

/** @typedef {readonly [type: number | bigint, body: unknown]} CaveatPair */

/** @type {(key: Uint8Array, message: Uint8Array) => Uint8Array} */
const hmac = (key, message) => new Uint8Array(createHmac("sha256", key).update(message).digest())

/** @type {(value: unknown) => Uint8Array} */
export const pack = (value) => encode(value, { useBigInt64: true })

/**
 * One macaroon as a piece of a token: `fm2_…`.
 *
 * @param {{ kid?: Uint8Array, location?: string, caveats?: ReadonlyArray<CaveatPair>, proof?: boolean, label?: string, key?: Uint8Array }} options
 * @returns {string}
 */
export const piece = (
  { caveats = [], key = randomBytes(32), kid = randomBytes(8), label = "fm2", location = permissionLocation, proof }
) => {
  const nonce = [new Uint8Array(kid), new Uint8Array(randomBytes(16)), ...(proof === undefined ? [] : [proof])]
  let tail = hmac(key, pack(nonce))
  for (const [type, body] of caveats) tail = hmac(tail, pack([type, body]))
  const bytes = pack([nonce, location, caveats.flat(), tail])
  return `${label}_${Buffer.from(bytes).toString("base64")}`
}

/** @type {(id: number | bigint, mask: number) => CaveatPair} */
export const organization = (id, mask) => [0, [id, mask]]

/** @type {(masks: Map<number, number> | Record<string, number>) => CaveatPair} */
// The encoder takes a Map for an object without keys.
export const apps = (masks) => [3, [masks instanceof Map ? Object.fromEntries(masks) : masks]]

/** @type {(notBefore: number, notAfter: number) => CaveatPair} */
export const validityWindow = (notBefore, notAfter) => [4, [notBefore, notAfter]]

/** @type {(ticket: Uint8Array, location?: string) => CaveatPair} */
export const thirdParty = (ticket, location = authLocation) => [11, [location, new Uint8Array(randomBytes(48)), ticket]]

/** @type {(caveats: ReadonlyArray<CaveatPair>, otherwise: number) => CaveatPair} */
export const ifPresent = (caveats, otherwise) => [13, [caveats.flat(), otherwise]]

/** @type {(mask: number) => CaveatPair} */
export const action = (mask) => [26, mask]

/** Read, write, create, delete, control. */
export const maskAll = 31

/**
 * A permission macaroon whose expiry is in its discharge.
 *
 * @param {{ now: number, life: number, discharged: boolean, scheme: boolean, caveats: (thirdParty: CaveatPair) => ReadonlyArray<CaveatPair> }} options
 * @returns {string}
 */
const bundle = ({ caveats, discharged, life, now, scheme }) => {
  const ticket = new Uint8Array(randomBytes(40))
  const seconds = Math.floor(now / 1000)
  const pieces = [
    piece({
      proof: false,
      caveats: caveats(thirdParty(ticket))
    }),
    ...(discharged
      ? [piece({
        kid: ticket,
        location: authLocation,
        proof: true,
        caveats: [validityWindow(seconds, seconds + life), [23, 77]]
      })]
      : [])
  ]
  return `${scheme ? "FlyV1 " : ""}${pieces.join(",")}`
}

/**
 * A token of an organization as flyctl mints it.
 *
 * @param {{ now: number, life: number, org?: number, readOnly?: boolean, discharged?: boolean, scheme?: boolean }} options
 *   `now` in epoch milliseconds, `life` in seconds
 * @returns {string}
 */
export const orgToken = ({ discharged = true, life, now, org = 4721, readOnly = true, scheme = true }) =>
  bundle({
    discharged,
    life,
    now,
    scheme,
    caveats: (thirdParty) => [organization(org, maskAll), thirdParty, ...(readOnly ? [organization(org, 1)] : [])]
  })

/**
 * A token of one app as flyctl mints it: it reads and writes.
 *
 * @param {{ now: number, life: number, org?: number, app?: number, discharged?: boolean, scheme?: boolean }} options
 *   `now` in epoch milliseconds, `life` in seconds
 * @returns {string}
 */
export const deployToken = ({ app = 90210, discharged = true, life, now, org = 4721, scheme = true }) =>
  bundle({
    discharged,
    life,
    now,
    scheme,
    caveats: (thirdParty) => [organization(org, maskAll), thirdParty, apps(new Map([[app, maskAll]]))]
  })
