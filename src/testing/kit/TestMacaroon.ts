/** Macaroons as superfly/macaroon v0.3.0 writes them, with keys that nobody has: they decode, and Fly refuses them. */
import { encode } from "@msgpack/msgpack"
import { hmac } from "@noble/hashes/hmac.js"
import { sha256 } from "@noble/hashes/sha2.js"
import { utf8ToBytes } from "@noble/hashes/utils.js"
import * as Base64 from "effect/encoding/Base64"

/** A caveat as it stands on the wire. */
export type WireCaveat = readonly [type: number, body: unknown]

export interface MacaroonParts {
  readonly key: Uint8Array
  readonly kid: Uint8Array
  readonly rnd: Uint8Array
  readonly proof: boolean
  readonly location: string
  readonly caveats: ReadonlyArray<WireCaveat>
}

/** Read, write, create, delete, control. */
export const maskAll = 31

export const organization = (id: number, mask: number): WireCaveat => [0, [id, mask]]

export const app = (id: number, mask: number): WireCaveat => [3, [new Map([[id, mask]])]]

/** In unix seconds. */
export const validityWindow = (notBefore: number, notAfter: number): WireCaveat => [4, [notBefore, notAfter]]

export const thirdParty = (location: string, verifierKey: Uint8Array, ticket: Uint8Array): WireCaveat => [
  11,
  [location, verifierKey, ticket]
]

export const action = (mask: number): WireCaveat => [26, mask]

/** As many bytes as wanted, the same ones for the same seed and label. */
export const bytesOf = (seed: string, label: string, length: number): Uint8Array => {
  const bytes = new Uint8Array(length)
  for (let block = 0; block * 32 < length; block++) {
    const digest = sha256(utf8ToBytes(JSON.stringify([seed, label, block])))
    bytes.set(digest.subarray(0, Math.min(32, length - block * 32)), block * 32)
  }
  return bytes
}

/** One macaroon as a piece of a token, `fm2_…`, with its chain of HMACs. */
export const piece = ({ caveats, key, kid, location, proof, rnd }: MacaroonParts): string => {
  const nonce = [kid, rnd, proof]
  const tail = caveats.reduce<Uint8Array>(
    (tail, caveat) => hmac(sha256, tail, encode(caveat)),
    hmac(sha256, key, encode(nonce))
  )
  return `fm2_${Base64.encode(encode([nonce, location, caveats.flat(), tail]))}`
}
