/**
 * What a signal does to a program while a child of flyctl lives: what it would do without us, and the end of the child.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { pathToFileURL } from "node:url"
import { canStop, environmentOf, stateOf, until } from "../support/Command.ts"
import { fileOf } from "../support/Programs.ts"
import * as Sandbox from "../support/Sandbox.ts"

const promise = JSON.stringify(pathToFileURL(fileOf("src/promise.ts")).href)

/** Another copy of the library's own. */
const otherChildren = JSON.stringify(new URL("../../src/layers/LiveChildren.ts", import.meta.url).href)

/** A program that waits for a token that never comes, while `words` are run in it. */
const program = (words: string) => `
  import { createFlyTokens } from ${promise}
  const tokens = createFlyTokens({ log: false, cliTimeout: "1 hour" })
  const asked = tokens.get("my-app").catch(() => {})
  ${words}
`

const start = (words: string) =>
  Effect.gen(function*() {
    const sandbox = yield* Sandbox.make
    yield* Effect.promise(() => sandbox.settings({ modes: { status: "stubborn", apps: "stubborn" } }))
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, ["--input-type=module", "-e", program(words)], {
          env: environmentOf(sandbox),
          stdio: ["ignore", "pipe", "inherit"],
          cwd: import.meta.dirname
        })
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    let stdout = ""
    child.stdout.on("data", (chunk) => stdout += chunk)
    const ended = new Promise<string>((resolve) => child.on("close", (code, signal) => resolve(`${signal ?? code}`)))
    for (;;) {
      const [call] = yield* Effect.promise(sandbox.calls)
      if (call !== undefined) {
        // It is not ended by the SIGKILL that ends the program of a test.
        yield* Effect.addFinalizer(() => Effect.promise(() => kill(call.pid)))
        return { child, ended: Effect.promise(() => ended), flyctl: call.pid, stdout: () => stdout }
      }
      yield* Effect.sleep("20 millis")
    }
  })

const kill = async (pid: number): Promise<void> => {
  if (await Sandbox.isRunning(pid)) process.kill(pid, "SIGKILL")
}

/** One that was killed is seen for a moment still; one that was not lives as long as the test waits. */
const gone = (pid: number): Effect.Effect<boolean> =>
  Effect.gen(function*() {
    for (let looks = 0; looks < 500; looks++) {
      if (!(yield* Effect.promise(() => Sandbox.isRunning(pid)))) return true
      // Another process is not on our clock.
      yield* Effect.sleep("20 millis")
    }
    return false
  })

describe.skipIf(process.platform !== "linux")("a program with a flyctl that is deaf", () => {
  for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) {
    it.live(`dies of ${signal} as if it had no child, which ends before`, () =>
      Effect.gen(function*() {
        const it = yield* start("")
        it.child.kill(signal)
        assert.strictEqual(yield* it.ended, signal)
        assert.isTrue(yield* gone(it.flyctl))
      }), 120_000)
  }

  it.live("decides itself what a signal does, also with a listener that listens once", () =>
    Effect.gen(function*() {
      const it = yield* start(`
        process.once("SIGTERM", () => {
          console.log("draining")
          setTimeout(() => (console.log("drained"), process.exit(7)), 300)
        })
      `)
      it.child.kill("SIGTERM")
      yield* until(it.stdout, (text) => text.includes("draining"))
      assert.strictEqual(yield* it.ended, "7")
      assert.include(it.stdout(), "drained")
      assert.isTrue(yield* gone(it.flyctl))
    }), 120_000)

  it.live(
    "takes neither another copy of this library nor signal-exit for somebody who decides",
    () =>
      Effect.gen(function*() {
        const it = yield* start(`
        const other = await import(${otherChildren})
        other.announce()
        globalThis[Symbol.for("signal-exit emitter")] = { count: 1 }
        process.on("SIGTERM", () => console.log("told"))
        console.log("ready")
      `)
        yield* until(it.stdout, (text) => text.includes("ready"))
        it.child.kill("SIGTERM")
        // The listener that stands for signal-exit is told after ours.
        yield* until(it.stdout, (text) => text.includes("told"))
        assert.isTrue(yield* gone(it.flyctl))
        it.child.kill("SIGHUP")
        assert.strictEqual(yield* it.ended, "SIGHUP")
      }),
    120_000
  )

  it.live("ends it by process.exit and by an error that nobody caught", () =>
    Effect.gen(function*() {
      for (const words of ["process.exit(3)", "throw undefined"]) {
        const it = yield* start(`process.once("SIGUSR2", () => { ${words} })`)
        it.child.kill("SIGUSR2")
        assert.match(yield* it.ended, /^[1-9]/)
        assert.isTrue(yield* gone(it.flyctl))
      }
    }), 120_000)

  it.live("is stopped and continued with it", (context) =>
    Effect.gen(function*() {
      if (!(yield* canStop)) return context.skip("SIGTSTP stops no process here")
      const it = yield* start("")
      const states = () => [it.child.pid ?? 0, it.flyctl].map(stateOf).join("")
      it.child.kill("SIGTSTP")
      yield* until(states, (seen) => seen === "TT")
      it.child.kill("SIGCONT")
      yield* until(states, (seen) => seen === "SS")
    }), 120_000)

  it.live(
    "is stopped and continued with it, also where another copy of this library has a child",
    (context) =>
      Effect.gen(function*() {
        if (!(yield* canStop)) return context.skip("SIGTSTP stops no process here")
        const it = yield* start(`
        const { spawn } = await import("node:child_process")
        const other = await import(${otherChildren})
        const sleeper = spawn("sleep", ["60"], { detached: true, stdio: "ignore" })
        other.announce().pid = sleeper.pid
        console.log("ready", sleeper.pid)
      `)
        yield* until(it.stdout, (text) => /ready \d+/.test(text))
        const sleeper = Number(/ready (\d+)/.exec(it.stdout())?.[1])
        const states = () => [it.child.pid ?? 0, it.flyctl, sleeper].map(stateOf).join("")
        for (let twice = 0; twice < 2; twice++) {
          it.child.kill("SIGTSTP")
          yield* until(states, (seen) => seen === "TTT")
          it.child.kill("SIGCONT")
          yield* until(states, (seen) => seen === "SSS")
        }
        it.child.kill("SIGTERM")
        yield* it.ended
        assert.isTrue(yield* gone(sleeper))
      }),
    120_000
  )

  it.live("has no listener of ours when there is no child any more", () =>
    Effect.gen(function*() {
      const it = yield* start(`
        await new Promise((resolve) => process.once("SIGUSR2", resolve))
        await tokens.close()
        // The listeners go a turn of the event loop later.
        await new Promise((resolve) => setTimeout(resolve, 100))
        const names = ["exit", "SIGINT", "SIGTERM", "SIGHUP", "SIGTSTP"]
        console.log(names.map((name) => process.listenerCount(name)).join(" "))
      `)
      it.child.kill("SIGUSR2")
      yield* it.ended
      assert.strictEqual(it.stdout(), "0 0 0 0 0\n")
      assert.isTrue(yield* gone(it.flyctl))
    }), 120_000)
})
