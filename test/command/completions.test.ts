/**
 * Completions: generated, sourced, and asked in bash.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync, spawnSync } from "node:child_process"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { runInProcess } from "../support/Command.ts"
import * as Sandbox from "../support/Sandbox.ts"

const hasBash = spawnSync("bash", ["-c", ":"]).status === 0

const inBash = (file: string, line: string): ReadonlyArray<string> => {
  const words = line.split(" ")
  const script = `
    source '${file}'
    [[ "$(complete -p fly-tokens)" == *"-F _fly_tokens fly-tokens" ]] || exit 9
    COMP_LINE='${line}' COMP_POINT=${line.length} COMP_CWORD=${words.length - 1}
    COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")})
    _fly_tokens fly-tokens '${words.at(-1)}' '${words.at(-2)}'
    printf '%s\\n' "\${COMPREPLY[@]}"
  `
  return execFileSync("bash", ["-c", script], { encoding: "utf8" }).split("\n").map((word) => word.trim()).filter(
    Boolean
  ).sort()
}

describe("--completions", () => {
  it.live.each(["bash", "zsh", "fish"])(
    "%s: a script on stdout, nothing on stderr, exit 0",
    (shell) =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        const { code, stderr, stdout } = yield* runInProcess(sandbox, ["--completions", shell])
        expect([code, stderr]).toEqual([0, ""])
        for (const call of ["get", "exec", "env", "set", "unset", "invalidate", "status", "list", "watch"]) {
          expect(stdout).toMatch(new RegExp(`\\b${call}\\b`))
        }
        if (spawnSync(shell, ["-c", ":"]).status === 0) {
          const file = join(sandbox.home, "completions")
          yield* Effect.promise(() => writeFile(file, stdout))
          expect(spawnSync(shell, ["-n", file]).status).toBe(0)
        }
      })
  )

  it.live.skipIf(!hasBash)(
    `bash completes calls, flags and their values${hasBash ? "" : " (skipped: bash is not installed)"}`,
    () =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        const file = join(sandbox.home, "completions.bash")
        const { stdout } = yield* runInProcess(sandbox, ["--completions", "bash"])
        yield* Effect.promise(() => writeFile(file, stdout))
        expect(inBash(file, "fly-tokens g")).toEqual(["get"])
        expect(inBash(file, "fly-tokens wa")).toEqual(["watch"])
        expect(inBash(file, "fly-tokens get my-app --he")).toContain("--header")
        expect(inBash(file, "fly-tokens get my-app --header ")).toEqual(["graphql", "machines"])
        expect(inBash(file, "fly-tokens env my-app --format e")).toEqual(["env", "export"])
      })
  )
})
