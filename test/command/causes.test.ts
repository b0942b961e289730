/**
 * `get` and `doctor` as a user runs them while flyctl fails as it does in the world: the cause is named, with what helps.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { runInProcess } from "../support/Command.ts"
import * as Sandbox from "../support/Sandbox.ts"

/** Each test starts several processes. */
const slow = 60_000

interface Case {
  readonly name: string
  readonly prepare: (sandbox: Sandbox.Sandbox) => Promise<void>
  readonly reason: string
  readonly message: string | RegExp
  readonly hint: string | RegExp
}

const mode = (mode: string) => (sandbox: Sandbox.Sandbox) => sandbox.settings({ modes: { all: mode } })

const cases: ReadonlyArray<Case> = [
  {
    name: "no network",
    prepare: mode("refused-connection"),
    reason: "Unreachable",
    message: "Fly's API cannot be reached: the connection was refused",
    hint: "firewall"
  },
  {
    name: "no DNS",
    prepare: mode("no-dns"),
    reason: "Unreachable",
    message: "Fly's API cannot be reached: the name was not found",
    hint: "DNS"
  },
  {
    name: "a certificate that is not accepted",
    prepare: mode("bad-certificate"),
    reason: "Unreachable",
    message: "its certificate was not accepted",
    hint: "SSL_CERT_FILE"
  },
  {
    name: "a page of HTML",
    prepare: mode("html"),
    reason: "Unreachable",
    message: "something else than the API answered",
    hint: "login page"
  },
  {
    name: "HTTP status 403",
    prepare: mode("http-403"),
    reason: "Forbidden",
    message: "Fly does not let this login do that",
    hint: "member of the app's organization"
  },
  {
    name: "HTTP status 429",
    prepare: mode("http-429"),
    reason: "RateLimited",
    message: "Fly's API was asked too often",
    hint: "wait a minute"
  },
  {
    name: "a config.yml that is not YAML",
    prepare: (sandbox) => sandbox.writeConfig("access_token: [\n"),
    reason: "HomeUnusable",
    message: /flyctl cannot read its config file \/.*\/\.fly\/config\.yml/,
    hint: "mend or remove the file: until then flyctl does nothing, not even `fly auth login`"
  },
  {
    name: "a read-only home",
    prepare: mode("read-only-home"),
    reason: "HomeUnusable",
    message: /flyctl cannot write to its directory \/.*\/\.fly/,
    hint: "set FLY_CONFIG_DIR to a writable copy"
  },
  {
    name: "a home that is no directory",
    prepare: async (sandbox) => {
      await writeFile(join(sandbox.home, "file"), "")
      Object.assign(sandbox.environment, { HOME: join(sandbox.home, "file"), FLY_TOKENS_DIR: sandbox.store })
    },
    reason: "HomeUnusable",
    message: /flyctl cannot write to its directory \/.*\/file\/\.fly/,
    hint: "set FLY_CONFIG_DIR to a writable copy"
  },
  {
    name: "a config.yml of root's",
    prepare: mode("foreign-config"),
    reason: "HomeUnusable",
    message: /flyctl has no permission for its files in \/.*\/\.fly/,
    hint: "`sudo fly` leaves files of root there"
  },
  {
    name: "no HOME",
    prepare: async (sandbox) => {
      Object.assign(sandbox.environment, { HOME: undefined, FLY_TOKENS_DIR: sandbox.store })
    },
    reason: "HomeUnusable",
    message: "flyctl has no home directory: neither HOME nor FLY_CONFIG_DIR is set",
    hint: "set HOME"
  },
  {
    name: "an app that Fly does not know",
    prepare: (sandbox) => sandbox.settings({ apps: {} }),
    reason: "AppUnknown",
    message: "Fly knows no app my-app that this login may see",
    hint: "`fly apps list`"
  }
]

const misleading = /fly version upgrade|is not Fly\.io's flyctl|no organization found/

describe("flyctl that fails because of", () => {
  it.live.each([...cases])("$name: get says so", ({ hint, message, prepare, reason }) =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(() => prepare(sandbox))
      const { code, stderr, stdout } = yield* runInProcess(sandbox, ["get", "my-app", "--json"])
      expect([code, stdout]).toEqual([1, ""])
      const { attempts } = JSON.parse(stderr)
      const cli = attempts.find(({ source }: Record<string, string>) => source === "cli")
      expect(cli.reason).toBe(reason)
      expect(cli.message).toMatch(message)
      expect(cli.hint).toMatch(hint)
      expect(stderr).not.toMatch(misleading)
    }), slow)

  it.live.each([...cases])("$name: doctor says so", ({ hint, message, prepare }) =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      // Nothing listens on this port.
      sandbox.environment["FLY_FLAPS_BASE_URL"] = "http://127.0.0.1:9"
      yield* Effect.promise(() => prepare(sandbox))
      const { code, stderr, stdout } = yield* runInProcess(sandbox, ["doctor", "my-app", "--json"])
      expect([code, stderr]).toEqual([1, ""])
      const problems = JSON.parse(stdout).findings.filter(({ level }: Record<string, string>) => level === "problem")
      const organization = problems.find(({ check }: Record<string, string>) => check === "organization")
      expect(organization.message).toMatch(message)
      expect(organization.hint).toMatch(hint)
      expect(stdout).not.toMatch(misleading)
    }), slow)

  it.live("an organization that Fly does not know: get says so", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      sandbox.environment["FLY_TOKENS_ORG"] = "elsewhere"
      yield* Effect.promise(() => sandbox.settings({ orgs: { acme: 1 } }))
      const { stderr } = yield* runInProcess(sandbox, ["get", "my-app"])
      expect(stderr).toMatch(/cli +no organization found for elsewhere\n +→ `fly orgs list`/)
    }), slow)

  it.live.each([["no-dns"], ["read-only-home"]])(
    "%s: explain does not say that a get would mint",
    ([name]) =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        Object.assign(sandbox.environment, { FLY_TOKENS_ORG: "acme", FLY_TOKENS_CHAIN: "cli" })
        yield* Effect.promise(() => mode(name!)(sandbox))
        const { stdout } = yield* runInProcess(sandbox, ["explain", "my-app"])
        expect(stdout).toContain("a get of my-app would fail")
      }),
    slow
  )

  it.live(
    "a broken config.yml: the token of the environment does not help, and doctor says what does",
    () =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        Object.assign(sandbox.environment, { FLY_API_TOKEN: "fo1_envsecret", FLY_TOKENS_CHAIN: "cli" })
        yield* Effect.promise(() => sandbox.writeConfig("access_token: [\n"))
        const { stdout } = yield* runInProcess(sandbox, ["doctor", "--offline"])
        expect(stdout).toMatch(/✗ problem +version +flyctl cannot read its config file .*\n +→ mend or remove the file/)
        expect(stdout).toMatch(/! warning +config file +.*: the file is not YAML\n +→ mend or remove the file, then/)
      }),
    slow
  )
})
