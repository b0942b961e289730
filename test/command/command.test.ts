/**
 * The command as a user runs it: real files, the stand-in as flyctl; a process of its own where that or the built command is
 * the point.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { existsSync, openSync } from "node:fs"
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { FlyToken } from "../../src/index.ts"
import * as mac from "../stand-in/macaroon.mjs"
import { hasTmux, main, pane, runEither as run, until, whyNoTmux } from "../support/Command.ts"
import * as Sandbox from "../support/Sandbox.ts"

const secret = /fm2_[A-Za-z0-9+/]{20}|fo1_[a-z]/

describe("get", () => {
  it.live("prints exactly the token; a second call starts no mint", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const first = yield* run(sandbox, ["get", "my-app"])
      expect(first).toMatchObject({ code: 0, stderr: "" })
      expect(first.stdout).toMatch(/^FlyV1 fm2_[A-Za-z0-9+/=,fm2_]+\n$/)
      expect(FlyToken.make(first.stdout).malformed).toBeUndefined()
      const second = yield* run(sandbox, ["get", "my-app"])
      expect(second).toEqual(first)
      expect(yield* Effect.promise(sandbox.mints)).toHaveLength(1)
    }))

  it.live("with FLY_TOKENS_MINT_FOR=app prints a token of the app that only reads, and asks for no organization", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      sandbox.environment["FLY_TOKENS_MINT_FOR"] = "app"
      const first = yield* run(sandbox, ["get", "my-app"])
      expect(first).toMatchObject({ code: 0, stderr: "" })
      const token = FlyToken.make(first.stdout)
      expect([token.malformed, token.readOnly, token.discharged]).toEqual([undefined, true, true])
      expect(yield* run(sandbox, ["get", "my-app"])).toEqual(first)
      const starts = (yield* Effect.promise(sandbox.calls)).filter(({ event }) => event === "start")
      expect(starts.map(({ args }) => args?.slice(0, 5))).toEqual([["tokens", "create", "deploy", "-a", "my-app"]])
      // What flyctl minted may write, and is not kept.
      const stored = yield* Effect.promise(() => readFile(join(sandbox.store, "cached", "my-app.json"), "utf8"))
      expect(FlyToken.make(JSON.parse(stored).token).readOnly).toBe(true)
      expect((yield* run(sandbox, ["get", "other-app"])).stdout).not.toBe(first.stdout)
    }))

  it.live("prints the unexpired token of ~/.fly/config.yml", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const text = mac.orgToken({ now: Date.now(), life: 600, scheme: false, readOnly: false })
      yield* Effect.promise(() => sandbox.writeConfig(`access_token: ${text},fo1_user\n`))
      expect((yield* run(sandbox, ["get", "my-app"])).stdout).toBe(`FlyV1 ${text},fo1_user\n`)
      expect((yield* run(sandbox, ["get", "my-app", "--header", "machines"])).stdout).toBe(`FlyV1 ${text}\n`)
      expect((yield* run(sandbox, ["get", "my-app", "--header=graphql"])).stdout).toBe(`FlyV1 ${text},fo1_user\n`)
      expect(yield* Effect.promise(sandbox.calls)).toEqual([])
    }))

  it.live("goes on to flyctl when that one is expired or lacks its discharge", () =>
    Effect.gen(function*() {
      const dead = [
        mac.orgToken({ now: Date.now() - 3_600_000, life: 600, scheme: false }),
        mac.orgToken({ now: Date.now(), life: 600, scheme: false, discharged: false })
      ]
      for (const text of dead) {
        const sandbox = yield* Sandbox.make
        yield* Effect.promise(() => sandbox.writeConfig(`access_token: ${text}\n`))
        const { code, stdout } = yield* run(sandbox, ["get", "my-app"])
        expect(code).toBe(0)
        expect(stdout).not.toContain(text)
        expect(yield* Effect.promise(sandbox.mints)).toHaveLength(1)
      }
    }))

  it.live("with none of it: exit 1, nothing on stdout, the table of reasons with hints on stderr", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(() => sandbox.settings({ login: false }))
      const { code, stderr, stdout } = yield* run(sandbox, ["get", "my-app"])
      expect([code, stdout]).toEqual([1, ""])
      expect(stderr).toBe([
        "fly-tokens: no Fly token for app \"my-app\"",
        "  env      FLY_ACCESS_TOKEN and FLY_API_TOKEN are not set",
        "  storage  no stored token",
        `  config   ${join(sandbox.home, ".fly", "config.yml")} does not exist`,
        "  cli      flyctl is not logged in",
        "           → run `fly auth login`; flyctl also asks for it when the last login is over 30 days old",
        "  manual   no manual token set",
        ""
      ].join("\n"))
    }))

  it.live("--json: the token, or the reasons on stderr", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const { stdout } = yield* run(sandbox, ["get", "my-app", "--json"])
      const printed = JSON.parse(stdout)
      expect(Object.keys(printed)).toEqual(["app", "token", "source", "expiresAt"])
      expect([printed.app, printed.source]).toEqual(["my-app", "cli"])
      expect(new Date(printed.expiresAt).toISOString()).toBe(printed.expiresAt)
      const other = yield* Sandbox.make
      yield* Effect.promise(() => other.settings({ mode: "refused" }))
      const failed = yield* run(other, ["get", "my-app", "--json"])
      expect([failed.code, failed.stdout]).toEqual([1, ""])
      const reasons = JSON.parse(failed.stderr)
      expect(reasons.error).toBe("NoTokenAvailable")
      expect(reasons.attempts.map((attempt: { reason: string }) => attempt.reason)).toEqual([
        "NotFound",
        "NotFound",
        "NotFound",
        "MintRefused",
        "NotFound"
      ])
    }))

  it.live("--json --header has the header instead of the token", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      sandbox.environment["FLY_API_TOKEN"] = "fo1_user"
      const { stdout } = yield* run(sandbox, ["get", "my-app", "--json", "--header", "machines"])
      expect(JSON.parse(stdout)).toMatchObject({ app: "my-app", header: "Bearer fo1_user", source: "env" })
    }))

  it.live("a result that cannot be printed is exit 74", (context) =>
    Effect.gen(function*() {
      if (!existsSync("/dev/full")) return context.skip("there is no /dev/full here")
      const sandbox = yield* Sandbox.make
      sandbox.environment["FLY_API_TOKEN"] = "fo1_user"
      const full = openSync("/dev/full", "w")
      const child = spawn(process.execPath, [main, "get", "my-app"], {
        env: sandbox.environment as never,
        stdio: ["ignore", full, "pipe"]
      })
      let stderr = ""
      child.stderr?.on("data", (chunk) => stderr += chunk)
      const code = yield* Effect.promise(() => new Promise<number | null>((resolve) => child.on("close", resolve)))
      expect([code, stderr]).toEqual([74, "fly-tokens: stdout cannot be written to (ENOSPC)\n"])
    }))

  it.live("--refresh gives another token, drops the stored one whoever answers, and says nothing on stderr", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const first = yield* run(sandbox, ["get", "my-app"])
      const second = yield* run(sandbox, ["get", "my-app", "--refresh"])
      expect([second.code, second.stderr]).toEqual([0, ""])
      expect(second.stdout).not.toBe(first.stdout)
      expect((yield* run(sandbox, ["get", "my-app"])).stdout).toBe(second.stdout)
      sandbox.environment["FLY_API_TOKEN"] = "fo1_user"
      expect((yield* run(sandbox, ["get", "my-app", "--refresh"])).stdout).toBe("fo1_user\n")
      expect((yield* run(sandbox, ["list", "--json"])).stdout).toBe("[]\n")
    }))

  it.live("takes its options from the environment; a bad one is exit 2", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      Object.assign(sandbox.environment, { FLY_TOKENS_ORG: "acme", FLY_TOKENS_TTL: "2 hours" })
      yield* run(sandbox, ["get", "my-app"])
      const calls = (yield* Effect.promise(sandbox.calls)).filter(({ event }) => event === "start")
      expect(calls).toHaveLength(1)
      expect(calls[0]?.args?.slice(3, 7)).toEqual(["acme", "--json", "--expiry", "2h0m0s"])
      const bad = [
        ["FLY_TOKENS_TTL", "soon"],
        ["FLY_TOKENS_CLI_TIMEOUT", "5 parsecs"],
        ["FLY_TOKENS_CHAIN", "nowhere"],
        ["FLY_TOKENS_CLI_CONCURRENCY", "many"],
        ["FLY_TOKENS_SOFT_EXPIRY_JITTER", "2"]
      ] as const
      for (const [name, value] of bad) {
        const other = yield* Sandbox.make
        other.environment[name] = value
        const { code, stderr, stdout } = yield* run(other, ["get", "my-app"])
        expect([code, stdout]).toEqual([2, ""])
        expect(stderr).toMatch(new RegExp(`^fly-tokens: option .* \\(${name}\\) is not valid: expected `))
      }
    }))

  it.live("FLY_TOKENS_PERSIST=none stores nothing", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      sandbox.environment["FLY_TOKENS_PERSIST"] = "none"
      expect((yield* run(sandbox, ["get", "my-app"])).code).toBe(0)
      expect((yield* run(sandbox, ["list", "--json"])).stdout).toBe("[]\n")
    }))

  it.live("keeps warnings off stdout", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(() => mkdir(sandbox.store, { recursive: true, mode: 0o755 }))
      yield* Effect.promise(() => chmod(sandbox.store, 0o777))
      const { code, stderr, stdout } = yield* run(sandbox, ["get", "my-app"])
      expect(code).toBe(0)
      expect(stdout).toMatch(/^FlyV1 [^\n]+\n$/)
      expect(stderr).toContain("other users can write to it")
      expect(stderr).not.toMatch(secret)
    }))
})

describe("wrong use is exit 2 and prints nothing on stdout", () => {
  const calls: ReadonlyArray<ReadonlyArray<string>> = [
    [],
    ["get"],
    ["get", ""],
    ["get", "../x"],
    ["get", "--no-such-flag", "my-app"],
    ["get", "--", "--help"],
    ["get", "my-app", "fo1_secret"],
    ["get", "fo1_secret"],
    ["get", "my-app", "--header", "fo1_secret"],
    ["set", "my-app", "fo1_secret"],
    ["set", "My_App"],
    ["nonsense"],
    ["fo1_secret"]
  ]
  it.live.each(calls.map((args) => ({ args })))("$args", ({ args }) =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const { code, stderr, stdout } = yield* run(sandbox, args, "fo1_secret")
      expect([code, stdout]).toEqual([2, ""])
      expect(stderr).toMatch(/^fly-tokens: /)
      expect(stderr).not.toMatch(/fo1_secret/)
      expect(yield* Effect.promise(sandbox.calls)).toEqual([])
    }))
})

describe("set, unset, invalidate, list", () => {
  it.live("a manual token is read from stdin, stored, listed without itself, served and removed", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(() => sandbox.settings({ mode: "not-logged-in" }))
      const set = yield* run(sandbox, ["set", "my-app"], "Bearer fo1_manual\n")
      expect(set).toMatchObject({ code: 0, stdout: "", stderr: "stored a manual token for my-app\n" })
      const stored = yield* Effect.promise(() => readFile(join(sandbox.store, "manual", "my-app.json"), "utf8"))
      expect(JSON.parse(stored).token).toBe("fo1_manual")
      expect((yield* run(sandbox, ["get", "my-app"])).stdout).toBe("fo1_manual\n")
      const list = yield* run(sandbox, ["list"])
      expect(list.stdout).toMatch(/^NAME {4}KEPT AS {2}SOURCE {2}TOKEN {5}SAVED/)
      expect(list.stdout).toMatch(/my-app {2}manual {3}manual {2}[0-9a-f]{8} {2}/)
      expect(list.stdout).not.toMatch(/fo1_|\u001b/)
      expect(yield* run(sandbox, ["unset", "my-app"])).toMatchObject({ code: 0, stdout: "" })
      expect((yield* run(sandbox, ["get", "my-app"])).code).toBe(1)
    }))

  it.live("a token that cannot work is refused with the reason", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const bad = ["", " \n", "two words", "x".repeat(70_000), mac.orgToken({ now: 0, life: 5 }).slice(0, 300)]
      for (const input of bad) {
        const { code, stderr, stdout } = yield* run(sandbox, ["set", "my-app"], input)
        expect([code, stdout]).toEqual([2, ""])
        expect(stderr).not.toMatch(secret)
      }
      expect((yield* run(sandbox, ["list", "--json"])).stdout).toBe("[]\n")
    }))

  it.live("invalidate drops the cached token and not the manual one", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* run(sandbox, ["set", "my-app"], "fo1_manual")
      const first = yield* run(sandbox, ["get", "my-app"])
      expect(yield* run(sandbox, ["invalidate", "my-app"])).toMatchObject({ code: 0, stdout: "" })
      const kept = JSON.parse((yield* run(sandbox, ["list", "--json"])).stdout)
      expect(kept.map((row: { kept: string }) => row.kept)).toEqual(["manual"])
      expect((yield* run(sandbox, ["get", "my-app"])).stdout).not.toBe(first.stdout)
    }))

  it.live("a store that fails is exit 3; a corrupt manual record is named and kept", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(async () => {
        await mkdir(dirname(sandbox.store), { recursive: true })
        await writeFile(sandbox.store, "a file")
      })
      for (const args of [["set", "my-app"], ["unset", "my-app"], ["invalidate", "my-app"], ["list"]]) {
        const { code, stderr, stdout } = yield* run(sandbox, args, "fo1_manual")
        expect([args[0], code, stdout]).toEqual([args[0], 3, ""])
        expect(stderr).toContain("not a directory")
      }
      expect((yield* run(sandbox, ["get", "my-app"])).code).toBe(0)

      const other = yield* Sandbox.make
      const file = join(other.store, "manual", "my-app.json")
      yield* run(other, ["set", "my-app"], "fo1_manual")
      yield* Effect.promise(() => writeFile(file, "{\"version\":1,\"tok"))
      const { code, stderr } = yield* run(other, ["set", "my-app"], "fo1_other")
      expect(code).toBe(3)
      expect(stderr).toContain(file)
      expect(yield* Effect.promise(() => readFile(file, "utf8"))).toBe("{\"version\":1,\"tok")
      expect((yield* run(other, ["list"])).stdout).toContain("corrupt")
    }))
})

describe("a mint that is of no use", () => {
  it.live("is one record at Fly, not one per get; another login is another try", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      sandbox.environment["FLY_TOKENS_CHAIN"] = "storage,cli"
      yield* Effect.promise(() => sandbox.settings({ mode: "expired" }))
      yield* Effect.promise(() => sandbox.writeConfig("access_token: fo1_one\n"))
      for (let n = 0; n < 3; n++) {
        const { code, stderr } = yield* run(sandbox, ["get", "my-app"])
        expect(code).toBe(1)
        expect(stderr).toContain("expired at")
      }
      expect(yield* Effect.promise(sandbox.mints)).toHaveLength(1)
      yield* Effect.promise(() => sandbox.settings({ mode: "ok" }))
      yield* Effect.promise(() => sandbox.writeConfig("access_token: fo1_two\n"))
      expect((yield* run(sandbox, ["get", "my-app"])).code).toBe(0)
      expect(yield* Effect.promise(sandbox.mints)).toHaveLength(2)
    }), 120_000)
})

describe.skipIf(!hasTmux)(`set in a terminal${whyNoTmux}`, () => {
  it.live(
    "asks on stderr, so that the question is seen when stdout is a file, and shows no token",
    () =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        const { keys, screen } = yield* pane(sandbox, { columns: 80, rows: 24 })
        keys("fly-tokens set my-app --json > ~/out; echo \"code $?\"", "Enter")
        yield* until(screen, (text) => text.includes("Token for my-app (not shown)"))
        keys("fo1_manual", "Enter")
        expect(yield* until(screen, (text) => /code \d/.test(text))).toMatch(/code 0/)
        expect(screen()).not.toContain("fo1_")
        const out = yield* Effect.promise(() => readFile(join(sandbox.home, "out"), "utf8"))
        expect(JSON.parse(out)).toMatchObject({ app: "my-app", manual: { expiresAt: null } })
      }),
    120_000
  )
})
