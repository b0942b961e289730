/**
 * Variables with our prefix that are none of ours are named, and every variable that code or docs name is one of ours.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as TokenMark from "../../src/command/TokenMark.ts"
import * as UnknownVariables from "../../src/command/UnknownVariables.ts"
import { optionName } from "../../src/services/OptionName.ts"
import { run, runInProcess } from "../support/Command.ts"
import * as Sandbox from "../support/Sandbox.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))

/** Every name that looks like a variable of ours, by file. */
const named = (folder: string, ends: string): ReadonlyArray<readonly [file: string, name: string]> =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(ends) && !file.startsWith("api"))
    .flatMap((file) =>
      [...readFileSync(join(root, folder, file), "utf8").matchAll(/FLY_TOKENS_[A-Z_]*[A-Z]/g)].map(([name]) =>
        [join(folder, file), name] as const
      )
    )

const line = "fly-tokens: FLY_TOKENS_CHIAN is no option (FLY_TOKENS_CHAIN?): ignored\n"

describe("a variable that is no option", () => {
  it.live(
    "is named on stderr with the one that was meant, by every call that reads options",
    () =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        sandbox.environment["FLY_API_TOKEN"] = "fo1_secret"
        sandbox.environment["FLY_TOKENS_CHIAN"] = "fo1_hidden"
        expect(yield* run(sandbox, ["get", "my-app"])).toEqual({ code: 0, stdout: "fo1_secret\n", stderr: line })
        expect(yield* runInProcess(sandbox, ["--log-level", "warn", "get", "my-app"])).toEqual({
          code: 0,
          stdout: "fo1_secret\n",
          stderr: line
        })
        expect(yield* run(sandbox, ["exec", "my-app", "--", "true"])).toEqual({ code: 0, stdout: "", stderr: line })
        expect((yield* runInProcess(sandbox, ["list"])).stderr).toBe(line)
        expect((yield* runInProcess(sandbox, ["explain", "my-app"])).stderr).toBe(line)
        expect((yield* run(sandbox, ["get", "my-app", "--log-level", "error"])).stderr).toBe("")
        expect((yield* runInProcess(sandbox, ["--help"])).stderr).toBe("")
      }),
    120_000
  )

  it.live("is a warning of doctor, beside an option that is wrong too", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      sandbox.environment["FLY_TOKENS_CHIAN"] = "fo1_hidden"
      const options = (text: string) =>
        JSON.parse(text).findings.filter(({ check }: { readonly check: string }) => check === "options")
      const warning = {
        check: "options",
        level: "warning",
        message: "FLY_TOKENS_CHIAN is no option (FLY_TOKENS_CHAIN?): ignored",
        hint: "correct or unset the variable"
      }
      const first = yield* runInProcess(sandbox, ["doctor", "--offline", "--json"])
      expect([first.stderr, options(first.stdout)]).toEqual(["", [warning]])
      sandbox.environment["FLY_TOKENS_TTL"] = "soon"
      const second = yield* runInProcess(sandbox, ["doctor", "--offline", "--json"])
      expect(options(second.stdout)).toEqual([expect.objectContaining({ level: "problem" }), warning])
      expect(first.stdout + second.stdout).not.toContain("fo1_")
    }), 120_000)

  it.each([
    ["FLY_TOKENS_CHIAN", "FLY_TOKENS_CHAIN"],
    ["FLY_TOKENS_CHAINS", "FLY_TOKENS_CHAIN"],
    ["FLY_TOKENS_DIRECTORY", "FLY_TOKENS_DIR"],
    ["FLY_TOKENS_TIMEOUT", "FLY_TOKENS_CLI_TIMEOUT"],
    ["FLY_TOKENS_CLI_TIME_OUT", "FLY_TOKENS_CLI_TIMEOUT"],
    ["FLY_TOKENS_ENCRYPTION_KEY", "FLY_TOKENS_ENCRYPTION_KEYS"],
    ["FLY_TOKENS_ORGANIZATION", "FLY_TOKENS_ORG"],
    ["FLY_TOKENS_QUX", undefined]
  ])("%s: %s is meant", (name, meant) => {
    expect(UnknownVariables.unknown([name])).toEqual([
      `${name} is no option${meant === undefined ? "" : ` (${meant}?)`}`
    ])
  })

  it("is shown without what could move a cursor, or be a token; many are counted", () => {
    const long = UnknownVariables.unknown([`FLY_TOKENS_${"CHAIN".repeat(10_000)}`])
    expect(long).toEqual([expect.stringMatching(/^"FLY_TOKENS_(CHAIN)+[CHAIN]*…" is no option$/)])
    expect(UnknownVariables.unknown(["FLY_TOKENS_org"])).toEqual(["\"FLY_TOKENS_org\" is no option (FLY_TOKENS_ORG?)"])
    const [said] = UnknownVariables.unknown(["FLY_TOKENS_\u001b[2J", "PATH", "FLY_TOKENS_TTL", "fly_tokens_ttl"])
    expect(said).toBe(`"FLY_TOKENS_\\u001b[2J" is no option`)
    expect(UnknownVariables.unknown(["FLY_TOKENS_fo1_abcdef"])).toEqual(["\"FLY_TOKENS_fo1_<redacted>\" is no option"])
    const many = UnknownVariables.unknown(Array.from({ length: 1_000 }, (_, n) => `FLY_TOKENS_${n}`))
    expect([many.length, many.at(-1)]).toEqual([6, "so are 995 more"])
    expect(UnknownVariables.unknown(UnknownVariables.known)).toEqual([])
  })
})

describe("the list of variables", () => {
  it("is all that sources and docs name", () => {
    const files = [...named("src", ".ts"), ...named("docs", ".md"), ...named(".", "README.md")]
    expect(files.length).toBeGreaterThan(50)
    // `FLY_TOKENS_CHIAN` is the example of one that is none.
    const allowed = [...UnknownVariables.known, "FLY_TOKENS_CHIAN"]
    expect(files.filter(([, name]) => !allowed.includes(name))).toEqual([])
  })

  it("is the only place where sources write them as texts", () => {
    const literals = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .filter((file) => /"FLY_TOKENS_[A-Z_]+"/.test(readFileSync(join(root, "src", file), "utf8")))
    expect(literals.sort()).toEqual(["command/TokenMark.ts", "services/OptionName.ts"])
    expect(TokenMark.variable).toBe("FLY_TOKENS_TOKEN_FOR")
  })

  it("gives options the name that they have in the environment", () => {
    expect(optionName("cliTimeout")).toBe("`cliTimeout` (FLY_TOKENS_CLI_TIMEOUT)")
    expect(optionName("directory")).toBe("`directory` (FLY_TOKENS_DIR)")
    expect(optionName("elsewhere")).toBe("`elsewhere`")
    expect(optionName("toString")).toBe("`toString`")
  })
})
