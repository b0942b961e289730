import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Portions from "../../src/concurrency/Portions.ts"
import * as Output from "../../src/layers/fly/FlyCliOutput.ts"
import * as mac from "../stand-in/macaroon.mjs"

const token = mac.orgToken({ now: Date.now(), life: 3_600 })
const printed = `{\n    "token": "${token}"\n}\n`

describe("what flyctl printed", () => {
  it("is a token only as JSON, with macaroons that decode", () => {
    const good = [printed, `{"token":"${token}"}`, `DEBUG noise\n${printed}notice`, `{not json\n[1,2]\n${printed}`]
    for (const text of good) assert.isTrue(Result.isSuccess(Output.mintedToken(text)), text)
    const bad = [
      "",
      token,
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

  it("of apps and status tells organizations", () => {
    const rows = [{ Name: "a", Organization: { Slug: "acme" } }, { Name: "b", Organization: { Slug: "other" } }]
    assert.deepStrictEqual([
      ...Option.getOrThrow(Portions.atOnce(Output.listedApps(JSON.stringify(rows, null, 4))))
    ], [
      ["a", "acme"],
      ["b", "other"]
    ])
    assert.deepStrictEqual(Portions.atOnce(Output.statusOrg(JSON.stringify(rows[0]))), Option.some("acme"))
    assert.isTrue(Option.isNone(Portions.atOnce(Output.listedApps("{}"))))
    assert.isTrue(Option.isNone(Portions.atOnce(Output.statusOrg("[]"))))
  })
})
