import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import * as Output from "../../src/layers/fly/FlyCliOutput.ts"
import * as mac from "../stand-in/macaroon.mjs"

const token = mac.orgToken({ now: Date.now(), life: 3_600 })
const printed = `{\n    "token": "${token}"\n}\n`

describe("what flyctl printed", () => {
  it("is a token only as JSON that ends the output, with macaroons that decode", () => {
    const good = [printed, `{"token":"${token}"}`, `DEBUG noise\n${printed}`, `{not json\n[1,2]\n${printed}`]
    for (const text of good) assert.isTrue(Result.isSuccess(Output.mintedToken(text)), text)
    const bad = [
      "",
      token,
      `${printed}trailing`,
      `{"token": 5}`,
      `{"token": null}`,
      `{"other": "${token}"}`,
      `[{"token": "${token}"}]`,
      `{"token": "fo1_user"}`,
      `{"token": "${token.slice(0, -9)}"}`,
      `{"token": "${token}\\r\\nX-Evil: 1"}`
    ]
    for (const text of bad) assert.isTrue(Result.isFailure(Output.mintedToken(text)), text)
  })

  it("of any kind is read without a throw, and no reason repeats it", () => {
    const texts = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.json(),
      fc.array(
        fc.constantFrom(
          "Error: ",
          "error:",
          "{",
          "[",
          "\n",
          "\"token\"",
          ":",
          "fm2_c2VjcmV0",
          "failed creating token",
          " 401"
        )
      )
        .map((parts) => parts.join(""))
    )
    fc.assert(
      fc.property(texts, texts, fc.integer({ min: 0, max: 255 }), (stdout, stderr, exitCode) => {
        const reason = Output.failureOf({ exitCode, stdout, stderr }, "my-app")
        assert.notInclude(reason.message + reason.hint + JSON.stringify(reason), "c2VjcmV0")
        const minted = Output.mintedToken(stdout)
        if (Result.isFailure(minted)) assert.notInclude(minted.failure.message, "c2VjcmV0")
        Output.isAnotherProgram({ exitCode, stdout, stderr })
        Option.isSome(Output.statusOrg(stdout))
        for (const [app, org] of Option.getOrElse(Output.listedApps(stdout), () => new Map<string, string>())) {
          assert.isString(app + org)
        }
      }),
      { numRuns: 5_000 }
    )
  })

  it("of hostile size is read in no time", () => {
    for (const text of ["{\n".repeat(30_000), "[\n".repeat(30_000), "[".repeat(60_000), `${"{}\n".repeat(20_000)}x`]) {
      assert.isTrue(Result.isFailure(Output.mintedToken(text)))
    }
  })

  it("of apps and status tells organizations", () => {
    const rows = [{ Name: "a", Organization: { Slug: "acme" } }, { Name: "b", Organization: { Slug: "other" } }]
    assert.deepStrictEqual([...Option.getOrThrow(Output.listedApps(JSON.stringify(rows, null, 4)))], [
      ["a", "acme"],
      ["b", "other"]
    ])
    assert.deepStrictEqual(Output.statusOrg(JSON.stringify(rows[0])), Option.some("acme"))
    assert.isTrue(Option.isNone(Output.listedApps("{}")))
    assert.isTrue(Option.isNone(Output.statusOrg("[]")))
  })
})
