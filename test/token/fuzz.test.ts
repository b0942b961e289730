import { describe, expect, it } from "@effect/vitest"
import { encode } from "@msgpack/msgpack"
import * as fc from "fast-check"
import { FlyToken } from "../../src/index.ts"
import { orgToken } from "../stand-in/macaroon.mjs"

/** Reads everything there is to read; must neither throw nor take long. */
const readAll = (text: string) => {
  const token = FlyToken.make(text)
  return [
    token.malformed,
    token.expiresAt,
    token.missingDischarges,
    token.discharged,
    token.readOnly,
    token.orgIds,
    token.fingerprint,
    token.identity,
    token.value,
    token.authorization("machines"),
    token.authorization("graphql"),
    String(token)
  ]
}

const packed = (value: unknown) => `fm2_${Buffer.from(encode(value, { useBigInt64: true })).toString("base64")}`

const anyPackable = fc.anything({
  maxDepth: 5,
  withBigInt: false,
  withDate: false,
  withMap: false,
  withSet: false,
  withTypedArray: false,
  withSparseArray: false,
  values: [
    fc.boolean(),
    fc.integer(),
    fc.string(),
    fc.constant(null),
    fc.uint8Array(),
    fc.double(),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
  ]
})

const runs = 4_000

describe("the token reader", () => {
  it("takes any text", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => void readAll(text)), {
      numRuns: runs
    })
  })

  it("takes any bytes in a macaroon", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const token = FlyToken.make(`fm2_${Buffer.from(bytes).toString("base64")}`)
        expect(token.malformed).toBeDefined()
      }),
      { numRuns: runs }
    )
  })

  it("takes any MessagePack, in the place of each part", () => {
    const nonce = [new Uint8Array(8), new Uint8Array(16), false]
    const tail = new Uint8Array(32)
    fc.assert(
      fc.property(anyPackable, fc.nat(4), (value, place) => {
        const shapes = [
          value,
          [value, "https://api.fly.io/v1", [], tail],
          [nonce, value, [], tail],
          [nonce, "https://api.fly.io/v1", value, tail],
          [nonce, "https://api.fly.io/v1", [4, value, 0, value, 13, value, 11, value, 3, value], tail]
        ]
        readAll(packed(shapes[place]))
      }),
      { numRuns: runs }
    )
  })

  it("takes a real token with any bytes changed, cut or doubled", () => {
    const real = orgToken({ now: 1_700_000_000_000, life: 3600 })
    fc.assert(
      fc.property(
        fc.nat(real.length - 1),
        fc.nat(real.length - 1),
        fc.string({ maxLength: 6 }),
        (from, length, filling) => void readAll(`${real.slice(0, from)}${filling}${real.slice(from + length)}`)
      ),
      { numRuns: runs }
    )
  })

  it("does not allocate what a header claims", () => {
    // 0xdd ff ff ff ff: an array of 4 billion; nested as often as fits; 0xdc: an array of 65,535.
    const claims = [
      [0xdd, 0xff, 0xff, 0xff, 0xff],
      [0xdc, 0xff, 0xff],
      [0xdc, 0x02, 0x00],
      [0xdf, 0xff, 0xff, 0xff, 0xff],
      [
        0x91
      ],
      [0xc6, 0xff, 0xff, 0xff, 0xff],
      [0xdb, 0xff, 0xff, 0xff, 0xff],
      [0xc9, 0xff, 0xff, 0xff, 0xff]
    ]
    for (const claim of claims) {
      const bytes = Buffer.from(Array.from({ length: Math.floor(16_000 / claim.length) }, () => claim).flat())
      const before = process.memoryUsage().rss
      expect(FlyToken.make(`fm2_${bytes.toString("base64")}`).malformed).toBeDefined()
      expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024)
    }
  })
})
