/**
 * The arithmetic of the benchmarks.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Rounds from "../../bench/harness/Rounds.ts"
import * as Statistics from "../../bench/harness/Statistics.ts"

describe("benchmarks: statistics", () => {
  it.each([
    [[3], 3],
    [[3, 1, 2], 2],
    [[10, 9, 100], 10],
    [[4, 1, 3, 2], 2.5]
  ])("the median of %j is %d", (numbers, median) => {
    assert.strictEqual(Statistics.median(numbers), median)
  })

  it("the median of nothing is no number", () => {
    assert.isNaN(Statistics.median([]))
  })

  it("ratios are taken within a round: a round in which the machine is slow changes nothing", () => {
    assert.strictEqual(Statistics.ratio([20, 200, 30], [10, 100, 40]), 2)
    assert.isNaN(Statistics.ratio([20], []))
  })

  it("the same seed shuffles the same way, another one another way, and nothing gets lost", () => {
    const items = Array.from({ length: 20 }, (_, n) => n)
    const shuffle = (seed: number) => Statistics.shuffled(items, Statistics.randomOf(seed))
    assert.deepStrictEqual(shuffle(1), shuffle(1))
    assert.notDeepEqual(shuffle(1), shuffle(2))
    assert.deepStrictEqual(shuffle(1).toSorted((a, b) => a - b), items)
  })

  it("chance favours no place", () => {
    const random = Statistics.randomOf(7)
    const first = Array.from({ length: 3_000 }, () => Statistics.shuffled([0, 1, 2], random)[0])
    for (const item of [0, 1, 2]) {
      assert.closeTo(first.filter((each) => each === item).length, 1_000, 120)
    }
  })
})

describe("benchmarks: rounds", () => {
  it("each task is measured once in each round, in another order, and warm-ups are not counted", async () => {
    const order: Array<string> = []
    const jobs = ["a", "b", "c", "d", "e"].map((name) => {
      let calls = 0
      const run = () => {
        order.push(name)
        return Promise.resolve(calls++)
      }
      return { group: "group", name, unit: "ns", run }
    })
    const tasks = await Rounds.run(jobs, { rounds: 3, warmUps: 1, seed: 5 })
    assert.deepStrictEqual(tasks.map(({ name, samples }) => [name, samples]), [
      ["a", [1, 2, 3]],
      ["b", [1, 2, 3]],
      ["c", [1, 2, 3]],
      ["d", [1, 2, 3]],
      ["e", [1, 2, 3]]
    ])
    const rounds = [0, 1, 2, 3].map((round) => order.slice(round * 5, round * 5 + 5).join(""))
    assert.strictEqual(new Set(rounds.map((round) => [...round].toSorted().join(""))).size, 1)
    assert.isAbove(new Set(rounds).size, 1)
  })
})
