/**
 * Any program, run within limits. On the live clock, because children are not on ours.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Program from "../../src/layers/program/Program.ts"

const sh = (script: string, options: Partial<Program.ProgramOptions> = {}) =>
  Program.run(["/bin/sh", "-c", script, "name", "an argument; with $signs"], {
    cwd: "/",
    env: { A: "b", PATH: "/usr/bin:/bin" },
    limitBytes: 1024,
    ...options
  }).pipe(Effect.provide(NodeServices.layer))

describe.skipIf(process.platform === "win32")("a program", () => {
  it.live("tells its exit code and what it printed, stdout and stderr apart, characters whole", () =>
    Effect.gen(function*() {
      const printed = "printf '\\360\\237'; sleep 0.1; printf '\\246\\213'; echo no >&2; exit 7"
      assert.deepStrictEqual(yield* sh(printed), { exitCode: 7, stdout: "🦋", stderr: "no\n" })
    }))

  it.live("gets its arguments as they are, its directory, its environment alone, and a stdin that is closed", () =>
    Effect.gen(function*() {
      const { stdout } = yield* sh("echo \"$1\"; pwd; env | grep -c '^\\(HOME\\|USER\\)='; echo $A; cat")
      assert.strictEqual(stdout, "an argument; with $signs\n/\n0\nb\n")
    }))

  it.live("that prints too much, or for ever, is ended; what is too much on stderr is dropped", () =>
    Effect.gen(function*() {
      for (const script of ["head -c 1025 /dev/zero", "yes"]) {
        const reason = yield* Effect.flip(sh(script))
        assert.deepInclude(reason, { _tag: "OutputTooLarge", limitBytes: 1024 })
      }
      assert.lengthOf((yield* sh("head -c 1024 /dev/zero")).stdout, 1024)
      const { exitCode, stderr } = yield* sh("head -c 1000000 /dev/zero >&2")
      assert.strictEqual(exitCode, 0)
      assert.isAtMost(stderr.length, 64 * 1024)
    }))

  it.live("that is killed says so; one that leaves somebody behind with its output is not waited for", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* Effect.flip(sh("kill -9 $$")))._tag, "Killed")
      assert.deepInclude(yield* sh("echo here; sleep 60 & exit 0"), { exitCode: 0, stdout: "here\n" })
    }))

  it.live("is found on the PATH that it is given; one that cannot be started has a reason", () =>
    Effect.gen(function*() {
      const run = (program: string, PATH: string) =>
        Program.run([program, "-c", "echo here"], { cwd: "/", env: { PATH }, limitBytes: 1024 })
      assert.strictEqual((yield* run("sh", "/usr/bin:/bin")).stdout, "here\n")
      for (const [program, path] of [["sh", "/nowhere"], ["/nowhere/sh", "/usr/bin:/bin"]] as const) {
        assert.strictEqual((yield* Effect.flip(run(program, path)))._tag, "NotExecutable")
      }
    }).pipe(Effect.provide(NodeServices.layer)))
})
