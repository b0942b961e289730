/**
 * What `exec` and `env` hand on, and what a call below them makes of it.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { environmentWith } from "../../src/command/commands/Exec.ts"
import * as TokenMark from "../../src/command/TokenMark.ts"
import * as UnknownVariables from "../../src/command/UnknownVariables.ts"
import { type AppName, FlyToken, ResolvedToken } from "../../src/index.ts"
import { secretVariables } from "../../src/services/OptionName.ts"
import { environmentOf, main, run } from "../support/Command.ts"
import * as Sandbox from "../support/Sandbox.ts"

const command = [process.execPath, main]

/** Runs a call of the command below `exec` for another app. */
const below = (sandbox: Sandbox.Sandbox, outer: string, inner: ReadonlyArray<string>) =>
  run(sandbox, ["exec", outer, "--", ...command, ...inner])

const warned = (origin: string, app: string) =>
  `fly-tokens: the environment's token was handed out for ${origin} by an outer fly-tokens, and may not work for ${app}: `
  + "unset FLY_API_TOKEN to get a token of its own\n"

const inTwoOrgs = Effect.gen(function*() {
  const sandbox = yield* Sandbox.make
  const apps = { "my-app": "acme", "other-app": "umbrella" }
  yield* Effect.promise(() => sandbox.settings({ orgs: { acme: 1, umbrella: 2 }, apps }))
  return sandbox
})

describe("a call below exec", () => {
  it.live(
    "for another app is warned that the token is not that app's, by get, env and exec",
    () =>
      Effect.gen(function*() {
        const sandbox = yield* inTwoOrgs
        const { stdout: token } = yield* run(sandbox, ["get", "my-app"])
        const get = yield* below(sandbox, "my-app", ["get", "other-app"])
        // The environment goes before all other sources, as with flyctl.
        expect(get).toEqual({ code: 0, stdout: token, stderr: warned("my-app", "other-app") })
        const viaLibrary = yield* below(sandbox, "my-app", ["get", "other-app", "--log-level", "all"])
        expect(viaLibrary).toEqual(get)
        const env = yield* below(sandbox, "my-app", ["env", "other-app", "--format", "env"])
        expect(env).toEqual({ code: 0, stdout: `FLY_API_TOKEN=${token}`, stderr: warned("my-app", "other-app") })
        const exec = yield* below(sandbox, "my-app", ["exec", "other-app", "--", "printenv", "FLY_API_TOKEN"])
        expect(exec).toEqual({ code: 0, stdout: token, stderr: warned("my-app", "other-app") })
        const quiet = yield* below(sandbox, "my-app", ["--log-level", "error", "exec", "other-app", "--", "true"])
        expect(quiet).toEqual({ code: 0, stdout: "", stderr: "" })
      }),
    120_000
  )

  it.live("for the same app, from another source, or with another token is not", () =>
    Effect.gen(function*() {
      const sandbox = yield* inTwoOrgs
      expect((yield* below(sandbox, "my-app", ["get", "my-app"])).stderr).toBe("")
      const script = (text: string) => run(sandbox, ["exec", "my-app", "--", "sh", "-c", text, ...command])
      const elsewhere = yield* script("FLY_TOKENS_CHAIN=storage,cli \"$0\" \"$1\" get other-app")
      expect([elsewhere.code, elsewhere.stderr]).toEqual([0, ""])
      const replaced = yield* script("FLY_API_TOKEN=fo1_mine \"$0\" \"$1\" get other-app")
      expect(replaced).toEqual({ code: 0, stdout: "fo1_mine\n", stderr: "" })
      const unset = yield* script("unset FLY_API_TOKEN; \"$0\" \"$1\" get other-app")
      expect([unset.code, unset.stderr, unset.stdout]).toEqual([0, "", elsewhere.stdout])
    }), 120_000)

  it.live(
    "two levels down the first one is named, and the app itself is not warned of its own token",
    () =>
      Effect.gen(function*() {
        const sandbox = yield* inTwoOrgs
        const inner = ["exec", "other-app", "--", ...command, "get"]
        const third = yield* below(sandbox, "my-app", [...inner, "third-app"])
        expect(third.stderr).toBe(warned("my-app", "other-app") + warned("my-app", "third-app"))
        const same = yield* below(sandbox, "my-app", [...inner, "my-app"])
        expect(same.stderr).toBe(warned("my-app", "other-app"))
      }),
    120_000
  )

  it.live(
    "of a token that was in the environment from the start is not: that one is meant for every app",
    () =>
      Effect.gen(function*() {
        const sandbox = yield* inTwoOrgs
        sandbox.environment["FLY_API_TOKEN"] = "fo1_mine"
        expect(yield* below(sandbox, "my-app", ["get", "other-app"])).toEqual({
          code: 0,
          stdout: "fo1_mine\n",
          stderr: ""
        })
      }),
    120_000
  )

  it.live("explain and doctor find it", () =>
    Effect.gen(function*() {
      const sandbox = yield* inTwoOrgs
      const words =
        "the environment's token was handed out for my-app by an outer fly-tokens, and may not work for other-app"
      expect((yield* below(sandbox, "my-app", ["explain", "other-app"])).stdout).toContain(words)
      expect((yield* below(sandbox, "my-app", ["doctor", "other-app", "--offline"])).stdout).toContain(words)
      expect((yield* below(sandbox, "my-app", ["doctor", "my-app", "--offline"])).stdout).not.toContain("handed out")
    }), 120_000)
})

