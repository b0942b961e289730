/**
 * Texts for the token reader: macaroons that are right, nearly right, and made to hurt.
 */
import { encode } from "@msgpack/msgpack"
import * as fc from "fast-check"
import { changedBytes, changedText, controls, noise } from "./Bytes.ts"

/** In seconds; the tokens of these tests end around it. */
export const now = 1_700_000_000

const numbers: ReadonlyArray<number | bigint> = [
  0,
  1,
  16,
  31,
  32,
  255,
  65_535,
  65_536,
  now,
  now + 600,
  2 ** 32 - 1,
  2 ** 53 - 1,
  2n ** 63n - 1n,
  2n ** 64n - 1n,
  -1,
  -(2 ** 31),
  -(2n ** 63n),
  0.5,
  Number.NaN,
  Number.POSITIVE_INFINITY
]

const number = fc.constantFrom(...numbers)

/** A value where another one belongs. */
const stranger: fc.Arbitrary<unknown> = fc.oneof(
  number,
  fc.constantFrom<unknown>(null, true, "", "text", [], {}, [[]], { __proto__: 1 }, { "__proto__": [4, [0, 0]] }),
  noise(8),
  fc.string({ maxLength: 8 })
)

/** Now and then something else. */
const mostly = (usual: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ arbitrary: usual, weight: 30 }, { arbitrary: stranger, weight: 1 })

const mask = mostly(fc.constantFrom<unknown>(0, 1, 31, 16, 65_535))
const seconds = mostly(fc.constantFrom<unknown>(0, now - 1, now + 600, now + 3600, 2 ** 32 - 1))
/** Few, so that discharges find their caveats. */
const ticket = fc.constantFrom(Uint8Array.of(1), Uint8Array.of(2, 2), new Uint8Array(40).fill(3))
const location = fc.constantFrom(
  "https://api.fly.io/aaa/v1",
  "https://auth.fly.io",
  "",
  "\r\nX-Evil: 1",
  "\u001b[2J",
  "https://evil.example/" + "a".repeat(300)
)

type Pair = readonly [unknown, unknown]

const { caveat } = fc.letrec<{ caveat: Pair }>((tie) => ({
  caveat: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.tuple(fc.constant(4), mostly(fc.tuple(seconds, seconds))),
    fc.tuple(fc.constant(0), mostly(fc.tuple(mostly(number), mask))),
    fc.tuple(
      fc.constant(3),
      mostly(fc.tuple(mostly(fc.dictionary(fc.constantFrom("1", "2", "__proto__", "constructor", "x"), mask))))
    ),
    fc.tuple(fc.constant(11), mostly(fc.tuple(mostly(location), noise(24), mostly(ticket)))),
    fc.tuple(fc.constant(26), mask),
    fc.tuple(mostly(fc.constantFrom(5, 6, 27, 2n ** 64n - 1n)), stranger),
    fc.tuple(
      fc.constant(13),
      mostly(fc.tuple(fc.array(tie("caveat"), { maxLength: 3 }).map((list) => list.flat()), mask))
    )
  ) as fc.Arbitrary<Pair>
}))

const nested = (depth: number): Pair => {
  let inner: Pair = [4, [0, now]]
  for (let i = 0; i < depth; i++) inner = [13, [[...inner], 0]]
  return inner
}

const caveats: fc.Arbitrary<unknown> = fc.oneof(
  { arbitrary: fc.array(caveat, { maxLength: 5 }).map((list) => list.flat()), weight: 30 },
  { arbitrary: fc.integer({ min: 6, max: 40 }).map((depth) => [...nested(depth)]), weight: 1 },
  {
    arbitrary: fc.integer({ min: 250, max: 260 }).map((count) => Array.from({ length: count }, () => [26, 1]).flat()),
    weight: 1
  },
  { arbitrary: fc.array(caveat, { maxLength: 2 }).map((list) => list.flat().slice(1)), weight: 1 },
  { arbitrary: stranger, weight: 1 }
)

