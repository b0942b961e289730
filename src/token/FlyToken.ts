/**
 * A Fly.io API token: one or several macaroons with their discharges, user tokens, or both.
 *
 * @since 0.1.0
 */
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js"
import * as Equal from "effect/Equal"
import * as Hash from "effect/Hash"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Attenuation from "./Attenuation.ts"
import * as Caveat from "./Caveat.ts"
import * as Macaroon from "./Macaroon.ts"
import * as TokenText from "./TokenText.ts"

/**
 * Which of Fly's APIs a header is for: `machines` for the Machines API and logs, `graphql` for GraphQL.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type ApiTarget = "machines" | "graphql"

/** A text, not a symbol, as Effect has them; looked for as a property, so that another copy's tokens are known too. */
const TypeId = "~effect-fly-tokens/FlyToken"

const maxLength = 65_536

/** Joined by commas: one text takes a fraction of the memory of its pieces, which all would point to the whole. */
const split = (text: string): { readonly macaroons: string; readonly users: string } => {
  const pieces = TokenText.piecesOf(text)
  return {
    macaroons: pieces.filter(Macaroon.isMacaroon).join(","),
    users: pieces.filter((piece) => !Macaroon.isMacaroon(piece)).join(",")
  }
}

const piecesOf = (joined: string): ReadonlyArray<string> => joined === "" ? none : joined.split(",")

const none: ReadonlyArray<never> = []

/** What is left of a token or a scheme word whose end is missing. */
const fragment = (piece: string): boolean =>
  ["fm1r_", "fm1a_", "fm2_", "fo1_"].some((label) => label.startsWith(piece)) ||
  ["bearer", "flyv1"].some((word) => word.startsWith(piece.toLowerCase()))

interface Contents {
  readonly malformed: string | undefined
  readonly expiresAt: number | null
  readonly missingDischarges: ReadonlyArray<string>
  readonly discharged: boolean
  readonly readOnly: boolean
  readonly orgIds: ReadonlyArray<bigint>
}

const unreadable = (malformed: string): Contents => ({
  malformed,
  expiresAt: null,
  missingDischarges: none,
  discharged: false,
  readOnly: false,
  orgIds: none
})

/** The text of what may be one, or anything else. A proxy, or a `Redacted` of another copy of Effect, does not give it. */
const textOf = (input: unknown): unknown => {
  try {
    if (FlyToken.isFlyToken(input)) return input.value
    return Redacted.isRedacted(input) ? Redacted.value(input) : input
  } catch {
    return undefined
  }
}

const tooLong = `it is longer than ${maxLength} characters`

/** Its scheme, written twice. */
const schemeLength = 16

const read = (macaroons: ReadonlyArray<string>, users: ReadonlyArray<string>): Contents => {
  if (macaroons.length + users.length === 0) return unreadable("it is empty")
  if (users.some(fragment)) return unreadable("a part of it is cut off")
  const decoded: Array<Macaroon.Macaroon> = []
  for (const [index, piece] of macaroons.entries()) {
    const macaroon = Macaroon.decode(piece)
    if (Result.isFailure(macaroon)) {
      return unreadable(`macaroon ${index + 1} of ${macaroons.length} cannot be read: ${macaroon.failure}`)
    }
    decoded.push(macaroon.success)
  }
  const standing = Macaroon.standing(decoded)
  if (macaroons.length > 0 && standing.permissions.length === 0) {
    return unreadable("it has discharges but no macaroon that permits something")
  }
  const caveats = standing.permissions.map((permission) => permission.caveats)
  return {
    malformed: undefined,
    expiresAt: Number.isFinite(standing.notAfter) ? standing.notAfter * 1000 : null,
    missingDischarges: standing.missingDischarges,
    discharged: macaroons.length === 0 || standing.usable,
    readOnly: users.length === 0 && caveats.every((list) => list.some(Caveat.restrictsToReading)),
    orgIds: [
      ...new Set(caveats.flat().flatMap((caveat) => caveat._tag === "Organization" ? [caveat.id] : []))
    ]
  }
}

