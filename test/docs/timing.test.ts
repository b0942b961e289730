/**
 * The numbers in the guide to timing are those of the policy.
 */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import * as RefreshPolicy from "../../src/policy/RefreshPolicy.ts"

const guide = readFileSync(new URL("../../docs/timing.md", import.meta.url), "utf8")
const picture = readFileSync(new URL("../../docs/images/life.svg", import.meta.url), "utf8")

const minute = 60_000
const hour = 60 * minute
const settings = { softExpiryLeadMillis: hour, softExpiryJitter: 0.1 }

/** The least and the most that chance can make of something. */
const chances = [0, 1 - Number.EPSILON] as const

const refreshAfter = (life: number) =>
  chances.map((random) => RefreshPolicy.refreshAt({ acquiredAt: 0, expiresAt: life }, 0, settings, random) / minute)

/** Minutes, to a tenth. */
const rounded = (minutes: number) => Math.round(minutes * 10) / 10

describe("docs/timing.md", () => {
  it("says when tokens are refreshed", () => {
    const [latest10, earliest10] = refreshAfter(10 * minute).map(rounded)
    assert.strictEqual(latest10, earliest10)
    assert.include(guide, `10 min: after ${latest10} min`)
    const [latest20, earliest20] = refreshAfter(20 * minute).map(rounded)
    assert.include(guide, `20 min: after ${earliest20} to ${latest20} min`)
    const [latest60, earliest60] = refreshAfter(hour).map(rounded)
    assert.include(guide, `1 h: after ${earliest60} to ${latest60} min`)
    const [latest, earliest] = refreshAfter(24 * hour).map(rounded)
    const early = `${Math.floor(earliest! / 60)} h ${earliest! % 60} min`
    assert.include(guide, `24 h: after ${early} to ${latest! / 60} h`)
    assert.include(picture, `${early} – ${latest! / 60} h`)
  })

  it("says how long it backs off", () => {
    const minutes = [1, 2, 3, 4, 5, 6].map((failures) => RefreshPolicy.backOff(failures, settings, 0) / minute)
    assert.strictEqual(RefreshPolicy.backOff(60, settings, 0), 10 * minute)
    const row = guide.split("\n").find((line) => line.startsWith("| next try after, min"))
    const cells = row?.split("|").map((cell) => cell.trim()).slice(2, -1)
    assert.deepStrictEqual(cells, minutes.map((each) => (each === 0.5 ? "½" : String(each))))
  })

  it("says how often a token of 24 hours is tried for", () => {
    const tries = Array.from({ length: 1_000 }, (_, step) => {
      const random = step / 1_000
      const expiresAt = 24 * hour
      let count = 0
      for (
        let now = RefreshPolicy.refreshAt({ acquiredAt: 0, expiresAt }, 0, settings, random);
        Number.isFinite(now);
        now = RefreshPolicy.nextTry({ now, expiresAt, failures: count }, settings, random)
      ) {
        count++
      }
      return count
    })
    assert.include(guide, "is tried for 10 to 20 times")
    assert.isAtLeast(Math.min(...tries), 10)
    assert.isAtMost(Math.max(...tries), 20)
  })
})
