/**
 * Narrowing a macaroon offline: whoever holds it can add caveats to it, and nobody can take them away again.
 *
 * @since 0.1.0
 */
import { encode } from "@msgpack/msgpack"
import { hmac } from "@noble/hashes/hmac.js"
import { sha256 } from "@noble/hashes/sha2.js"
import { concatBytes } from "@noble/hashes/utils.js"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Macaroon from "./Macaroon.ts"
import { told } from "./Redaction.ts"

/**
 * A token that cannot be narrowed. `why` is a fixed sentence that holds nothing of the token.
 *
 * @category errors
 * @since 0.1.0
 * @stability stable
 */
export class AttenuationFailed extends Schema.TaggedError<AttenuationFailed>()("AttenuationFailed", {
  /** A fixed sentence. */
  why: Schema.String
}) {
  override get message(): string {
    return told`the token cannot be narrowed: ${this.why}`
  }
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.stack ?? this.toString()
  }
}

/**
 * What a token is to be narrowed to. It never gets wider: of several ends the earliest holds, and a token that only
 * reads stays one.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface Narrowing {
  /** When it is to end at the latest, epoch milliseconds; Fly counts in seconds, so it is rounded down to one. */
  readonly expiresAt?: number | undefined
  /** Whether nothing but reading is to be allowed. */
  readonly readOnly?: boolean | undefined
}

/**
 * A caveat as it is written: its type and its body, in what MessagePack can say.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type CaveatPair = readonly [type: number, body: unknown]

const lastSecond = 8_640_000_000_000

/**
 * The caveats that a narrowing takes: `ValidityWindow` (4) with `[not_before, not_after]` in unix seconds, `Action` (26)
 * with the mask of reading (1), as superfly/macaroon v0.3.0 numbers them.
 *
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const caveatsOf = ({ expiresAt, readOnly }: Narrowing): Result.Result<Array<CaveatPair>, string> => {
  const caveats: Array<CaveatPair> = []
  if (expiresAt !== undefined) {
    const seconds = Math.floor(expiresAt / 1000)
    if (!(seconds >= 0 && seconds <= lastSecond)) return Result.fail("expiresAt is no moment in epoch milliseconds")
    caveats.push([4, [0, seconds]])
  }
  if (readOnly === true) caveats.push([26, 1])
  return Result.succeed(caveats)
}

/** The head of an item of MessagePack: where what it says of itself ends, and how many items follow that belong to it. */
const headOf = (bytes: Uint8Array, at: number): { readonly end: number; readonly items: number } => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const plain = (end: number) => ({ end, items: 0 })
  const head = bytes[at]!
  if (head <= 0x7f || head >= 0xe0) return plain(at + 1)
  if (head <= 0x8f) return { end: at + 1, items: 2 * (head & 0x0f) }
  if (head <= 0x9f) return { end: at + 1, items: head & 0x0f }
  if (head <= 0xbf) return plain(at + 1 + (head & 0x1f))
  switch (head) {
    // bin and str
    case 0xc4:
    case 0xd9:
      return plain(at + 2 + view.getUint8(at + 1))
    case 0xc5:
    case 0xda:
      return plain(at + 3 + view.getUint16(at + 1))
    case 0xc6:
    case 0xdb:
      return plain(at + 5 + view.getUint32(at + 1))
    // ext
    case 0xc7:
      return plain(at + 3 + view.getUint8(at + 1))
    case 0xc8:
      return plain(at + 4 + view.getUint16(at + 1))
    case 0xc9:
      return plain(at + 6 + view.getUint32(at + 1))
    // numbers of 1, 2, 4 and 8 bytes
    case 0xcc:
    case 0xd0:
      return plain(at + 2)
    case 0xcd:
    case 0xd1:
      return plain(at + 3)
    case 0xca:
    case 0xce:
    case 0xd2:
      return plain(at + 5)
    case 0xcb:
    case 0xcf:
    case 0xd3:
      return plain(at + 9)
    case 0xdc:
      return { end: at + 3, items: view.getUint16(at + 1) }
    case 0xdd:
      return { end: at + 5, items: view.getUint32(at + 1) }
    case 0xde:
      return { end: at + 3, items: 2 * view.getUint16(at + 1) }
    case 0xdf:
      return { end: at + 5, items: 2 * view.getUint32(at + 1) }
    default:
      // fixext of 1, 2, 4, 8 and 16 bytes; nil and booleans
      return plain(head >= 0xd4 && head <= 0xd8 ? at + 2 + 2 ** (head - 0xd4) : at + 1)
  }
}

/**
 * Where an item of whole MessagePack that begins at `at` ends. Nothing is read, so that every byte stays as it is. Counts
 * what is still to come: a list in a list in a list has no bound but the token's length.
 */
const endOf = (bytes: Uint8Array, at: number): number => {
  let end = at
  for (let pending = 1; pending > 0; pending--) {
    const head = headOf(bytes, end)
    end = head.end
    pending += head.items
  }
  return end
}

/** How many bytes the head of a list has, and how many items it says. */
const listHead = (bytes: Uint8Array, at: number): { readonly size: number; readonly count: number } => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes[at] === 0xdc) return { size: 3, count: view.getUint16(at + 1) }
  if (bytes[at] === 0xdd) return { size: 5, count: view.getUint32(at + 1) }
  return { size: 1, count: bytes[at]! & 0x0f }
}

const listHeadOf = (count: number): Uint8Array =>
  count <= 0x0f ? Uint8Array.of(0x90 | count) : Uint8Array.of(0xdc, count >> 8, count & 0xff)

/**
 * Adds caveats to one macaroon piece. The bytes of what was there stay, down to how its numbers are written; each caveat
 * makes a new tail, `HMAC-SHA256(tail, MessagePack([type, body]))`.
 *
 * **Gotchas**
 *
 * A proof macaroon takes no more caveats. The failure is a fixed sentence that holds nothing of the piece.
 *
 * @category attenuation
 * @since 0.1.0
 * @stability stable
 */
export const append = (piece: string, caveats: ReadonlyArray<CaveatPair>): Result.Result<string, string> =>
  Result.flatMap(Macaroon.decode(piece), ({ nonce, tail }) => {
    if (nonce.proof) return Result.fail("it is a proof, which takes no more caveats")
    const label = piece.slice(0, piece.indexOf("_"))
    const bytes = Result.getOrThrow(Base64.decode(piece.slice(label.length + 1)))
    const afterNonce = endOf(bytes, listHead(bytes, 0).size)
    const list = endOf(bytes, afterNonce)
    const { count, size } = listHead(bytes, list)
    const end = endOf(bytes, list)
    const sealed = caveats.reduce((key, pair) => hmac(sha256, key, encode(pair)), tail)
    const narrowed = concatBytes(
      bytes.subarray(0, list),
      listHeadOf(count + 2 * caveats.length),
      bytes.subarray(list + size, end),
      ...caveats.flatMap(([type, body]) => [encode(type), encode(body)]),
      encode(sealed)
    )
    const text = `${label}_${Base64.encode(narrowed)}`
    return Result.map(Macaroon.decode(text), () => text)
  })
