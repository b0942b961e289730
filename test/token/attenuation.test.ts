/**
 * Narrower tokens, made offline.
 */
import { assert, describe, it } from "@effect/vitest"
import { decode, encode } from "@msgpack/msgpack"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { createHmac } from "node:crypto"
import { inspect } from "node:util"
import { FlyToken, Macaroon } from "../../src/index.ts"
import * as Attenuation from "../../src/token/Attenuation.ts"
import * as mac from "../stand-in/macaroon.mjs"

const now = 1_700_000_000_000
const hour = 3_600_000

const piecesOf = (token: FlyToken) => token.value.replace(/^FlyV1 /, "").split(",")
const bytesOf = (piece: string) => Buffer.from(piece.slice(piece.indexOf("_") + 1), "base64")
const narrowed = (token: FlyToken, to: Parameters<FlyToken["attenuate"]>[0]) => Result.getOrThrow(token.attenuate(to))

/** A vector of macaroon-elixir (Apache-2.0): the macaroon, what is added, and what comes out. */
const vectorBase =
  "fm2_lJPEEExB/BxBlbj3omHTPiPQ5o/EENmRQpmM8hDBy+nSqwz9HMnC2SA1NjlmY2RhNWEzMjA5MmM3NzU1YjQ2OWI5YmJmMTg1ZpDEIMrggdL28dq4gebSBggkxV3pUgZKTa95Wbm1wx1xYIgn"
const vectors: ReadonlyArray<readonly [ReadonlyArray<Attenuation.CaveatPair>, string]> = [
  [[], vectorBase],
  [
    [[0, [123, 31]]],
    "fm2_lJPEEExB/BxBlbj3omHTPiPQ5o/EENmRQpmM8hDBy+nSqwz9HMnC2SA1NjlmY2RhNWEzMjA5MmM3NzU1YjQ2OWI5YmJmMTg1ZpIAknsfxCBh6pj/iXPB1/neaoPiWWKkKDZUD2lml47L838A72zu6A=="
  ],
  [
    [[6, [["foo"]]]],
    "fm2_lJPEEExB/BxBlbj3omHTPiPQ5o/EENmRQpmM8hDBy+nSqwz9HMnC2SA1NjlmY2RhNWEzMjA5MmM3NzU1YjQ2OWI5YmJmMTg1ZpIGkZGjZm9vxCAu4ZIsNUrtCquajZA0LCRY3iIZ2ajQuC1rL8N+Os574g=="
  ],
  [
    [[8, [123]]],
    "fm2_lJPEEExB/BxBlbj3omHTPiPQ5o/EENmRQpmM8hDBy+nSqwz9HMnC2SA1NjlmY2RhNWEzMjA5MmM3NzU1YjQ2OWI5YmJmMTg1ZpIIkXvEIBKwGZyfqw2zpfz0B1FwiLUGj4FySigQuG6u3jluJacn"
  ]
]

