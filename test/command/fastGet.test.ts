/**
 * The plain forms of `get`, which are read without the command line library. That both ways print the same is tested
 * where the command is run: `--header=machines` takes the long one.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import * as CommandLine from "../../src/command/CommandLine.ts"
import { run } from "../support/Command.ts"
import * as Sandbox from "../support/Sandbox.ts"

const plain = { app: "my-app", header: undefined, json: false, refresh: false }

describe("the fast get", () => {
  it.each([
    [["get", "my-app"], plain],
    [["get", "my-app", "--json"], { ...plain, json: true }],
    [["get", "--json", "my-app"], { ...plain, json: true }],
    [["get", "my-app", "--refresh", "--json"], { ...plain, json: true, refresh: true }],
    [["get", "my-app", "--header", "graphql"], { ...plain, header: "graphql" }],
    [["get", "--header", "machines", "my-app"], { ...plain, header: "machines" }],
    [["get", "No App"], { ...plain, app: "No App" }]
  ])("takes %j", (words, expected) => expect(CommandLine.fastGet(words)).toEqual(expected))

  it.each([
    [[]],
    [["get"]],
    [["get", ""]],
    [["get", "--json"]],
    [["get", "my-app", "other-app"]],
    [["get", "my-app", "--help"]],
    [["get", "my-app", "-h"]],
    [["get", "--", "my-app"]],
    [["get", "my-app", "--json", "--json"]],
    [["get", "--json", "yes"]],
    [["get", "--refresh", "0"]],
    [["get", "true"]],
    [["get", "my-app", "--json=true"]],
    [["get", "my-app", "--no-json"]],
    [["get", "my-app", "--header"]],
    [["get", "my-app", "--header", "machine"]],
    [["get", "my-app", "--header", "--json"]],
    [["get", "my-app", "--header=machines"]],
    [["get", "my-app", "--header", "machines", "--header", "machines"]],
    [["--log-level", "debug", "get", "my-app"]],
    [["list"]],
    [["GET", "my-app"]]
  ])("leaves %j to the library", (words) => expect(CommandLine.fastGet(words)).toBeUndefined())

  it("takes nothing that begins like a flag for an app, whatever the words are", () => {
    const word = fc.oneof(
      fc.constantFrom("get", "--json", "--refresh", "--header", "machines", "my-app", "--", "-h", ""),
      fc.string()
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), (words) => {
        const asked = CommandLine.fastGet(["get", ...words])
        if (asked === undefined) return
        expect(asked.app).not.toMatch(/^-|^$/)
        expect(words).toContain(asked.app)
        expect([asked.json, asked.refresh]).toEqual([words.includes("--json"), words.includes("--refresh")])
      }),
      { numRuns: 2_000 }
    )
  })

  it.live("ends as the library's way does: output, errors and exit codes", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      // A default said explicitly is what the fast get does not read.
      for (const words of [["get", "my-app"], ["get", "my-app", "--json"], ["get", "NO"], ["get", "NO", "--json"]]) {
        expect(CommandLine.fastGet([...words, "--no-refresh"])).toBeUndefined()
        expect(yield* run(sandbox, [...words, "--no-refresh"])).toEqual(yield* run(sandbox, words))
      }
      yield* Effect.promise(() => sandbox.settings({ mode: "notLoggedIn" }))
      for (const words of [["get", "other-app"], ["get", "other-app", "--json"]]) {
        expect(yield* run(sandbox, [...words, "--no-refresh"])).toEqual(yield* run(sandbox, words))
      }
    }))
})