/**
 * A Fly token, redacted: printed, logged, inspected or turned into JSON it shows its fingerprint, never itself.
 *
 * **Details**
 *
 * `FlyToken.make` takes any text: a bare token, one with its scheme (`FlyV1 `, `Bearer `, doubled too) or the list of a
 * `config.yml`. Nothing is shortened, and no discharge is dropped. Whether it can be used is another question:
 * {@link FlyToken.malformed}, {@link FlyToken.expiresAt} and {@link FlyToken.missingDischarges} answer it, read offline
 * from the macaroons (rules of flyctl v0.4.87). Two tokens are equal (`Equal.equals`) if their texts are.
 *
 * **Gotchas**
 *
 * {@link FlyToken.value} and {@link FlyToken.authorization} give the secret itself.
 *
 * **Example** (Reading a token)
 *
 * ```ts
 * import { FlyToken } from "effect-fly-tokens"
 *
 * const token = FlyToken.make("FlyV1 fo1_example")
 * token.authorization("machines") // "Bearer fo1_example"
 * String(token) // "<FlyToken 57f5a0a3>"
 * ```
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export class FlyToken implements Equal.Equal {
  readonly #macaroons: string
  readonly #users: string
  #contents: Contents | undefined
  #fingerprint: string | undefined
  #identity: string | undefined

  private constructor(text: string, defect?: string) {
    const isTooLong = text.trim().length > maxLength + schemeLength
    // What is too long is not looked into: that takes its time.
    const bare = isTooLong ? "" : TokenText.withoutScheme(text)
    const { macaroons, users } = split(bare)
    this.#macaroons = macaroons
    this.#users = users
    // Only the pieces are kept, so the whole text is looked at now.
    const malformed = isTooLong || bare.length > maxLength ? tooLong : defect ?? TokenText.defectOf(bare)
    if (malformed !== undefined) this.#contents = unreadable(malformed)
  }

  /**
   * Reads a token from any text; a token of another copy of this package is read from its text too. Never fails: what is
   * no token is `malformed`.
   */
  static make(input: string | Redacted.Redacted<string> | FlyToken): FlyToken {
    if (FlyToken.#isOurs(input)) return input
    const text = textOf(input)
    // Programs without types may hand over anything.
    return typeof text === "string" ? new FlyToken(text) : new FlyToken("", TokenText.notText)
  }

  static #isOurs(input: unknown): input is FlyToken {
    return Predicate.isObject(input) && #macaroons in input
  }

  /** Whether a value is a token, of this or of another copy of this package. */
  static isFlyToken(input: unknown): input is FlyToken {
    return Predicate.hasProperty(input, TypeId)
  }

  /**
   * On the prototype: neither `structuredClone` nor JSON, which lose the token, take it along.
   *
   * @internal
   */
  get "~effect-fly-tokens/FlyToken"(): "~effect-fly-tokens/FlyToken" {
    return TypeId
  }

  get #read(): Contents {
    return this.#contents ??= read(piecesOf(this.#macaroons), piecesOf(this.#users))
  }

  get #bare(): string {
    if (this.#users === "") return this.#macaroons
    return this.#macaroons === "" ? this.#users : `${this.#macaroons},${this.#users}`
  }

  /** **The secret**, as flyctl prints it: `FlyV1 …` if it has macaroons, else bare. */
  get value(): string {
    return this.#macaroons === "" ? this.#bare : `FlyV1 ${this.#bare}`
  }

  /** **The secret**, wrapped: for what takes a `Redacted`. */
  get redacted(): Redacted.Redacted<string> {
    return Redacted.make(this.value, { label: "FlyToken" })
  }

  /**
   * **The secret** as the value of an `Authorization` header. Machines API and logs get the macaroons only, if there
   * are any; GraphQL gets macaroons and user tokens.
   */
  authorization(target: ApiTarget): string {
    if (this.#macaroons === "") return `Bearer ${this.#users}`
    return target === "graphql" ? this.value : `FlyV1 ${this.#macaroons}`
  }

  /**
   * A narrower token, made offline: without Fly, and without a key. The one it is made from stays as it is.
   *
   * **Details**
   *
   * Each permission macaroon takes the caveats; discharges stay. `readOnly` leaves the reading of what the token could
   * read; `expiresAt` is epoch milliseconds, and the earliest end counts. Whoever gets the narrower token cannot undo it.
   *
   * **Gotchas**
   *
   * Fails for a token that is malformed, for proofs, and for one with user tokens (`fo1_…`): these take no caveats and
   * would allow as much as before.
   *
   * **Example** (A token for a dashboard, for ten minutes)
   *
   * ```ts
   * import type { FlyToken } from "effect-fly-tokens"
   * import { Clock, Effect } from "effect"
   *
   * const forDashboard = (token: FlyToken) =>
   *   Effect.gen(function*() {
   *     const now = yield* Clock.currentTimeMillis
   *     return yield* Effect.fromResult(token.attenuate({ readOnly: true, expiresAt: now + 600_000 }))
   *   })
   * ```
   */
  attenuate(narrowing: Attenuation.Narrowing): Result.Result<FlyToken, Attenuation.AttenuationFailed> {
    const narrowed = this.malformed === undefined
      ? this.#users !== ""
        ? Result.fail("a user token takes no caveats")
        : Result.flatMap(Attenuation.caveatsOf(narrowing), (caveats) => this.#with(caveats))
      : Result.fail(this.malformed)
    return Result.mapError(narrowed, (why) => new Attenuation.AttenuationFailed({ why }))
  }

  #with(caveats: ReadonlyArray<Attenuation.CaveatPair>): Result.Result<FlyToken, string> {
    if (caveats.length === 0) return Result.succeed(this)
    const pieces: Array<string> = []
    for (const piece of piecesOf(this.#macaroons)) {
      const isPermission = Result.getOrThrow(Macaroon.decode(piece)).location === Macaroon.permissionLocation
      const narrowed = isPermission ? Attenuation.append(piece, caveats) : Result.succeed(piece)
      if (Result.isFailure(narrowed)) return Result.fail(narrowed.failure)
      pieces.push(narrowed.success)
    }
    const token = new FlyToken(pieces.join(","))
    return token.malformed === undefined ? Result.succeed(token) : Result.fail(token.malformed)
  }

  /** The first 8 hex digits of the SHA-256 of {@link value}: tells tokens apart in logs, gives nothing away. */
  get fingerprint(): string {
    return this.#fingerprint ??= bytesToHex(sha256(utf8ToBytes(this.value)).subarray(0, 4))
  }

  /**
   * Names what a server sees of the token (a digest of the Machines API's header), so that a token that was refused is
   * recognized wherever it turns up, with or without user tokens beside its macaroons.
   *
   * @internal
   */
  get identity(): string {
    return this.#identity ??= bytesToHex(sha256(utf8ToBytes(this.authorization("machines"))))
  }

  /** The macaroon pieces and the user tokens of it, counted. */
  get size(): { readonly macaroons: number; readonly userTokens: number } {
    return { macaroons: piecesOf(this.#macaroons).length, userTokens: piecesOf(this.#users).length }
  }

  /** Why this is no token, as a sentence that holds nothing of it; `undefined` if it is one. */
  get malformed(): string | undefined {
    return this.#read.malformed
  }

  /** Its own expiry in epoch milliseconds, read from its macaroons; `null` if it has none or does not tell. */
  get expiresAt(): number | null {
    return this.#read.expiresAt
  }

  /** Locations of third-party caveats that nothing in it discharges; not empty means that Fly will refuse it. */
  get missingDischarges(): ReadonlyArray<string> {
    return this.#read.missingDischarges
  }

  /** Whether a permission macaroon has all its discharges, or there are only user tokens. */
  get discharged(): boolean {
    return this.#read.discharged
  }

  /** Whether its macaroons say that nothing but reading is allowed. User tokens never say so. */
  get readOnly(): boolean {
    return this.#read.readOnly
  }

  /** Fly's internal numbers of the organizations that its macaroons name. */
  get orgIds(): ReadonlyArray<bigint> {
    return this.#read.orgIds
  }

  [Equal.symbol](that: Equal.Equal): boolean {
    return FlyToken.isFlyToken(that) && that.value === this.value
  }

  [Hash.symbol](): number {
    return Hash.string(this.fingerprint)
  }

  toString(): string {
    return `<FlyToken ${this.fingerprint}>`
  }

  toJSON(): string {
    return this.toString()
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString()
  }
}