describe("appending caveats", () => {
  for (const [caveats, expected] of vectors) {
    it(`makes what macaroon-elixir makes of ${JSON.stringify(caveats)}`, () => {
      assert.strictEqual(Result.getOrThrow(Attenuation.append(vectorBase, caveats)), expected)
    })
  }

  it("keeps each byte of what was there, however it is written", () => {
    // A nonce of two, a number in more bytes than it needs, a long list, maps, ext, every size of text.
    const item = fc.letrec<{ any: unknown }>((tie) => ({
      any: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.bigInt({ min: -(2n ** 63n), max: 0n }),
        fc.double(),
        fc.boolean(),
        fc.constant(null),
        fc.string({ maxLength: 300 }),
        fc.uint8Array({ maxLength: 300 }),
        fc.array(tie("any"), { maxLength: 20 }),
        fc.dictionary(fc.string({ maxLength: 40 }).filter((key) => key !== "__proto__"), tie("any"), { maxKeys: 20 })
      )
    })).any
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1_000, max: 2 ** 31 }), item), { maxLength: 30 }),
        fc.option(fc.boolean().filter((proof) => !proof), { nil: undefined }),
        fc.string({ maxLength: 300 }),
        fc.array(fc.constantFrom<Attenuation.CaveatPair>([26, 1], [4, [0, 1_700_000_000]], [7_000, ["x"]]), {
          minLength: 1,
          maxLength: 9
        }),
        (there, proof, location, added) => {
          const piece = mac.piece({ caveats: there, location, ...(proof === undefined ? {} : { proof }) })
          const result = Attenuation.append(piece, added)
          // Bounds of the reader: what is too large is refused, both times.
          if (Result.isFailure(result)) {
            assert.isTrue(
              Result.isFailure(Macaroon.decode(piece)) || 2 * (there.length + added.length) > 512,
              result.failure
            )
            return
          }
          const before = bytesOf(piece)
          const after = bytesOf(result.success)
          const headSize = there.length * 2 <= 15 ? 1 : 3
          // What lies before the list of caveats, and in it, is the same up to the list's own length.
          const listAt = before.findIndex((byte, at) => byte !== after[at])
          const body = before.subarray(listAt + headSize, -34)
          assert.isTrue(after.includes(body))
          const [nonce, where, flat, tail] = decode(after, { useBigInt64: true }) as [
            unknown,
            string,
            Array<unknown>,
            Uint8Array
          ]
          const [nonceBefore, whereBefore, flatBefore, tailBefore] = decode(before, { useBigInt64: true }) as [
            unknown,
            string,
            Array<unknown>,
            Uint8Array
          ]
          assert.deepStrictEqual([nonce, where], [nonceBefore, whereBefore])
          assert.deepStrictEqual(flat.slice(0, flatBefore.length), flatBefore)
          assert.strictEqual(flat.length, flatBefore.length + 2 * added.length)
          const expected = added.reduce(
            (key, [type, body]) => createHmac("sha256", key).update(mac.pack([type, body])).digest(),
            Buffer.from(tailBefore)
          )
          assert.strictEqual(Buffer.from(tail).toString("hex"), expected.toString("hex"))
        }
      ),
      { numRuns: 500 }
    )
  })

  /** Each form that MessagePack has, also where a shorter one would do; what a text or a list holds is 1 or 2 here. */
  const forms: ReadonlyArray<readonly [string, ReadonlyArray<number>]> = [
    ["fixint", [0x07]],
    ["negative fixint", [0xe1]],
    ["fixmap", [0x81, 0xa1, 0x61, 0x01]],
    ["fixarray", [0x92, 0x01, 0x02]],
    ["fixstr", [0xa2, 0x61, 0x62]],
    ["nil", [0xc0]],
    ["false", [0xc2]],
    ["true", [0xc3]],
    ["bin 8", [0xc4, 2, 1, 2]],
    ["bin 16", [0xc5, 0, 2, 1, 2]],
    ["bin 32", [0xc6, 0, 0, 0, 2, 1, 2]],
    ["bin 16, long", [0xc5, 1, 1, ...Array.from({ length: 257 }, () => 0x90)]],
    ["ext 8", [0xc7, 2, 5, 1, 2]],
    ["ext 16", [0xc8, 0, 2, 5, 1, 2]],
    ["ext 32", [0xc9, 0, 0, 0, 2, 5, 1, 2]],
    ["float 32", [0xca, 1, 2, 3, 4]],
    ["float 64", [0xcb, 1, 2, 3, 4, 5, 6, 7, 8]],
    ["uint 8", [0xcc, 1]],
    ["uint 16", [0xcd, 0, 1]],
    ["uint 32", [0xce, 0, 0, 0, 1]],
    ["uint 64", [0xcf, 0, 0, 0, 0, 0, 0, 0, 1]],
    ["int 8", [0xd0, 1]],
    ["int 16", [0xd1, 0, 1]],
    ["int 32", [0xd2, 0, 0, 0, 1]],
    ["int 64", [0xd3, 0, 0, 0, 0, 0, 0, 0, 1]],
    ["fixext 1", [0xd4, 5, 1]],
    ["fixext 2", [0xd5, 5, 1, 2]],
    ["fixext 4", [0xd6, 5, 1, 2, 3, 4]],
    ["fixext 8", [0xd7, 5, 1, 2, 3, 4, 5, 6, 7, 8]],
    ["fixext 16", [0xd8, 5, ...Array.from({ length: 16 }, () => 0x90)]],
    ["str 8", [0xd9, 1, 0x61]],
    ["str 16", [0xda, 0, 1, 0x61]],
    ["str 32", [0xdb, 0, 0, 0, 1, 0x61]],
    ["array 16", [0xdc, 0, 1, 0x01]],
    ["array 32", [0xdd, 0, 0, 0, 1, 0x01]],
    ["map 16", [0xde, 0, 1, 0xa1, 0x61, 0x01]],
    ["map 32", [0xdf, 0, 0, 0, 1, 0xa1, 0x61, 0x01]]
  ]
  for (const [name, item] of forms) {
    it(`keeps a ${name}`, () => {
      const start = [0x94, 0x92, 0xc4, 1, 7, 0xc4, 1, 8, 0xa1, 0x61]
      // Of type 1000, which nobody knows, with this as its body.
      const caveat = [0xcd, 0x03, 0xe8, ...item]
      const tail = Array.from({ length: 32 }, (_, n) => n)
      const pieceOf = (bytes: ReadonlyArray<number>) => `fm2_${Buffer.from(bytes).toString("base64")}`
      const before = pieceOf([...start, 0x92, ...caveat, 0xc4, 32, ...tail])
      const sealed = createHmac("sha256", Buffer.from(tail)).update(Buffer.from([0x92, 26, 1])).digest()
      assert.strictEqual(
        Result.getOrThrow(Attenuation.append(before, [[26, 1]])),
        pieceOf([...start, 0x94, ...caveat, 26, 1, 0xc4, 32, ...sealed])
      )
      // The head of the list itself in another form.
      const wide = pieceOf([...start, 0xdd, 0, 0, 0, 2, ...caveat, 0xc4, 32, ...tail])
      assert.strictEqual(
        Result.getOrThrow(Attenuation.append(wide, [[26, 1]])),
        pieceOf([...start, 0x94, ...caveat, 26, 1, 0xc4, 32, ...sealed])
      )
    })
  }

  it("keeps every part of it in every form, also where a shorter one would do", () => {
    const wide = (heads: ReadonlyArray<number>, bytes: ReadonlyArray<number>) =>
      heads.map((head, form) => [head, ...Array.from({ length: 2 ** form - 1 }, () => 0), bytes.length, ...bytes])
    const bin = [0xc4, 0xc5, 0xc6]
    const tail = Array.from({ length: 32 }, (_, n) => n)
    const sealed = createHmac("sha256", Buffer.from(tail)).update(Buffer.from([0x92, 26, 1])).digest()
    const pieceOf = (...parts: ReadonlyArray<ReadonlyArray<number>>) =>
      `fm2_${Buffer.from(parts.flat()).toString("base64")}`
    const lists = (count: number) => [[0x90 | count], [0xdc, 0, count], [0xdd, 0, 0, 0, count]]
    for (const outer of lists(4)) {
      for (const [proofs, nonce] of [[[], lists(2)], [[0xc2], lists(3)]] as const) {
        for (const head of nonce) {
          for (const kid of wide(bin, [7, 7])) {
            for (const location of [[0xa1, 0x61], ...wide([0xd9, 0xda, 0xdb], [0x61])]) {
              for (const end of wide(bin, tail)) {
                const before = [outer, head, kid, [0xc4, 0], proofs, location]
                for (const list of lists(2)) {
                  assert.strictEqual(
                    Result.getOrThrow(Attenuation.append(pieceOf(...before, list, [5, 0xc0], end), [[26, 1]])),
                    pieceOf(...before, [0x94, 5, 0xc0, 26, 1, 0xc4, 32], [...sealed])
                  )
                }
              }
            }
          }
        }
      }
    }
  })

  it("never throws, whatever the text", () => {
    fc.assert(fc.property(fc.string(), (text) => {
      assert.isTrue(Result.isFailure(Attenuation.append(`fm2_${text}`, [[26, 1]])))
    }))
  })

  it("keeps a caveat of a type that we do not know, however deep its body is", () => {
    for (const depth of [10, 16_000]) {
      const bytes = Buffer.concat([
        // A list of four; a nonce of two; a list of one caveat, of type 5.
        Buffer.from([0x94, 0x92]),
        encode(new Uint8Array(8)),
        encode(new Uint8Array(16)),
        encode(mac.permissionLocation),
        Buffer.from([0x92, 5]),
        Buffer.alloc(depth, 0x91),
        Buffer.from([0xc0]),
        encode(new Uint8Array(32))
      ])
      const narrowed = Result.getOrThrow(Attenuation.append(`fm2_${bytes.toString("base64")}`, [[26, 1]]))
      assert.deepStrictEqual(
        Result.getOrThrow(Macaroon.decode(narrowed)).caveats.map(({ type }) => type),
        [5n, 26n]
      )
    }
  })
})

