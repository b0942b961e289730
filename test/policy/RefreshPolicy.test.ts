import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Policy from "../../src/policy/RefreshPolicy.ts"

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const plain = { softExpiryLeadMillis: hour, softExpiryJitter: 0 }
const jittered = { softExpiryLeadMillis: hour, softExpiryJitter: 0.1 }

describe("lead", () => {
  it.each([
    [1 * second, 0.5 * second],
    [120 * second, 60 * second],
    [9 * minute, 4.5 * minute],
    [10 * minute, 5 * minute],
    [20 * minute, 5 * minute],
    [20 * minute + 2, 10 * minute + 1],
    [30 * minute, 15 * minute],
    [90 * minute - 1, 15 * minute],
    [90 * minute, 45 * minute],
    [2 * hour, hour],
    [day, hour],
    [90 * day, hour],
    [20 * 365 * day, hour]
  ])("of a life of %d ms is %d ms", (life, expected) => {
    // Between 20 and 30 minutes half the life is less than 15 minutes; from 90 minutes to 2 hours less than an hour.
    expect(Policy.lead(life, plain, 0)).toBe(expected)
  })

  it("is never over softExpiryLead, and earlier by at most 10 %", () => {
    expect(Policy.lead(day, { ...plain, softExpiryLeadMillis: 2 * minute }, 0)).toBe(2 * minute)
    expect(Policy.lead(day, jittered, 0.5)).toBe(63 * minute)
    expect(Policy.lead(2 * minute, jittered, 0.999)).toBe(minute)
  })

  it("does not shrink when life grows, and stays within its bounds", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 40 * 365 * day }),
        fc.integer({ min: 0, max: day }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (life, more, random) => {
          const lead = Policy.lead(life, jittered, random)
          expect(Policy.lead(life + more, jittered, random)).toBeGreaterThanOrEqual(lead)
          expect(lead).toBeLessThanOrEqual(life / 2)
          expect(lead).toBeLessThanOrEqual(66 * minute)
        }
      )
    )
  })
})

describe("refreshAt", () => {
  it("is expiresAt − lead, whatever was left of the life when the token was taken", () => {
    expect(Policy.refreshAt({ acquiredAt: 0, expiresAt: day }, 0, plain, 0)).toBe(23 * hour)
    expect(Policy.refreshAt({ acquiredAt: 0, expiresAt: day }, 20 * hour, plain, 0)).toBe(23 * hour)
  })

  it("is never, without an expiry or with a lead of 0", () => {
    expect(Policy.refreshAt({ acquiredAt: 0, expiresAt: Infinity }, 0, plain, 0)).toBe(Infinity)
    expect(Policy.refreshAt({ acquiredAt: 0, expiresAt: day }, 0, { ...plain, softExpiryLeadMillis: 0 }, 0)).toBe(
      Infinity
    )
  })

  it("is always ahead and never after the expiry", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -day, max: 100 * day }),
        fc.integer({ min: 1, max: 100 * day }),
        fc.integer({ min: -100 * day, max: 100 * day }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (now, left, age, random) => {
          const due = Policy.refreshAt({ acquiredAt: now - age, expiresAt: now + left }, now, jittered, random)
          expect(due).toBeGreaterThan(now)
          expect(due).toBeLessThanOrEqual(now + left)
        }
      )
    )
  })
})

describe("back-off", () => {
  it.each([[1, 30], [2, 60], [3, 120], [4, 240], [5, 480], [6, 600], [7, 600], [1_000, 600]])(
    "after %d failures is %d s",
    (failures, seconds) => expect(Policy.backOff(failures, plain, 0)).toBe(seconds * second)
  )

  it("is jittered downwards", () => {
    expect(Policy.backOff(1, jittered, 0.5)).toBe(28_500)
  })

  it("is cut half-way to the expiry, and ends close to it", () => {
    expect(Policy.nextTry({ now: 0, expiresAt: hour, failures: 1 }, plain, 0)).toBe(30 * second)
    expect(Policy.nextTry({ now: 0, expiresAt: 30 * second, failures: 1 }, plain, 0)).toBe(15 * second)
    expect(Policy.nextTry({ now: 0, expiresAt: 2 * second, failures: 1 }, plain, 0)).toBe(second)
    expect(Policy.nextTry({ now: 0, expiresAt: 1_999, failures: 1 }, plain, 0)).toBe(Infinity)
  })

  it("always ends: never at or after the expiry, never without a wait", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: day }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (left, random) => {
          let now = 0
          for (let failures = 1;; failures++) {
            const next = Policy.nextTry({ now, expiresAt: left, failures }, jittered, random)
            if (next === Infinity) break
            expect(next - now).toBeGreaterThanOrEqual(second)
            expect(next).toBeLessThan(left)
            now = next
          }
        }
      )
    )
  })
})

describe("next step", () => {
  const watched = { now: 0, expiresAt: 100 * minute, dueAt: 50 * minute, idleAt: Infinity }
  it.each([
    [{}, "Sleep"],
    [{ idleAt: 30_000 }, "Sleep"],
    [{ dueAt: Infinity }, "Sleep"],
    [{ dueAt: 0 }, "Refresh"],
    [{ now: 100 * minute }, "Forget"],
    [{ idleAt: 0 }, "Evict"],
    [{ idleAt: 0, dueAt: 0 }, "Evict"],
    [{ dueAt: Infinity, expiresAt: Infinity }, "Sleep"],
    [{ now: -day }, "Sleep"]
  ])("%j: %s", (change, expected) => expect(Policy.nextStep({ ...watched, ...change })).toBe(expected))

  it("sleeps until a moment to come", () => {
    const moment = fc.double({ min: -1e15, max: 1e15, noNaN: true })
    fc.assert(
      fc.property(moment, moment, moment, moment, (now, expiresAt, dueAt, idleAt) => {
        const step = Policy.nextStep({ now, expiresAt, dueAt, idleAt })
        if (step === "Sleep") expect(Math.min(expiresAt, dueAt, idleAt)).toBeGreaterThan(now)
      })
    )
  })
})

describe("within", () => {
  it("ends by itself, and does not stretch when the clock is set back", () => {
    expect(Policy.within(5, 4, 5)).toBe(true)
    expect(Policy.within(5, 5, 5)).toBe(false)
    expect(Policy.within(5, 0, 5)).toBe(true)
    expect(Policy.within(5, -1, 5)).toBe(false)
  })
})
