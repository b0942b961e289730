import { describe, expect, it } from "@effect/vitest"
import * as Render from "../../src/command/Render.ts"

describe("how far away a moment is", () => {
  it("a moment less than a second away is now", () => {
    expect(Render.fromNow(5_000, 5_000)).toBe("now")
    expect(Render.fromNow(4_001, 5_000)).toBe("now")
    expect(Render.fromNow(5_999, 5_000)).toBe("now")
  })

  it("is told in the largest unit that fits", () => {
    expect([1_000, 59_999, 60_000, 3_600_000, 86_400_000].map((by) => Render.fromNow(by, 0))).toEqual(
      ["in 1 s", "in 59 s", "in 1 min", "in 1 h", "in 1 d"]
    )
    expect(Render.fromNow(0, 7_000)).toBe("7 s ago")
  })
})
