/**
 * Bytes and texts, and what happens to them on their way here: bits that flip, ends that go missing, parts that come
 * twice, and what somebody puts in on purpose.
 */
import * as fc from "fast-check"

/** Bytes that one number makes: cheaper by far than a list of numbers. */
export const noise = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.integer({ min: 0, max: 0xffff_ffff }).map((seed) => {
    let state = seed | 0
    return Uint8Array.from({ length }, () => {
      state = (Math.imul(state ^ (state >>> 15), 0x2c1b_3c6d) + 0x9e37_79b9) | 0
      return (state ^ (state >>> 16)) & 0xff
    })
  })

/** One change. `at` and `length` are taken modulo what there is. */
interface Change {
  readonly kind: "flip" | "insert" | "replace" | "remove" | "repeat" | "truncate" | "move"
  readonly at: number
  readonly length: number
  readonly filling: number
}

const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom("flip", "insert", "replace", "remove", "repeat", "truncate", "move"),
  at: fc.nat(0xffff),
  length: fc.oneof(fc.nat(4), fc.nat(64)),
  filling: fc.nat(0xffff)
})

/** Mostly none: a reader that refuses everything would pass all tests of what it refuses. */
const changes = fc.oneof(
  { arbitrary: fc.constant<ReadonlyArray<Change>>([]), weight: 1 },
  { arbitrary: fc.array(change, { minLength: 1, maxLength: 4 }), weight: 2 }
)

interface Sequence<A> {
  readonly length: number
  slice(from: number, to?: number): A
}

/** How a sequence is put together, and one of its elements spoilt. */
interface Tools<A> {
  readonly join: (parts: ReadonlyArray<A>) => A
  readonly flip: (one: A, bit: number) => A
}

const apply = <A extends Sequence<A>>(
  tools: Tools<A>,
  fillings: ReadonlyArray<A>,
  whole: A,
  { at, filling, kind, length }: Change
): A => {
  const from = whole.length === 0 ? 0 : at % whole.length
  const head = whole.slice(0, from)
  const part = whole.slice(from, from + length)
  const rest = whole.slice(from + length)
  const filled = fillings[filling % fillings.length]!
  switch (kind) {
    case "flip":
      return tools.join([head, tools.flip(whole.slice(from, from + 1), filling % 8), whole.slice(from + 1)])
    case "insert":
      return tools.join([head, filled, whole.slice(from)])
    case "replace":
      return tools.join([head, filled, rest])
    case "remove":
      return tools.join([head, rest])
    case "repeat":
      return tools.join([head, ...Array.from({ length: 1 + (filling % 40) }, () => part), rest])
    case "truncate":
      return head
    case "move":
      return tools.join([rest, part, head])
  }
}

const changed = <A extends Sequence<A>>(tools: Tools<A>) => (whole: fc.Arbitrary<A>, fillings: ReadonlyArray<A>) =>
  fc.tuple(whole, changes).map(([before, list]) => {
    let after = before
    for (const one of list) after = apply(tools, fillings, after, one)
    return after
  })

/** The bytes, changed or not. */
export const changedBytes = changed<Uint8Array>({
  join: (parts) => new Uint8Array(Buffer.concat(parts)),
  flip: (byte, bit) => byte.map((value) => value ^ (1 << bit))
})

/** The text, changed or not. */
export const changedText = changed<string>({
  join: (parts) => parts.join(""),
  flip: (character, bit) => character === "" ? "" : String.fromCharCode(character.charCodeAt(0) ^ (1 << bit))
})

/** What breaks headers, terminals and readers of lines. */
export const controls: ReadonlyArray<string> = [
  "\n",
  "\r\n",
  "\r",
  "\0",
  "\t",
  " ",
  "\ufeff",
  "\u2028",
  "\u00a0",
  "\u0085",
  "\ud800",
  "\u001b[31m",
  "\u001b]0;title\u0007",
  "\u007f",
  "ü",
  "🦋"
]