describe("a shell after eval of env", () => {
  it.live("is warned in the same way", () =>
    Effect.gen(function*() {
      const sandbox = yield* inTwoOrgs
      const script = `eval "$("$NODE" "$MAIN" env my-app)"; exec "$NODE" "$MAIN" get other-app 2>&1`
      const env = { ...environmentOf(sandbox), NODE: process.execPath, MAIN: main }
      const printed = execFileSync("sh", ["-euc", script], { env, encoding: "utf8" })
      expect(printed).toContain(warned("my-app", "other-app"))
    }), 120_000)
})

describe("the mark", () => {
  const token = FlyToken.make("fo1_mine")
  const environment = (mark?: string) => {
    const variables: Record<string, string | undefined> = { [TokenMark.variable]: mark }
    return { get: (name: string) => variables[name] }
  }
  const resolved = (app: string, source: "env" | "cli") =>
    new ResolvedToken({ app: app as AppName, token, source, expiresAt: null })

  it.each([
    undefined,
    "",
    "my-app",
    "my-app:",
    `:${token.fingerprint}`,
    `My_App:${token.fingerprint}`,
    `../x:${token.fingerprint}`,
    `\u001b[2J:${token.fingerprint}`,
    "my-app:00000000",
    `my-app: ${token.fingerprint}`
  ])("%j says nothing", (mark) => {
    expect(TokenMark.appOf(environment(mark), token)).toBeUndefined()
    expect(TokenMark.of(environment(mark), resolved("other-app", "env"))).toEqual({
      mark: undefined,
      warning: undefined
    })
  })

  it("is believed of the environment's token only", () => {
    const marked = environment(`my-app:${token.fingerprint}`)
    expect(TokenMark.of(marked, resolved("other-app", "env")).warning).toMatch(/my-app .*other-app/)
    expect(TokenMark.of(marked, resolved("my-app", "env")).warning).toBeUndefined()
    expect(TokenMark.of(marked, resolved("other-app", "cli")).warning).toBeUndefined()
    expect(TokenMark.of(marked, resolved("other-app", "env")).mark).toBe(`my-app:${token.fingerprint}`)
    expect(TokenMark.of(marked, resolved("other-app", "cli")).mark).toBe(`other-app:${token.fingerprint}`)
  })
})

describe("what exec hands on", () => {
  it.live("is the token, and no key of a store", () =>
    Effect.gen(function*() {
      const sandbox = yield* inTwoOrgs
      Object.assign(sandbox.environment, {
        FLY_TOKENS_ENCRYPTION_KEYS: "c2VjcmV0",
        FLY_TOKENS_ORG: "acme",
        FLY_TOKENS_TOKEN_FOR: "stale-app:00000000",
        OTHER: "stays"
      })
      const { stdout } = yield* run(sandbox, ["exec", "my-app", "--", "env"])
      const names = stdout.split("\n").map((line) => line.split("=")[0]).filter((name) => name !== "")
      expect(stdout).not.toContain("c2VjcmV0")
      expect(stdout).toMatch(/^FLY_TOKENS_TOKEN_FOR=my-app:[0-9a-f]{8}$/m)
      expect(names.filter((name) => !["_", "PWD", "SHLVL"].includes(name!)).sort()).toEqual(
        ["FLY_API_TOKEN", "FLY_TOKENS_ORG", "FLY_TOKENS_TOKEN_FOR", "HOME", "OTHER", "PATH"]
      )
    }))

  it("leaves out what is secret or given anew, whatever its value", () => {
    const inherited = Object.fromEntries(
      ["FLY_ACCESS_TOKEN", "FLY_API_TOKEN", ...UnknownVariables.known].map((name) => [name, ""])
    )
    const env = environmentWith("fo1_x", undefined, inherited)
    const left = UnknownVariables.known.filter((name) => ![...secretVariables, TokenMark.variable].includes(name))
    expect(Object.keys(env).sort()).toEqual(["FLY_API_TOKEN", ...left].sort())
    expect(secretVariables).toEqual(["FLY_TOKENS_ENCRYPTION_KEYS"])
  })
})
