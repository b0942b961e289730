/**
 * `exec`: whose token, whose signals, whose exit code.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { existsSync, readFileSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { constants } from "node:os"
import { join } from "node:path"
import * as CommandLine from "../../src/command/CommandLine.ts"
import { canStop, hasTmux, pane, run, started, stateOf, until, whyNoTmux } from "../support/Command.ts"
import * as Sandbox from "../support/Sandbox.ts"

const withToken = Effect.map(Sandbox.make, (sandbox) => {
  sandbox.environment["FLY_ACCESS_TOKEN"] = "fo1_secret"
  sandbox.environment["FLY_API_TOKEN"] = "fo1_other"
  return sandbox
})

/** Each of them would end a process that does not listen. */
const passed: ReadonlyArray<NodeJS.Signals> = [
  ...([
    "SIGINT",
    "SIGQUIT",
    "SIGHUP",
    "SIGUSR1",
    "SIGUSR2",
    "SIGALRM",
    "SIGVTALRM",
    "SIGPROF",
    "SIGXCPU",
    "SIGIO"
  ] as const),
  ...(["SIGSTKFLT", "SIGPWR", "SIGABRT"] as const).filter((signal) => signal in constants.signals),
  "SIGINT",
  "SIGTERM"
]

/** Says which signals it gets, in the order in which it gets them, and ends with 5 on SIGTERM. */
const listener = `
  const signals = ${JSON.stringify(passed)}
  for (const signal of new Set(signals)) process.on(signal, () => {
    console.log("got " + signal)
    if (signal === "SIGTERM") process.exit(5)
  })
  setInterval(() => {}, 1000)
  console.log("ready")
`

