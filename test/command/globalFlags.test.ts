/**
 * The flags that the command line library gives to every call.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { runInProcess } from "../support/Command.ts"
import * as Sandbox from "../support/Sandbox.ts"

const calls = ["get", "exec", "env", "set", "unset", "invalidate", "status", "list", "watch", "explain", "doctor"]

describe("help", () => {
  it.live("of every call is on stdout and names the flags that there are, no wizard", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const helps = yield* Effect.forEach([[], ...calls.map((call) => [call])], (words) =>
        runInProcess(sandbox, [...words, "--help"]))
      for (const { code, stderr, stdout } of helps) {
        expect([code, stderr]).toEqual([0, ""])
        const flags = stdout.match(/^ {2}--[a-z-]+/gm)?.map((flag) =>
          flag.trim()
        )
        expect(flags?.slice(-4)).toEqual(["--help", "--version", "--completions", "--log-level"])
        expect(stdout).not.toMatch(/wizard/i)
      }
    }), 120_000)

  it.live.each(["--wizard", "--wizard get", "get my-app --wizard", "exec my-app --wizard -- ls"])(
    "there is no wizard in %j: nobody is asked, stdout stays empty",
    (line) =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        sandbox.environment["FLY_API_TOKEN"] = "fo1_secret"
        const { code, stderr, stdout } = yield* runInProcess(sandbox, line.split(" "))
        expect([code, stdout]).toEqual([2, ""])
        expect(stderr).toMatch(/^fly-tokens: .*--wizard/)
      })
  )
})

describe("--log-level", () => {
  it.live("none silences warnings, and neither the result nor the reasons", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      // A place for the store where none can be: the token is minted, and a warning says that it was not stored.
      sandbox.environment["FLY_TOKENS_DIR"] = "/dev/null/store"
      const loud = yield* runInProcess(sandbox, ["get", "my-app"])
      expect([loud.code, loud.stderr]).toEqual([0, expect.stringContaining("/dev/null/store")])
      const quiet = yield* runInProcess(sandbox, ["get", "my-app", "--log-level", "none"])
      expect([quiet.code, quiet.stderr]).toEqual([0, ""])
      expect(quiet.stdout).toMatch(/^FlyV1 /)
      yield* Effect.promise(() => sandbox.settings({ login: false }))
      const failed = yield* runInProcess(sandbox, ["--log-level", "none", "get", "my-app"])
      expect([failed.code, failed.stdout]).toEqual([1, ""])
      expect(failed.stderr).toMatch(/^fly-tokens: no Fly token/)
    }))

  it.live.each(["--log-level", "--log-level loud get my-app", "--completions", "--completions ksh"])(
    "%s is wrong use: the choices are on stderr, stdout is empty",
    (line) =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        const { code, stderr, stdout } = yield* runInProcess(sandbox, line.split(" "))
        expect([code, stdout]).toEqual([2, ""])
        expect(stderr).toMatch(/warn|bash/)
      })
  )
})
