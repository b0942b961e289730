/**
 * `env`: what shells and programs make of it.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync, spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { parseEnv } from "node:util"
import { formats } from "../../src/command/commands/Env.ts"
import { environmentOf, main, run, runInProcess } from "../support/Command.ts"
import * as Sandbox from "../support/Sandbox.ts"

const shells = ["sh", "bash", "zsh"].filter((shell) => spawnSync(shell, ["-c", ":"]).status === 0)
for (const shell of ["bash", "zsh"]) {
  if (!shells.includes(shell)) console.log(`tests of env in ${shell} (skipped: not installed)`)
}

describe("env", () => {
  it.live.each(shells.map((shell) => ({ shell })))(
    "eval in $shell sets the token and unsets the competing one",
    ({ shell }) =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        const token = (yield* run(sandbox, ["get", "my-app"])).stdout
        for (const call of ["eval \"$(\"$NODE\" \"$MAIN\" env my-app)\"", "eval $(\"$NODE\" \"$MAIN\" env my-app)"]) {
          const printed = execFileSync(
            shell,
            [
              "-euc",
              `FLY_ACCESS_TOKEN=''; export FLY_ACCESS_TOKEN; ${call}; printenv FLY_API_TOKEN; printenv FLY_ACCESS_TOKEN || echo unset`
            ],
            { env: { ...environmentOf(sandbox), NODE: process.execPath, MAIN: main }, encoding: "utf8" }
          )
          expect(printed).toBe(`${token}unset\n`)
        }
      })
  )

  it.live("--format env and json, and --json", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const token = (yield* runInProcess(sandbox, ["get", "my-app"])).stdout.trim()
      const file = yield* runInProcess(sandbox, ["env", "my-app", "--format", "env"])
      expect(file).toEqual({ code: 0, stdout: `FLY_API_TOKEN=${token}\n`, stderr: "" })
      for (const args of [["--format", "json"], ["--json"]]) {
        const { code, stdout } = yield* runInProcess(sandbox, ["env", "my-app", ...args])
        expect([code, JSON.parse(stdout)]).toEqual([0, { FLY_API_TOKEN: token }])
      }
      expect((yield* runInProcess(sandbox, ["env", "my-app", "--format", "fish"])).code).toBe(2)
    }))

  it.live("without a token: exit 1, nothing on stdout", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(() => sandbox.settings({ login: false }))
      for (const format of ["export", "env", "json"]) {
        const { code, stderr, stdout } = yield* runInProcess(sandbox, ["env", "my-app", "--format", format])
        expect([code, stdout]).toEqual([1, ""])
        expect(stderr).toContain("flyctl is not logged in")
      }
    }))

  // No real token looks so, but a plain one may hold any printable character.
  const odd = [
    "fo1_plain",
    "FlyV1 fm2_a+/b==,fm2_c",
    "it's",
    "$HOME",
    "a`id`b",
    "back\\slash",
    "\"quoted\"",
    "#hash",
    "!x;&|<>(){}*?~"
  ]

  it.live("any token is one word for a shell, and itself in a file", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const file = join(sandbox.home, "variables")
      for (const token of odd) {
        const script = `${formats.export(token, "my-app:01234567")}\nprintf %s "$FLY_API_TOKEN"`
        for (const shell of shells) expect(execFileSync(shell, ["-c", script], { encoding: "utf8" })).toBe(token)
        yield* Effect.promise(() => writeFile(file, `${formats.env(token)}\n`))
        expect(parseEnv(readFileSync(file, "utf8"))).toEqual({ FLY_API_TOKEN: token })
        expect(JSON.parse(formats.json(token))).toEqual({
          FLY_API_TOKEN: token
        })
      }
    }))
})