const nonce = mostly(
  fc.tuple(fc.oneof(noise(8), ticket), noise(16), fc.constantFrom([], [false], [true])).map(([kid, rnd, proof]) => [
    kid,
    rnd,
    ...proof
  ])
)

const parts = (where: fc.Arbitrary<string>): fc.Arbitrary<unknown> =>
  mostly(fc.tuple(nonce, mostly(where), caveats, mostly(noise(32))))

/** Heads of MessagePack that claim much: lists, maps, texts and bytes of up to 4 billion, extensions, and nesting. */
const heads = [
  [0xdd, 0xff, 0xff, 0xff, 0xff],
  [0xdc, 0xff, 0xff],
  [0xdc, 0x02, 0x00],
  [0xdf, 0xff, 0xff, 0xff, 0xff],
  [0xde, 0x02, 0x00],
  [0xc6, 0xff, 0xff, 0xff, 0xff],
  [0xc4, 0x20],
  [0xdb, 0x00, 0x00, 0xff, 0xff],
  [0xc9, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0xd8, 0xff],
  [0xd6, 0xff, 0, 0, 0, 0],
  [0xc1],
  [0xc0],
  [0x80],
  [0x90],
  Array.from({ length: 200 }, () => 0x91),
  Array.from({ length: 200 }, () => 0x81),
  Array.from({ length: 12_000 }, () => 0x91),
  [0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0]
].map((bytes) => Uint8Array.from(bytes))

const packed = (where: fc.Arbitrary<string>): fc.Arbitrary<Uint8Array> =>
  changedBytes(
    fc.oneof(
      { arbitrary: parts(where).map((value) => encode(value, { useBigInt64: true })), weight: 20 },
      { arbitrary: fc.nat(400).chain(noise), weight: 1 }
    ),
    heads
  )

/** Bytes of a macaroon, before base64. */
export const macaroonBytes: fc.Arbitrary<Uint8Array> = packed(
  fc.oneof(fc.constant("https://api.fly.io/v1"), location)
)

export const pieceOf = (bytes: Uint8Array): string => `fm2_${Buffer.from(bytes).toString("base64")}`

const piece = fc.oneof(
  { arbitrary: packed(fc.constant("https://api.fly.io/v1")).map(pieceOf), weight: 6 },
  { arbitrary: packed(location).map(pieceOf), weight: 4 },
  { arbitrary: noise(24).map((bytes) => `fo1_${Buffer.from(bytes).toString("base64url")}`), weight: 2 },
  {
    arbitrary: fc.constantFrom("", "fm2_", "fm1r_", "fo1_", "_", "FlyV1", "fm2_====", "fm2_-_-_", "f", "Bearer"),
    weight: 1
  },
  { arbitrary: fc.string({ unit: "binary", maxLength: 40 }), weight: 1 }
)

const scheme = fc.constantFrom("", "", "", "FlyV1 ", "Bearer ", "flyv1  Bearer ", "FlyV1\t", "FlyV1", " ")
const comma = fc.constantFrom(",", ",", ",", ", ", ",\n", ",,", " ")

const fillings = [
  ...controls,
  ",",
  "=",
  "_",
  "+",
  "-",
  "FlyV1 ",
  "Bearer ",
  "fm2_",
  "fo1_x",
  "\r\nX-Evil: 1",
  ",".repeat(3_000),
  "FlyV1 ".repeat(500),
  "A".repeat(30_000)
]

/** Whole tokens: pieces of all kinds, with what may stand before and between them. */
export const tokenText: fc.Arbitrary<string> = changedText(
  fc.tuple(scheme, fc.array(piece, { maxLength: 4 }), comma).map(([first, pieces, between]) =>
    first + pieces.join(between)
  ),
  fillings
)

/** A token that flyctl could have printed: one macaroon with an organization, a window and what it is restricted to. */
export const mintedToken: fc.Arbitrary<string> = fc.tuple(noise(8), noise(16), noise(32), fc.boolean()).map(
  ([kid, rnd, tail, proof]) =>
    pieceOf(encode([[kid, rnd, proof], "https://api.fly.io/v1", [0, [7, 1], 4, [0, now + 600]], tail]))
)