describe("FlyToken.attenuate", () => {
  const token = FlyToken.make(mac.deployToken({ now, life: 24 * 3600 }))

  it("makes a token that only reads", () => {
    assert.isFalse(token.readOnly)
    const reading = narrowed(token, { readOnly: true })
    assert.isTrue(reading.readOnly)
    assert.isTrue(reading.discharged)
    assert.strictEqual(reading.expiresAt, token.expiresAt)
    assert.notStrictEqual(reading.identity, token.identity)
  })

  it("makes a token that ends earlier, to the second before", () => {
    const short = narrowed(token, { expiresAt: now + hour + 999 })
    assert.strictEqual(short.expiresAt, now + hour)
    assert.isFalse(short.readOnly)
  })

  it("never makes one that ends later, also of one that was narrowed before", () => {
    const short = narrowed(token, { expiresAt: now + hour })
    assert.strictEqual(narrowed(short, { expiresAt: now + 2 * hour }).expiresAt, now + hour)
    assert.strictEqual(narrowed(token, { expiresAt: now + 900 * hour }).expiresAt, token.expiresAt)
  })

  it("asked for nothing, answers the token", () => {
    assert.strictEqual(narrowed(token, {}), token)
    assert.strictEqual(narrowed(token, { readOnly: false }), token)
  })

  it("narrows each permission and leaves the discharges and their order", () => {
    const two = FlyToken.make(
      [mac.orgToken({ now, life: 60, org: 1, readOnly: false, scheme: false }), token.value.slice(6)].join(",")
    )
    const reading = narrowed(two, { readOnly: true, expiresAt: now + 1_000 })
    const before = piecesOf(two)
    const after = piecesOf(reading)
    assert.deepStrictEqual(after.map((piece, n) => piece === before[n]), [false, true, false, true])
    for (const n of [0, 2]) {
      const { caveats } = Result.getOrThrow(Macaroon.decode(after[n]!))
      assert.deepStrictEqual(caveats.slice(-2).map(({ _tag }) => _tag), ["ValidityWindow", "Action"])
    }
    assert.isTrue(reading.readOnly)
  })

  it("keeps the label of each piece", () => {
    const old = FlyToken.make(mac.piece({ label: "fm1r" }))
    assert.match(narrowed(old, { readOnly: true }).value, /^FlyV1 fm1r_/)
  })

  const refused: ReadonlyArray<readonly [string, FlyToken, Parameters<FlyToken["attenuate"]>[0], RegExp]> = [
    ["a user token", FlyToken.make("fo1_secret"), { readOnly: true }, /a user token takes no caveats/],
    [
      "a bundle with a user token",
      FlyToken.make(`${token.value},fo1_secret`),
      { readOnly: true },
      /a user token takes/
    ],
    ["a proof", FlyToken.make(mac.piece({ proof: true })), { readOnly: true }, /it is a proof/],
    ["a malformed token", FlyToken.make("fm2_secret"), { readOnly: true }, /cannot be read/],
    ["an empty text", FlyToken.make(""), { readOnly: true }, /it is empty/],
    ["no moment", token, { expiresAt: Number.NaN }, /no moment/],
    ["a moment before 1970", token, { expiresAt: -1 }, /no moment/],
    ["a moment without end", token, { expiresAt: Number.POSITIVE_INFINITY }, /no moment/]
  ]
  for (const [name, from, to, why] of refused) {
    it(`refuses ${name}, and says why without showing it`, () => {
      const result = from.attenuate(to)
      if (Result.isSuccess(result)) return assert.fail("it was narrowed")
      assert.strictEqual(result.failure._tag, "AttenuationFailed")
      assert.match(result.failure.message, why)
      assert.notMatch(inspect(result.failure) + JSON.stringify(result.failure), /secret|fm2_|fo1_/)
    })
  }

  it("refuses more caveats than a reader takes", () => {
    const full = FlyToken.make(
      mac.piece({ caveats: Array.from({ length: 255 }, () => [4, [0, 2_000_000_000]] as const) })
    )
    assert.isTrue(Result.isSuccess(full.attenuate({ readOnly: true })))
    const result = full.attenuate({ readOnly: true, expiresAt: now })
    assert.isTrue(Result.isFailure(result))
  })

  it("of a long list of caveats, keeps all", () => {
    // The head of a list changes its form at 16 items.
    for (const count of [6, 7, 8, 9]) {
      const from = FlyToken.make(
        mac.piece({ caveats: Array.from({ length: count }, () => [4, [0, 2_000_000_000]] as const) })
      )
      const to = narrowed(from, { readOnly: true })
      assert.strictEqual(Result.getOrThrow(Macaroon.decode(piecesOf(to)[0]!)).caveats.length, count + 1)
    }
  })
})
