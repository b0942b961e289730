import { describe, expect, it } from "@effect/vitest"
import { quote, redactTokens } from "../../src/token/Redaction.ts"

describe("redaction", () => {
  it.each([
    ["fo1_abc", "fo1_<redacted>"],
    ["FlyV1 fm2_a/b+c==,fm2_d", "FlyV1 fm2_<redacted>,fm2_<redacted>"],
    ["fm1r_x fm1a_y", "fm1r_<redacted> fm1a_<redacted>"],
    ["fo1_abc.def~ghi=", "fo1_<redacted>"],
    ["fo1_", "fo1_"],
    ["no token", "no token"]
  ])("%j: %j", (text, expected) => expect(redactTokens(text)).toBe(expected))

  it("quotes, cuts, and redacts also what quoting put together", () => {
    expect(quote("a\nb")).toBe("\"a\\nb\"")
    expect(quote("x".repeat(70))).toBe(`"${"x".repeat(64)}…"`)
    expect(quote("fo1_secret")).toBe("\"fo1_<redacted>\"")
    // The escape ends in the letter that a label begins with.
    expect(quote("\u001fo1_secret")).toBe("\"\\u001fo1_<redacted>\"")
  })
})
