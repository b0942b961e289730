/**
 * Vectors made with superfly/macaroon and superfly/fly-go. They lie outside of this repository and are used in addition
 * when they are there; the repository's own vectors are in the other files of this folder.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { existsSync, readFileSync } from "node:fs"
import { FlyToken, Macaroon } from "../../src/index.ts"

interface Decoded {
  readonly location: string
  readonly caveat_types?: ReadonlyArray<number> | null
  readonly kid_b64?: string
  readonly rnd_b64?: string
  readonly nonce_kid_b64?: string
  readonly proof?: boolean
  readonly nonce_proof?: boolean
  readonly tail_b64: string
  readonly expires_at_unix?: number | null
  readonly expiration_unix?: number | null
  readonly third_party_locations?: ReadonlyArray<string> | null
}

interface Vector {
  readonly name: string
  readonly token: string
  readonly expected: {
    readonly macaroons?: ReadonlyArray<Decoded | string> | null
    readonly parse_error?: string
    readonly usable?: boolean
    readonly expected_expires_at_unix?: number | null
    readonly undischarged_by_location?: Readonly<Record<string, number>>
    readonly normalized_without_scheme?: string
    readonly macaroonAndUserTokens?: boolean
    readonly authorization_graphql?: string
    readonly authorization_machines_api?: string
    readonly all?: string
    readonly user_tokens?: ReadonlyArray<string> | null
  }
}

const file = new URL("../../../shared/fly/vectors.json", import.meta.url)
const there = existsSync(file)
const vectors: ReadonlyArray<Vector> = there ? JSON.parse(readFileSync(file, "utf8")) : []

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64")
const bare = (token: FlyToken) => token.value.replace(/^FlyV1 /, "")
const pieces = (token: FlyToken) => bare(token).split(",").filter(Macaroon.isMacaroon)

const checkDecoded = (piece: string, expected: Decoded) => {
  const macaroon = Result.getOrThrow(Macaroon.decode(piece))
  expect(macaroon.location).toBe(expected.location)
  expect(base64(macaroon.tail)).toBe(expected.tail_b64)
  expect(base64(macaroon.nonce.kid)).toBe(expected.kid_b64 ?? expected.nonce_kid_b64)
  expect(macaroon.nonce.proof).toBe(expected.proof ?? expected.nonce_proof ?? false)
  if (expected.rnd_b64 !== undefined) expect(base64(macaroon.nonce.rnd)).toBe(expected.rnd_b64)
  if (expected.caveat_types) expect(macaroon.caveats.map(({ type }) => Number(type))).toEqual(expected.caveat_types)
  const end = Macaroon.standing([{ ...macaroon, location: Macaroon.permissionLocation }]).notAfter
  expect(Number.isFinite(end) ? end : null).toBe(expected.expires_at_unix ?? expected.expiration_unix ?? null)
  if (expected.third_party_locations) {
    expect(macaroon.caveats.flatMap((caveat) => caveat._tag === "ThirdParty" ? [caveat.location] : [])).toEqual(
      expected.third_party_locations
    )
  }
}

if (!there) console.log("vectors of superfly's own code are skipped: the file is not beside this checkout")

describe.skipIf(!there)(
  `vectors of superfly's own code${there ? "" : " (skipped: the file is not beside this checkout)"}`,
  () => {
    it("are all there", () => expect(vectors.length).toBeGreaterThanOrEqual(59))

    it.each(vectors)("$name", ({ expected, token: text }) => {
      const token = FlyToken.make(text)
      const decoded = (expected.macaroons ?? []).filter((each) => typeof each !== "string")
      decoded.forEach((each, index) => checkDecoded(pieces(token)[index]!, each))
      if (decoded.length > 0) expect(pieces(token).length).toBe(decoded.length)

      if (expected.parse_error?.includes("base64")) expect(token.malformed).toContain("base64")
      if (expected.parse_error?.includes("no valid tokens found")) {
        expect(token.malformed).toBeUndefined()
        expect(token.size.macaroons).toBe(0)
      }
      if (expected.expected_expires_at_unix !== undefined) {
        expect(token.expiresAt).toBe(
          expected.expected_expires_at_unix === null ? null : expected.expected_expires_at_unix * 1000
        )
      }
      if (expected.undischarged_by_location !== undefined) {
        expect(token.missingDischarges).toEqual(Object.keys(expected.undischarged_by_location))
        expect(token.discharged).toBe(expected.usable ?? true)
      }
      if (expected.normalized_without_scheme !== undefined) {
        const shown = token.authorization(expected.macaroonAndUserTokens === true ? "graphql" : "machines")
        expect(shown.replace(/^(FlyV1|Bearer) /, "")).toBe(expected.normalized_without_scheme)
      }
      if (expected.all !== undefined) {
        expect(bare(token)).toBe(expected.all)
        expect(token.authorization("graphql")).toBe(expected.authorization_graphql)
        expect(token.authorization("machines")).toBe(expected.authorization_machines_api)
        expect(token.size).toEqual({
          macaroons: expected.macaroons?.length ?? 0,
          userTokens: expected.user_tokens?.length ?? 0
        })
      }
    })
  }
)
