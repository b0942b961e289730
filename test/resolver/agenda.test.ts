import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Agenda from "../../src/resolver/Agenda.ts"

const item = (name: number) => ({ name, dueAt: 0, place: -1 })

type Named = ReturnType<typeof item>

/** Takes out all that is in it, in order. */
const emptied = (agenda: Agenda.Agenda<Named>): ReadonlyArray<Named> => {
  const all: Array<Named> = []
  for (let first = agenda.first(); first !== undefined; first = agenda.first()) {
    agenda.remove(first)
    all.push(first)
  }
  return all
}

const moment = fc.oneof(fc.integer({ min: -20, max: 20 }), fc.constant(Infinity))
const change = fc.oneof(
  fc.record({ do: fc.constant("set" as const), name: fc.nat(15), dueAt: moment }),
  fc.record({ do: fc.constant("remove" as const), name: fc.nat(15) }),
  fc.record({ do: fc.constant("hasten" as const) })
)

describe("Agenda", () => {
  it("gives back what is in it in order of time, whatever was set, moved and removed before", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 80 }), (changes) => {
        const items = Array.from({ length: 16 }, (_, name) => item(name))
        const agenda = Agenda.make<Named>()
        const model = new Map<number, number>()
        for (const step of changes) {
          switch (step.do) {
            case "set":
              agenda.set(items[step.name]!, step.dueAt)
              model.set(step.name, step.dueAt)
              break
            case "remove":
              agenda.remove(items[step.name]!)
              model.delete(step.name)
              break
            case "hasten":
              agenda.hasten()
              for (const name of model.keys()) model.set(name, -Infinity)
          }
          expect(agenda.first()?.dueAt).toBe(model.size === 0 ? undefined : Math.min(...model.values()))
        }
        const left = emptied(agenda)
        expect(left.map(({ dueAt }) => dueAt)).toEqual([...model.values()].sort((a, b) => a === b ? 0 : a - b))
        expect(new Set(left.map(({ name }) => name))).toEqual(new Set(model.keys()))
        expect(items.every(({ place }) => place === -1)).toBe(true)
      }),
      { numRuns: 1_000 }
    )
  })
})