describe("exec", () => {
  it.live("the command has the token, no competing one, and its flags are its own", () =>
    Effect.gen(function*() {
      const sandbox = yield* withToken
      const shown =
        "console.log(JSON.stringify([process.env.FLY_API_TOKEN, 'FLY_ACCESS_TOKEN' in process.env, process.argv.slice(1)]))"
      for (const delimiter of [["--"], []]) {
        const { code, stderr, stdout } = yield* run(sandbox, [
          "exec",
          "my-app",
          ...delimiter,
          process.execPath,
          "-e",
          shown,
          "--",
          "--json",
          "-h",
          "--version",
          "a b"
        ])
        expect([code, stderr]).toEqual([0, ""])
        expect(JSON.parse(stdout)).toEqual(["fo1_secret", false, ["--json", "-h", "--version", "a b"]])
      }
    }))

  it.live("the value is the one that flyctl takes", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const { stdout } = yield* run(sandbox, ["exec", "my-app", "--", "printenv", "FLY_API_TOKEN"])
      expect(stdout).toMatch(/^FlyV1 fm2_/)
      expect((yield* run(sandbox, ["get", "my-app"])).stdout).toBe(stdout)
    }))

  it.live("what was minted is stored before the command starts", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const record = join(sandbox.store, "cached", "my-app.json")
      const { stdout } = yield* run(sandbox, ["exec", "my-app", "--", "cat", record])
      expect(JSON.parse(stdout).source).toBe("cli")
    }))

  it.live("passes stdin on, and the exit code back", () =>
    Effect.gen(function*() {
      const sandbox = yield* withToken
      expect(yield* run(sandbox, ["exec", "my-app", "--", "sh", "-c", "cat; exit 7"], "hello")).toEqual({
        code: 7,
        stdout: "hello",
        stderr: ""
      })
      expect((yield* run(sandbox, ["exec", "my-app", "--", "sh", "-c", "kill -KILL $$"])).code).toBe(137)
      expect((yield* run(sandbox, ["exec", "my-app", "--", "sh", "-c", "kill -TERM $$"])).code).toBe(143)
    }))

  it.live("127 if there is no such command, 126 if it cannot be run", () =>
    Effect.gen(function*() {
      const sandbox = yield* withToken
      const file = join(sandbox.home, "plain")
      yield* Effect.promise(() => writeFile(file, "text", { mode: 0o600 }))
      const missing = yield* run(sandbox, ["exec", "my-app", "--", "no-such-command"])
      expect([missing.code, missing.stdout]).toEqual([127, ""])
      expect(missing.stderr).toContain("\"no-such-command\" cannot be run: there is no such command")
      const plain = yield* run(sandbox, ["exec", "my-app", "--", file])
      expect([plain.code, plain.stdout]).toEqual([126, ""])
      expect(`${missing.stderr}${plain.stderr}`).not.toMatch(/fo1_/)
    }))

  it.live("125 without a token, and the command does not start; 2 for wrong use", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(() => sandbox.settings({ login: false }))
      const mark = join(sandbox.home, "started")
      const { code, stderr, stdout } = yield* run(sandbox, ["exec", "my-app", "--", "touch", mark])
      expect([code, stdout]).toEqual([125, ""])
      expect(stderr).toMatch(/^fly-tokens: no Fly token for app "my-app"\n/)
      const asJson = yield* run(sandbox, ["exec", "my-app", "--json", "touch", mark])
      expect([asJson.code, JSON.parse(asJson.stderr).error]).toEqual([125, "NoTokenAvailable"])
      const notOurs = yield* run(sandbox, ["exec", "my-app", "--", "touch", mark, "--json"])
      expect(notOurs.stderr).toMatch(/^fly-tokens: no Fly token/)
      for (
        const args of [["exec"], ["exec", "my-app"], ["exec", "my-app", "--"], ["exec", "My_App", "--", "touch", mark]]
      ) {
        expect((yield* run(sandbox, args)).code).toBe(2)
      }
      expect(existsSync(mark)).toBe(false)
    }))

  it.live("passes signals on and waits for the command; no argv holds the token", () =>
    Effect.gen(function*() {
      const sandbox = yield* withToken
      const it = yield* started(sandbox, ["exec", "my-app", "--", process.execPath, "-e", listener])
      yield* until(it.stdout, (text) => text.includes("ready"))
      if (existsSync(`/proc/${it.process.pid}/cmdline`)) {
        expect(readFileSync(`/proc/${it.process.pid}/cmdline`, "utf8")).not.toMatch(/fo1_/)
      }
      for (const signal of passed) {
        const before = it.stdout()
        it.process.kill(signal)
        yield* until(it.stdout, (text) => text.length > before.length)
      }
      const { code, stderr, stdout } = yield* Effect.promise(() => it.ended)
      expect(stdout.trim().split("\n")).toEqual(
        ["ready", ...passed.map((signal) => `got ${signal}`)]
      )
      expect([code, stderr]).toEqual([5, ""])
    }))

  it.live("a signal that the command does not handle ends it, and the code says which", () =>
    Effect.gen(function*() {
      for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
        const sandbox = yield* withToken
        const it = yield* started(sandbox, ["exec", "my-app", "--", "sh", "-c", "echo ready; exec sleep 300"])
        yield* until(it.stdout, (text) => text.includes("ready"))
        it.process.kill(signal)
        expect((yield* Effect.promise(() => it.ended)).code).toBe(code)
      }
    }), 60_000)

  it.live(
    "SIGTSTP stops the command too, and SIGCONT continues both",
    (context) =>
      Effect.gen(function*() {
        if (!(yield* canStop)) return context.skip("SIGTSTP stops no process here")
        const sandbox = yield* withToken
        const it = yield* started(sandbox, ["exec", "my-app", "--", "sh", "-c", "echo $$; exec sleep 300"])
        const pid = Number(yield* until(it.stdout, (text) => text.includes("\n")))
        const states = () => [it.process.pid, pid].map((each) => stateOf(each ?? 0)).join("")
        it.process.kill("SIGTSTP")
        yield* until(states, (seen) => seen === "TT")
        it.process.kill("SIGCONT")
        yield* until(states, (seen) => seen === "SS")
        it.process.kill("SIGTERM")
        expect((yield* Effect.promise(() => it.ended)).code).toBe(143)
      })
  )

  it.live.skipIf(!hasTmux)(
    `in a terminal a SIGINT to it alone reaches the command, once${whyNoTmux}`,
    () =>
      Effect.gen(function*() {
        const sandbox = yield* withToken
        const { keys, screen } = yield* pane(sandbox, { columns: 80, rows: 24 })
        const shown = "console.log('parent ' + process.ppid)"
        yield* Effect.promise(() => writeFile(join(sandbox.home, "listener.mjs"), `${shown}; ${listener}`))
        keys("fly-tokens exec my-app -- node ~/listener.mjs; echo code $?", "Enter")
        const text = yield* until(screen, (text) => text.includes("ready"))
        const pid = Number(/parent (\d+)/.exec(text)?.[1])
        const got = () => screen().match(/got SIG\w+/g) ?? []
        for (const [index, signal] of (["SIGINT", "SIGQUIT", "SIGINT"] as const).entries()) {
          process.kill(pid, signal)
          yield* until(got, ({ length }) => length > index)
        }
        keys("C-c")
        yield* until(got, ({ length }) => length > 3)
        process.kill(pid, "SIGTERM")
        yield* until(screen, (text) => text.includes("code 5"))
        expect(got()).toEqual(["SIGINT", "SIGQUIT", "SIGINT", "SIGINT", "SIGTERM"].map((signal) => `got ${signal}`))
      }),
    120_000
  )

  it.live.skipIf(!hasTmux)(
    `in a terminal Ctrl-C comes once, and a command that it kills ends the loop around it${whyNoTmux}`,
    () =>
      Effect.gen(function*() {
        const sandbox = yield* withToken
        yield* Effect.promise(() => writeFile(join(sandbox.home, "listener.mjs"), listener))
        const { keys, screen } = yield* pane(sandbox, { columns: 80, rows: 24 })
        keys("fly-tokens exec my-app -- node ~/listener.mjs; echo code $?", "Enter")
        yield* until(screen, (text) => text.includes("ready"))
        keys("C-c")
        yield* until(screen, (text) => text.includes("got SIGINT"))
        keys("C-\\")
        yield* until(screen, (text) => text.includes("got SIGQUIT"))
        // Had one come twice, the second would be here before the answer to this one.
        keys("C-c")
        const text = yield* until(screen, (text) => text.split("got SIGINT").length > 2)
        expect(text.match(/got SIG\w+/g)).toEqual(["got SIGINT", "got SIGQUIT", "got SIGINT"])
        keys("C-z")
        yield* until(screen, (text) => /Stopped|suspended/i.test(text))
        keys("kill -TERM %1; fg", "Enter")
        yield* until(screen, (text) => text.includes("got SIGTERM"))
        keys("clear; for n in 1 2; do fly-tokens exec my-app -- sh -c \"echo run $n; exec sleep 300\"; done", "Enter")
        yield* until(screen, (text) => text.includes("run 1"))
        keys("C-c")
        keys("echo ov''er", "Enter")
        expect(yield* until(screen, (text) => text.includes("over"))).not.toContain("run 2")
      }),
    120_000
  )
})

