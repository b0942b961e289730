import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Deadlines from "../../src/concurrency/Deadlines.ts"
import { sleepUntil } from "../../src/concurrency/Scheduler.ts"

/** Takes out all that is in it, in order. */
const emptied = (
  deadlines: Deadlines.Deadlines<number>
): ReadonlyArray<{ readonly key: number; readonly at: number }> => {
  const all: Array<{ readonly key: number; readonly at: number }> = []
  for (let first = deadlines.first(); first !== undefined; first = deadlines.first()) {
    all.push({ ...first })
    deadlines.delete(first.key)
  }
  return all
}

const moment = fc.oneof(fc.integer({ min: -20, max: 20 }), fc.constant(Infinity))
const change = fc.oneof(
  fc.record({ do: fc.constant("set" as const), key: fc.nat(15), at: moment }),
  fc.record({ do: fc.constant("delete" as const), key: fc.nat(15) }),
  fc.record({ do: fc.constant("makeAllDue" as const) })
)

describe("deadlines", () => {
  it("come in order of time, whatever was set, moved and deleted before", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 80 }), (changes) => {
        const deadlines = Deadlines.make<number>()
        const model = new Map<number, number>()
        for (const step of changes) {
          switch (step.do) {
            case "set":
              deadlines.set(step.key, step.at)
              model.set(step.key, step.at)
              break
            case "delete":
              deadlines.delete(step.key)
              model.delete(step.key)
              break
            case "makeAllDue":
              deadlines.makeAllDue()
              for (const key of model.keys()) model.set(key, -Infinity)
          }
          expect(deadlines.first()?.at).toBe(model.size === 0 ? undefined : Math.min(...model.values()))
          expect(deadlines.size()).toBe(model.size)
        }
        const left = emptied(deadlines)
        expect(left.map(({ at }) => at)).toEqual([...model.values()].sort((a, b) => a === b ? 0 : a - b))
        expect(new Set(left.map(({ key }) => key))).toEqual(new Set(model.keys()))
      }),
      { numRuns: 1_000 }
    )
  })

  const minute = 60_000
  it.each([
    [0, 30_000, 30_000],
    [0, 30_000.5, 30_001],
    [0, 0.1, 1],
    [5, 5, 1],
    [5, 0, 1],
    [0, minute + 1, minute],
    [0, Infinity, minute],
    [0, -Infinity, 1]
  ])(
    "are slept for in pieces: from %d until %d: %d ms",
    (now, until, expected) => expect(sleepUntil(now, until)).toBe(expected)
  )
})
