import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as fc from "fast-check"
import { goDuration } from "../../src/layers/fly/FlyCliOutput.ts"
import * as OptionDuration from "../../src/services/OptionDuration.ts"

const millisOf = (text: string) =>
  Option.getOrUndefined(Option.map(OptionDuration.read(text as OptionDuration.DurationInput), Duration.toMillis))

const nanosOf: Readonly<Record<string, bigint>> = {
  d: 86_400_000_000_000n,
  h: 3_600_000_000_000n,
  m: 60_000_000_000n,
  s: 1_000_000_000n,
  ms: 1_000_000n,
  us: 1_000n,
  "µs": 1_000n,
  ns: 1n
}

const pieces = fc.array(fc.tuple(fc.nat(100_000), fc.constantFrom(...Object.keys(nanosOf))), {
  minLength: 1,
  maxLength: 6
})

const written = (list: ReadonlyArray<readonly [number, string]>) => list.map((piece) => piece.join("")).join("")

describe("a duration", () => {
  it.each([
    ["24h", 86_400_000],
    ["1d", 86_400_000],
    ["12h30m", 45_000_000],
    ["90s", 90_000],
    ["1h30m0s", 5_400_000],
    ["1d12h", 129_600_000],
    ["24h0m0s", 86_400_000],
    ["720h", 2_592_000_000],
    ["1.5h", 5_400_000],
    ["100ms", 100],
    ["1500us", 1.5],
    ["0", 0],
    ["0s", 0],
    [" 24h\n", 86_400_000],
    ["5 seconds", 5_000],
    ["12 hours", 43_200_000],
    ["500 millis", 500],
    ["Infinity", Number.POSITIVE_INFINITY]
  ])("%j is read", (text, millis) => expect(millisOf(text)).toBe(millis))

  it.each([
    "",
    " ",
    "24",
    "h",
    "24 h",
    "24H",
    "1h 30m",
    "1h30",
    "h30m",
    "1hm",
    "1,5h",
    "1.h",
    "1..5h",
    "1.5.5h",
    "-1h",
    "+1h",
    "1e3s",
    "0x10s",
    "1y",
    "1w",
    "1min",
    "24hours",
    "5 seconds 3",
    "P1D",
    "PT1H",
    "00:30",
    "soon",
    "٣h",
    "1h\u0000",
    "1h\n1m"
  ])("%j is none", (text) => expect(millisOf(text)).toBeUndefined())

  it("is the sum of its pieces, to the nanosecond", () => {
    fc.assert(fc.property(pieces, (list) => {
      const sum = list.reduce((sum, [amount, unit]) => sum + BigInt(amount) * nanosOf[unit]!, 0n)
      const read = OptionDuration.read(written(list) as OptionDuration.GoDuration)
      expect(Option.isSome(read) && Duration.toNanosUnsafe(read.value)).toBe(sum)
    }))
  })

  it("as flyctl is told it comes back as it was", () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 20 * 366 * 86_400 }), (seconds) => {
      expect(millisOf(goDuration(seconds * 1_000))).toBe(seconds * 1_000)
    }))
  })

  it("with anything between, before or behind its pieces is none", () => {
    const noise = fc.constantFrom("-", "+", ",", ";", ":", "_", "/", "e", "x", "H", "D", "w", "\n", " ", "µ", "１", "h")
    fc.assert(fc.property(pieces, noise, fc.nat(5), (list, noise, place) => {
      const words = list.map((piece) => piece.join(""))
      words.splice(Math.min(place, words.length), 0, noise)
      // Around it there may be white space, as a shell or a file leaves it.
      fc.pre(words.join("").trim() === words.join(""))
      expect(millisOf(words.join(""))).toBeUndefined()
    }))
  })

  it("of any other text is none, and reading never throws", () => {
    fc.assert(fc.property(fc.string({ unit: "binary-ascii" }), (text) => {
      const read = millisOf(text)
      if (read !== undefined) expect(text.trim()).toMatch(/^(0|Infinity|-Infinity|-?[\d.]+\s*[a-zµ].*)$/)
    }))
  })

  it("may be tiny or huge: whether an option takes it is another question", () => {
    expect(millisOf("0.0000001s")).toBe(0.0001)
    expect(millisOf("1000000000000000000000h")).toBeGreaterThan(1e20)
  })

  it("of more characters than any has is none", () => {
    expect(millisOf("1h".repeat(64))).toBe(64 * 3_600_000)
    expect(millisOf("1h".repeat(65))).toBeUndefined()
    expect(millisOf(`${"1".repeat(200_000)}.${"1".repeat(200_000)}`)).toBeUndefined()
  })

  it.effect("that does not fit an option is refused with the range and examples, and never repeated", () =>
    Effect.gen(function*() {
      const range = { least: Duration.seconds(1), most: Duration.hours(1), words: "from 1 second to 1 hour" }
      for (const text of ["2h", "999ms", "fo1_secret"] as ReadonlyArray<OptionDuration.DurationInput>) {
        const error = yield* Effect.flip(OptionDuration.within("leaseTtl", text, range))
        expect(error.message).toBe(
          "option `leaseTtl` (FLY_TOKENS_LEASE_TTL) is not valid: expected a duration from 1 second to 1 hour, for example "
            + `"90s", "12h30m" or "5 minutes"`
        )
      }
      expect(yield* OptionDuration.within("leaseTtl", "1h", range)).toEqual(Duration.hours(1))
    }))
})