describe("the words of the command line", () => {
  const cases: ReadonlyArray<readonly [string, string]> = [
    ["exec app curl -s", "exec app -- curl -s"],
    ["exec app -- curl -s", "exec app -- curl -s"],
    ["exec app -- curl -- -s", "exec app -- curl -- -s"],
    ["exec app curl -- -s", "exec app -- curl -- -s"],
    ["exec --json app curl --json", "exec --json app -- curl --json"],
    ["exec app --json curl --json", "exec app --json -- curl --json"],
    ["--log-level debug exec app curl", "--log-level debug exec app -- curl"],
    ["exec app --log-level debug curl", "exec app --log-level debug -- curl"],
    ["exec app", "exec app"],
    ["exec --help", "exec --help"],
    ["exec -- app curl", "exec -- app curl"],
    ["get exec app -s", "get exec app -s"],
    ["", ""]
  ]
  it.each(cases)("%s", (given, expected) => {
    expect(CommandLine.delimited(given.split(" ")).join(" ")).toBe(expected)
  })

  it("ours end at --", () => {
    expect(CommandLine.hasJson(["exec", "app", "--", "x", "--json"])).toBe(false)
    expect(CommandLine.hasJson(["exec", "--json", "app", "--", "x"])).toBe(true)
    expect(CommandLine.hasJson(["get", "--json"])).toBe(true)
    expect(CommandLine.hasJson(["get", "app"])).toBe(false)
  })
})
