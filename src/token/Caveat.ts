/**
 * The caveats of a macaroon: what it is restricted to.
 *
 * **Details**
 *
 * Types and bodies as superfly/macaroon v0.3.0 writes them. A type we do not know is kept as `Other`;
 * a type we know with a body of another shape is an error, because its meaning (an expiry, say) would be lost.
 */
import * as Result from "effect/Result"

/** What a macaroon may do: bits of `r` read (1), `w` write (2), `c` create (4), `d` delete (8), `C` control (16). */
export type Mask = number

export const maskRead: Mask = 1

/** One caveat. `type` is its number on the wire, up to 2^64 − 1. */
export type Caveat =
  | { readonly _tag: "Organization"; readonly type: bigint; readonly id: bigint; readonly mask: Mask }
  | { readonly _tag: "Apps"; readonly type: bigint; readonly masks: ReadonlyMap<string, Mask> }
  | {
    readonly _tag: "ValidityWindow"
    readonly type: bigint
    /** Unix seconds. */
    readonly notBefore: number
    /** Unix seconds. */
    readonly notAfter: number
  }
  | {
    readonly _tag: "ThirdParty"
    readonly type: bigint
    readonly location: string
    readonly ticket: Uint8Array
  }
  | {
    readonly _tag: "IfPresent"
    readonly type: bigint
    readonly caveats: ReadonlyArray<Caveat>
    readonly otherwise: Mask
  }
  | { readonly _tag: "Action"; readonly type: bigint; readonly mask: Mask }
  | { readonly _tag: "Other"; readonly type: bigint }

const maxNesting = 8

/** A non-negative integer of MessagePack: a number up to 2^32, a bigint above. */
const toUint = (value: unknown): bigint | undefined => {
  if (typeof value === "bigint") return value >= 0n ? value : undefined
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : undefined
}

const toMask = (value: unknown): Mask | undefined => {
  const mask = toUint(value)
  return mask === undefined || mask > 0xffffn ? undefined : Number(mask)
}

/** Unix seconds may be written as a signed integer. */
const toSeconds = (value: unknown): number | undefined =>
  typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value)) ? Number(value) : undefined

const isArrayOf = (value: unknown, length: number): value is ReadonlyArray<unknown> =>
  Array.isArray(value) && value.length === length

const readBody = (type: bigint, body: unknown, nesting: number): Caveat | string => {
  switch (type) {
    case 0n: {
      if (!isArrayOf(body, 2)) break
      const id = toUint(body[0])
      const mask = toMask(body[1])
      if (id === undefined || mask === undefined) break
      return { _tag: "Organization", type, id, mask }
    }
    case 3n: {
      if (!isArrayOf(body, 1)) break
      const apps = body[0]
      if (typeof apps !== "object" || apps === null || Array.isArray(apps)) break
      const masks = new Map<string, Mask>()
      for (const [id, value] of Object.entries(apps)) {
        const mask = toMask(value)
        if (mask === undefined) return "an Apps caveat has another form"
        masks.set(id, mask)
      }
      return { _tag: "Apps", type, masks }
    }
    case 4n: {
      if (!isArrayOf(body, 2)) break
      const notBefore = toSeconds(body[0])
      const notAfter = toSeconds(body[1])
      if (notBefore === undefined || notAfter === undefined) break
      return { _tag: "ValidityWindow", type, notBefore, notAfter }
    }
    case 11n: {
      if (!isArrayOf(body, 3)) break
      const [location, , ticket] = body
      if (typeof location !== "string" || !(ticket instanceof Uint8Array)) break
      return { _tag: "ThirdParty", type, location, ticket }
    }
    case 13n: {
      if (!isArrayOf(body, 2) || !Array.isArray(body[0])) break
      const otherwise = toMask(body[1])
      if (otherwise === undefined) break
      const caveats = readCaveats(body[0], nesting + 1)
      if (Result.isFailure(caveats)) return caveats.failure
      return { _tag: "IfPresent", type, caveats: caveats.success, otherwise }
    }
    case 26n: {
      const mask = toMask(body)
      if (mask === undefined) break
      return { _tag: "Action", type, mask }
    }
    default:
      return { _tag: "Other", type }
  }
  return `a caveat of type ${type} has another form`
}

/**
 * Reads the flat list `[type, body, type, body, …]` of a macaroon. The failure is a fixed sentence without data of the
 * token.
 */
export const readCaveats = (
  flat: ReadonlyArray<unknown>,
  nesting: number = 0
): Result.Result<Array<Caveat>, string> => {
  if (nesting > maxNesting) return Result.fail("its caveats are nested too deeply")
  if (flat.length % 2 !== 0) return Result.fail("its list of caveats has an odd length")
  const caveats: Array<Caveat> = []
  for (let i = 0; i < flat.length; i += 2) {
    const type = toUint(flat[i])
    if (type === undefined) return Result.fail("a caveat has no type")
    const caveat = readBody(type, flat[i + 1], nesting)
    if (typeof caveat === "string") return Result.fail(caveat)
    caveats.push(caveat)
  }
  return Result.succeed(caveats)
}

/** All validity windows, those inside `IfPresent` included. */
export const windowsOf = (caveats: ReadonlyArray<Caveat>): ReadonlyArray<Extract<Caveat, { _tag: "ValidityWindow" }>> =>
  caveats.flatMap((caveat) =>
    caveat._tag === "ValidityWindow" ? [caveat] : caveat._tag === "IfPresent" ? windowsOf(caveat.caveats) : []
  )

/** The least `notAfter` (unix seconds) over all validity windows; `Infinity` if there is none. */
export const leastNotAfter = (caveats: ReadonlyArray<Caveat>): number =>
  windowsOf(caveats).reduce((least, { notAfter }) => Math.min(least, notAfter), Number.POSITIVE_INFINITY)

const readsOnly = (mask: Mask): boolean => (mask & ~maskRead) === 0

/** Whether a caveat leaves nothing but reading to its macaroon. */
export const restrictsToReading = (caveat: Caveat): boolean => {
  switch (caveat._tag) {
    case "Organization":
    case "Action":
      return readsOnly(caveat.mask)
    case "Apps":
      return caveat.masks.size > 0 && [...caveat.masks.values()].every(readsOnly)
    default:
      return false
  }
}
