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
 */
export type CaveatPair = readonly [type: number, body: unknown]

const lastSecond = 8_640_000_000_000

/**
 * The caveats that a narrowing takes: `ValidityWindow` (4) with `[not_before, not_after]` in unix seconds, `Action` (26)
 * with the mask of reading (1), as superfly/macaroon v0.3.0 numbers them.
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

/** How many bytes hold the length of bytes, a text or a list of MessagePack; of the short ones it is in the head itself. */
const lengthBytes: Readonly<Record<number, number>> = {
  0xc4: 1,
  0xc5: 2,
  0xc6: 4,
  0xd9: 1,
  0xda: 2,
  0xdb: 4,
  0xdc: 2,
  0xdd: 4
}

/** Of bytes, a text or a list: where its head ends, and its length. */
const headOf = (bytes: Uint8Array, at: number): { readonly end: number; readonly length: number } => {
  const head = bytes[at]!
  const end = at + 1 + (lengthBytes[head] ?? 0)
  const length = bytes.subarray(at + 1, end).reduce((length, byte) => length * 256 + byte, 0)
  return { end, length: end > at + 1 ? length : head & (head >= 0xa0 ? 0x1f : 0x0f) }
}

/** Behind bytes or a text. */
const behind = (bytes: Uint8Array, at: number): number => {
  const { end, length } = headOf(bytes, at)
  return end + length
}

/** Where the list of caveats is in a macaroon that was decoded: behind its nonce and its location, before its tail. */
const caveatsIn = (bytes: Uint8Array) => {
  const nonce = headOf(bytes, headOf(bytes, 0).end)
  const afterIds = behind(bytes, behind(bytes, nonce.end))
  // The third says whether it is a proof.
  const start = behind(bytes, afterIds + (nonce.length === 3 ? 1 : 0))
  const { end, length } = headOf(bytes, start)
  // The tail has 32 bytes, and a head of 2, 3 or 5.
  const tail = [34, 35, 37].find((size) => behind(bytes, bytes.length - size) === bytes.length) ?? 34
  return { start, items: bytes.subarray(end, bytes.length - tail), length }
}

const listHeadOf = (count: number): Uint8Array =>
  count <= 0x0f ? Uint8Array.of(0x90 | count) : Uint8Array.of(0xdc, count >> 8, count & 0xff)

/**
 * Adds caveats to one macaroon piece. The bytes of what was there stay, down to how its numbers are written; each caveat
 * makes a new tail, `HMAC-SHA256(tail, MessagePack([type, body]))`.
 * The failure is a fixed sentence that holds nothing of the piece.
 */
export const append = (piece: string, caveats: ReadonlyArray<CaveatPair>): Result.Result<string, string> =>
  Result.flatMap(Macaroon.decode(piece), ({ nonce, tail }) => {
    if (nonce.proof) return Result.fail("it is a proof, which takes no more caveats")
    const label = piece.slice(0, piece.indexOf("_"))
    const bytes = Result.getOrThrow(Base64.decode(piece.slice(label.length + 1)))
    const there = caveatsIn(bytes)
    const sealed = caveats.reduce((key, pair) => hmac(sha256, key, encode(pair)), tail)
    const narrowed = concatBytes(
      bytes.subarray(0, there.start),
      listHeadOf(there.length + 2 * caveats.length),
      there.items,
      ...caveats.flatMap(([type, body]) => [encode(type), encode(body)]),
      encode(sealed)
    )
    const text = `${label}_${Base64.encode(narrowed)}`
    return Result.map(Macaroon.decode(text), () => text)
  })
