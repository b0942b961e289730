/**
 * One macaroon of a Fly token, read offline. Nothing here verifies a signature: only Fly has the keys.
 *
 * @since 0.1.0
 */
import { Decoder } from "@msgpack/msgpack"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import * as Caveat from "./Caveat.ts"

export type { Caveat, Mask } from "./Caveat.ts"

/**
 * The location of macaroons that grant something. Every other location is a discharge of a third party's.
 *
 * @category constants
 * @since 0.1.0
 * @stability stable
 */
export const permissionLocation = "https://api.fly.io/v1"

/**
 * One macaroon, decoded.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface Macaroon {
  /** What makes it unlike any other. */
  readonly nonce: {
    /** Names the key; in a discharge, the ticket of the caveat that it discharges. */
    readonly kid: Uint8Array
    readonly rnd: Uint8Array
    /** A proof macaroon cannot be attenuated. */
    readonly proof: boolean
  }
  /** Who made it. */
  readonly location: string
  /** What it is restricted to; all of them hold. */
  readonly caveats: ReadonlyArray<Caveat.Caveat>
  /** The last link of the HMAC chain, 32 bytes. A secret. */
  readonly tail: Uint8Array
}

/**
 * Bounds that keep hostile input cheap. A real macaroon of flyctl has 300–1,500 characters and some ten caveats.
 */
const maxCharacters = 22_000
const maxItems = 512

const decoder = new Decoder({
  useBigInt64: true,
  maxArrayLength: maxItems,
  maxMapLength: maxItems,
  maxStrLength: maxCharacters,
  maxBinLength: maxCharacters,
  maxExtLength: maxCharacters,
  mapKeyConverter: (key) => {
    if (typeof key === "string" || typeof key === "number") return key
    if (typeof key === "bigint") return String(key)
    throw new TypeError("a key of a map is neither a text nor a number")
  }
})

const unpack = (bytes: Uint8Array): Result.Result<unknown, string> =>
  Result.try({ try: () => decoder.decode(bytes), catch: () => "it is not whole MessagePack" })

const labels = new Set(["fm1r", "fm1a", "fm2"])

/**
 * Whether a piece of a token (what stands between two commas) is a macaroon: its text before the first `_` is `fm1r`,
 * `fm1a` or `fm2`. Everything else is a user token.
 *
 * @category guards
 * @since 0.1.0
 * @stability stable
 */
export const isMacaroon = (piece: string): boolean => {
  const end = piece.indexOf("_")
  return end > 0 && labels.has(piece.slice(0, end))
}

/**
 * Reads one macaroon piece: its label, `_`, then standard base64 with padding of MessagePack
 * `[nonce, location, caveats, tail]`, as superfly/macaroon v0.3.0 writes it.
 *
 * **Details**
 *
 * Total: any text gives a macaroon or a failure, in time and memory bounded by the text's length. The failure is a
 * fixed sentence that holds nothing of the text.
 *
 * @category decoding
 * @since 0.1.0
 * @stability stable
 */
export const decode = (piece: string): Result.Result<Macaroon, string> => {
  if (!isMacaroon(piece)) return Result.fail("it has no macaroon label")
  if (piece.length > maxCharacters) return Result.fail(`it is longer than ${maxCharacters} characters`)
  const bytes = Base64.decode(piece.slice(piece.indexOf("_") + 1))
  if (Result.isFailure(bytes)) return Result.fail("it is not standard base64 with padding; was it cut off?")
  return Result.flatMap(unpack(bytes.success), fromUnpacked)
}

const fromUnpacked = (value: unknown): Result.Result<Macaroon, string> => {
  if (!Array.isArray(value) || value.length !== 4) return Result.fail("it is not a list of four")
  const [nonce, location, flatCaveats, tail] = value as ReadonlyArray<unknown>
  if (!Array.isArray(nonce) || (nonce.length !== 2 && nonce.length !== 3)) {
    return Result.fail("its nonce has another form")
  }
  const [kid, rnd, proof = false] = nonce as ReadonlyArray<unknown>
  if (!(kid instanceof Uint8Array) || !(rnd instanceof Uint8Array) || typeof proof !== "boolean") {
    return Result.fail("its nonce has another form")
  }
  if (typeof location !== "string") return Result.fail("its location is not a text")
  if (!Array.isArray(flatCaveats)) return Result.fail("its caveats are not a list")
  if (!(tail instanceof Uint8Array) || tail.length !== 32) return Result.fail("its tail has not 32 bytes")
  return Result.map(
    Caveat.readCaveats(flatCaveats),
    (caveats) => ({ nonce: { kid, rnd, proof }, location, caveats, tail })
  )
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index])

/**
 * What a list of macaroons allows as a whole.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface Standing {
  /** Unix seconds; `Infinity` if nothing in it expires. */
  readonly notAfter: number
  /** Whether at least one permission macaroon has all its discharges. */
  readonly usable: boolean
  /** Locations of third-party caveats without a discharge, of permission macaroons that cannot be used. */
  readonly missingDischarges: ReadonlyArray<string>
  /** Those that grant something. */
  readonly permissions: ReadonlyArray<Macaroon>
}

/**
 * Pairs permission macaroons with their discharges (`nonce.kid` equal to the caveat's ticket, byte for byte).
 *
 * **Details**
 *
 * A permission macaroon ends with the first of its own windows and those of its discharges. Several permission
 * macaroons (one per organization) are usable if one of them is, and end with the first of the usable ones; with none
 * usable, with the first of all.
 *
 * @category expiry
 * @since 0.1.0
 * @stability stable
 */
export const standing = (macaroons: ReadonlyArray<Macaroon>): Standing => {
  const permissions = macaroons.filter((macaroon) => macaroon.location === permissionLocation)
  const discharges = macaroons.filter((macaroon) => macaroon.location !== permissionLocation)
  const each = permissions.map((permission) => {
    let notAfter = Caveat.leastNotAfter(permission.caveats)
    const missing: Array<string> = []
    for (const caveat of permission.caveats) {
      if (caveat._tag !== "ThirdParty") continue
      const matches = discharges.filter((discharge) => sameBytes(discharge.nonce.kid, caveat.ticket))
      if (matches.length === 0) missing.push(caveat.location)
      for (const match of matches) notAfter = Math.min(notAfter, Caveat.leastNotAfter(match.caveats))
    }
    return { notAfter, missing }
  })
  const usable = each.filter(({ missing }) => missing.length === 0)
  return {
    notAfter: (usable.length > 0 ? usable : each).reduce(
      (least, { notAfter }) => Math.min(least, notAfter),
      Number.POSITIVE_INFINITY
    ),
    usable: usable.length > 0,
    missingDischarges: usable.length > 0 ? [] : [...new Set(each.flatMap(({ missing }) => missing))],
    permissions
  }
}
