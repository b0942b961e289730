/**
 * Some inputs for each reader of text from outside, 20,000 in CI; `npm run fuzz` takes a million.
 *
 * A new seed each time finds more than one that stays; a failure names its own, so that it can be seen again.
 */
import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { FlyToken } from "../../src/index.ts"
import { fuzzInputs as runs } from "../support/sizes.ts"
import { fuzz } from "./Fuzzing.ts"
import { targets } from "./Targets.ts"

const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31)

describe("text from outside is read to a sound value or a reason that hides it", () => {
  it.each(targets.map((target) => [target.name, target] as const))("%s", (_, target) => {
    expect(fuzz(target, { runs, seed })).toBeUndefined()
    // A busy machine takes ten times the five seconds of a free one.
  }, 120_000)
})

describe("the token reader", () => {
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

describe("a failure", () => {
  it("is told with its seed and its smallest input, and is found again by them", () => {
    const target = {
      name: "numbers",
      property: () =>
        fc.property<[unknown]>(fc.nat(), (n) => {
          expect(n).toBeLessThan(1_000)
        })
    }
    const told = fuzz(target, { runs: 1_000, seed: 7 })
    expect(told).toContain("input: 1000")
    const path = /FUZZ_TARGETS=numbers FUZZ_SEED=7 FUZZ_PATH=(\S+) /.exec(told ?? "")?.[1]
    expect(fuzz(target, { runs: 1, seed: 7, path })).toContain("input: 1000")
  })
})
