/**
 * How the command ends: by signals, with calls that hang, and with output that is slow or lost.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { execFileSync } from "node:child_process"
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Writable } from "node:stream"
import * as Ending from "../../src/command/Ending.ts"
import * as Output from "../../src/command/Output.ts"
import { environmentOf, main, run, started, until } from "../support/Command.ts"
import * as Sandbox from "../support/Sandbox.ts"

describe("a signal", () => {
  const codes: ReadonlyArray<readonly [NodeJS.Signals, number]> = [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
    ["SIGQUIT", 131],
    ["SIGALRM", 142]
  ]
  it.live.each(codes)(
    "%s ends the call with %d, and a flyctl that is deaf",
    ([signal, code]) =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        yield* Effect.promise(() => sandbox.settings({ mode: "stubborn" }))
        const it = yield* started(sandbox, ["get", "my-app"])
        while ((yield* Effect.promise(sandbox.mints)).length === 0) {
          // Another process is not on our clock.
          yield* Effect.sleep("20 millis")
        }
        it.process.kill(signal)
        // As the terminal's Ctrl-C and what npx passes on of it: the second changes nothing.
        it.process.kill(signal)
        expect((yield* Effect.promise(() => it.ended)).code).toBe(code)
        const [mint] = yield* Effect.promise(sandbox.mints)
        expect(yield* Effect.promise(() => Sandbox.isRunning(mint!.pid))).toBe(false)
      }),
    120_000
  )

  it("is told by the exit code as shells do, except where SIGTERM is the way to end it; a bug is none", () => {
    const interrupted = Exit.failCause(Cause.interrupt())
    const cases: ReadonlyArray<readonly [Exit.Exit<number>, NodeJS.Signals | undefined, boolean, number | undefined]> =
      [
        [Exit.succeed(3), undefined, false, 3],
        [Exit.succeed(0), "SIGTERM", false, 0],
        [interrupted, "SIGINT", false, 130],
        [interrupted, "SIGTERM", false, 143],
        [interrupted, "SIGTERM", true, 0],
        [interrupted, "SIGINT", true, 130],
        [interrupted, undefined, true, 130],
        [Exit.die("bug"), "SIGTERM", true, undefined],
        [Exit.failCause(Cause.combine(Cause.interrupt(), Cause.die("bug"))), "SIGTERM", true, undefined]
      ]
    for (const [exit, signal, untilTold, code] of cases) {
      expect(Ending.codeOf(exit, { signal, untilTold })).toBe(code)
    }
  })
})

describe("a call that never returns", () => {
  it.live.skipIf(process.platform === "win32")(
    "in one of Node's threads: it is not waited for when the answer is out",
    () =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        const pipe = join(sandbox.home, "pipe")
        execFileSync("mkfifo", [pipe])
        sandbox.environment["FLY_API_TOKEN"] = "fo1_user"
        // Whatever the command asks of the system may hang; here something does from its first moment on.
        const hang = join(sandbox.home, "hang.mjs")
        yield* Effect.promise(() =>
          writeFile(hang, `import { readFile } from "node:fs"; readFile("${pipe}", () => {})`)
        )
        sandbox.environment["NODE_OPTIONS"] = `--import=${hang}`
        expect(yield* run(sandbox, ["get", "my-app"])).toEqual({ code: 0, stdout: "fo1_user\n", stderr: "" })
        expect((yield* run(sandbox, ["env", "my-app", "--format", "env"])).code).toBe(0)
        expect(yield* run(sandbox, ["exec", "my-app", "--", "sh", "-c", "echo hello; exit 3"])).toEqual({
          code: 3,
          stdout: "hello\n",
          stderr: ""
        })
      }),
    120_000
  )

  it.live.skipIf(process.platform !== "linux")(
    "HOME=/proc: get, env and exec answer and end",
    () =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        sandbox.environment["HOME"] = "/proc"
        for (
          const args of [["get", "my-app"], ["env", "my-app"], ["exec", "my-app", "--", "printenv", "FLY_API_TOKEN"]]
        ) {
          const { code, stdout } = yield* run(sandbox, args)
          expect(code).toBe(0)
          expect(stdout).toMatch(/FlyV1 fm2_/)
        }
      }),
    120_000
  )
})

describe("output", () => {
  it.live("into a pipe that is read late is whole", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const records = join(sandbox.store, "cached")
      yield* Effect.promise(async () => {
        await mkdir(records, { recursive: true, mode: 0o700 })
        const record = JSON.stringify({ version: 1, token: "fo1_x", expiresAt: null, source: "cli", savedAt: 0 })
        const names = Array.from({ length: 600 }, (_, n) => join(records, `app-${n}-${"x".repeat(40)}.json`))
        await Promise.all(names.map((name) => writeFile(name, record, { mode: 0o600 })))
      })
      const script = `"${process.execPath}" "${main}" list --json | (sleep 2; cat)`
      const options = { env: environmentOf(sandbox), encoding: "utf8", maxBuffer: 2 ** 24 } as const
      // More than a pipe takes at once.
      expect(JSON.parse(execFileSync("sh", ["-c", script], options))).toHaveLength(600)
    }), 120_000)

  it.live("that nobody takes does not hold up the end by a signal", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      sandbox.environment["FLY_API_TOKEN"] = "fo1_user"
      const apps = Array.from({ length: 3_000 }, (_, n) => `app-${n}-${"x".repeat(40)}`)
      const it = yield* started(sandbox, ["watch", ...apps])
      it.process.stdout?.pause()
      yield* until(() => it.process.stdout?.readableLength ?? 0, (length) => length > 0)
      it.process.kill("SIGTERM")
      yield* Effect.promise(() => new Promise((resolve) => it.process.on("exit", resolve)))
      it.process.stdout?.resume()
      expect((yield* Effect.promise(() => it.ended)).code).toBe(0)
    }), 120_000)

  const full = Object.assign(new Error("with a secret fo1_abc"), { code: "ENOSPC" })
  const streams: ReadonlyArray<readonly [string, () => Writable, string]> = [
    ["calls back with an error", () => new Writable({ write: (_chunk, _encoding, done) => done(full) }), "ENOSPC"],
    ["throws", () =>
      Object.assign(new Writable(), {
        write: () => {
          throw full
        }
      }), "ENOSPC"],
    ["only emits an error", () => {
      const stream = new Writable()
      return Object.assign(stream, { write: () => process.nextTick(() => stream.emit("error", full)) })
    }, "ENOSPC"],
    ["throws what is no error", () =>
      Object.assign(new Writable(), {
        write: () => {
          throw "fo1_abc"
        }
      }), "unknown"],
    ["closes without a word", () => {
      const stream = new Writable({ write: () => {} })
      process.nextTick(() => stream.destroy())
      return stream
    }, "unknown"],
    ["is destroyed", () => new Writable().destroy(full), "ENOSPC"]
  ]
  it.live.each(streams)("to a stream that %s has failed", ([, make, code]) =>
    Effect.gen(function*() {
      const stream = make()
      if (stream.destroyed) stream.on("error", () => {})
      const error = yield* Effect.flip(Output.writeTo(stream, "text"))
      expect(error).toMatchObject({ _tag: "OutputFailed", code })
    }))

  it.live("is printed when the system has taken it, not before", () =>
    Effect.gen(function*() {
      const calls: Array<() => void> = []
      const slow = new Writable({ write: (_chunk, _encoding, done) => void calls.push(done) })
      const writing = yield* Effect.forkChild(Output.writeTo(slow, "text"), { startImmediately: true })
      expect(writing.pollUnsafe()).toBeUndefined()
      calls[0]?.()
      yield* Fiber.join(writing)
    }))
})
