/**
 * flyctl as real child processes. These tests run on the live clock, because children do.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { chmod, unlink, writeFile } from "node:fs/promises"
import { join, relative } from "node:path"
import { AppName, Environment, FlyCli, FlyToken, FlyTokens } from "../../src/index.ts"
import { goDuration } from "../../src/layers/fly/FlyCliOutput.ts"
import { FlyCliProcess, FlyTokensNode } from "../../src/node.ts"
import * as Sandbox from "../support/Sandbox.ts"

const cliOf = (sandbox: Sandbox.Sandbox, options: FlyCliProcess.FlyCliProcessOptions = {}) =>
  FlyCliProcess.layer(options).pipe(
    Layer.provide(Environment.layerRecord(sandbox.environment)),
    Layer.provide(NodeServices.layer)
  )

const mint = (sandbox: Sandbox.Sandbox, org = "acme", options: FlyCliProcess.FlyCliProcessOptions = {}) =>
  FlyCli.use((cli) => cli.mintReadonly(org, { ttl: Duration.hours(24), environmentToken: true })).pipe(
    Effect.provide(cliOf(sandbox, options))
  )

const call = { environmentToken: true }

/** Waits until something is so; for what happens in other processes. */
const until = (condition: () => Promise<boolean>) =>
  Effect.gen(function*() {
    for (let i = 0; i < 200; i++) {
      if (yield* Effect.promise(condition)) return
      // Other processes are not on our clock.
      yield* Effect.sleep("50 millis")
    }
    assert.fail("it did not come to pass within 10 s")
  })

describe("a mint", () => {
  it.live("asks for a read-only token of the organization, in the portable form", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const token = yield* mint(sandbox)
      assert.isUndefined(token.malformed)
      assert.isTrue(token.discharged)
      assert.isTrue(token.readOnly)
      const [call] = yield* Effect.promise(sandbox.mints)
      assert.deepStrictEqual(call?.args?.slice(0, 8), [
        "tokens",
        "create",
        "readonly",
        "acme",
        "--json",
        "--expiry",
        "24h0m0s",
        "--name"
      ])
      assert.match(call?.args?.[8] ?? "", /^effect-fly-tokens\/[A-Za-z0-9.-]+$/)
    }))

  it.live("asks for a token of one app, which reads and writes it", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const app = AppName.make("my-app")
      const call = { ttl: Duration.minutes(90), environmentToken: true }
      const token = yield* FlyCli.use((cli) => cli.mintDeploy(app, call)).pipe(Effect.provide(cliOf(sandbox)))
      assert.isUndefined(token.malformed)
      assert.isTrue(token.discharged)
      assert.isFalse(token.readOnly)
      const [started] = yield* Effect.promise(sandbox.mints)
      assert.deepStrictEqual(started?.args?.slice(0, 9), [
        "tokens",
        "create",
        "deploy",
        "-a",
        "my-app",
        "--json",
        "--expiry",
        "1h30m0s",
        "--name"
      ])
    }))

  it.live("runs in an environment of its own", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      Object.assign(sandbox.environment, {
        FLY_ORG: "evil",
        FLY_APP: "evil",
        FLY_JSON: "0",
        FLYCTL_OUTPUT_HAR: "x",
        AWS_SECRET_ACCESS_KEY: "x",
        FLY_TOKENS_ENCRYPTION_KEYS: "x",
        FLY_TOKENS_TOKEN_FOR: "other-app:01234567",
        LD_PRELOAD_X: "x",
        MISE_GITHUB_TOKEN: "x",
        FLY_ACCESS_TOKEN: "",
        FLY_API_TOKEN: "fo1_env",
        HTTPS_PROXY: "http://localhost:1"
      })
      yield* mint(sandbox)
      const [call] = yield* Effect.promise(sandbox.mints)
      assert.deepStrictEqual(call?.env, [
        "CI",
        "FLY_ACCESS_TOKEN",
        "FLY_NO_INCIDENTS_CHECK",
        "FLY_NO_UPDATE_CHECK",
        "FLY_SEND_METRICS",
        "FLY_SYNTHETICS_AGENT",
        "HOME",
        "HTTPS_PROXY",
        "LOG_LEVEL",
        "NO_COLOR",
        "PATH"
      ])
    }))

  it.live.each(["ok", "metrics-warning", "debug-noise", "spinner", "broken-config"])(
    "succeeds in mode %s",
    (mode) =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        yield* Effect.promise(() => sandbox.settings({ mode }))
        assert.isUndefined((yield* mint(sandbox)).malformed)
      })
  )

  it.live("does not wait for a grandchild that holds stdout, and ends it", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(() => sandbox.settings({ mode: "grandchild" }))
      // The grandchild outlives this test: if it were waited for, there would be no token.
      assert.isUndefined((yield* mint(sandbox)).malformed)
      const grandchild = (yield* Effect.promise(sandbox.calls)).find(({ event }) => event === "grandchild")?.grandchild
      yield* until(async () => !(await Sandbox.isRunning(grandchild!)))
    }))
})

describe("every row of the failure table is a reason of its own", () => {
  const rows = [
    ["not-logged-in", "NotLoggedIn"],
    ["not-logged-in-old", "NotLoggedIn"],
    ["not-authenticated", "NotAuthenticated"],
    ["refused", "MintRefused"],
    ["refused-old", "MintRefused"],
    ["not-a-member", "Forbidden"],
    ["http-403", "Forbidden"],
    ["http-429", "RateLimited"],
    ["mint-429", "RateLimited"],
    ["http-503", "HttpFailed"],
    ["refused-connection", "Unreachable"],
    ["no-dns", "Unreachable"],
    ["no-answer", "Unreachable"],
    ["bad-certificate", "Unreachable"],
    ["no-proxy", "Unreachable"],
    ["html", "Unreachable"],
    ["mint-html", "Unreachable"],
    ["read-only-home", "HomeUnusable"],
    ["foreign-config", "HomeUnusable"],
    ["http-500", "HttpFailed"],
    ["http-401", "NotAuthenticated"],
    ["config-locked", "ConfigLocked"],
    ["terminated", "Killed"],
    ["killed", "Killed"],
    ["panic", "Panicked"],
    ["panic-old", "Panicked"],
    ["exit-7", "ExitCode"],
    ["old", "OutdatedFlyctl"],
    ["endless", "OutputTooLarge"],
    ["silent", "Malformed"],
    ["rubbish", "Malformed"],
    ["rubbish-error", "Malformed"],
    ["rubbish-lines", "Malformed"],
    ["rubbish-nul", "Malformed"],
    ["rubbish-json", "Malformed"],
    ["truncated", "Malformed"]
  ] as const
  it.live.each(rows)("%s: %s", ([mode, expected]) =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(() => sandbox.settings({ mode }))
      const reason = yield* Effect.flip(mint(sandbox))
      assert.strictEqual(reason._tag, expected)
      assert.isAbove(reason.hint.length, 0)
      assert.notMatch(reason.message + reason.hint + JSON.stringify(reason), /c2VjcmV0|X-Evil|doctype/)
      assert.lengthOf(yield* Effect.promise(sandbox.mints), 1)
    }))

  it.live.each([
    ["machines-401", "NotAuthenticated"],
    ["machines-403", "Forbidden"],
    ["machines-429", "RateLimited"],
    ["machines-500", "HttpFailed"],
    ["machines-html", "Unreachable"],
    ["rubbish", "Malformed"],
    ["no-dns", "Unreachable"]
  ])("%s of status: %s", ([mode, expected]) =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(() => sandbox.settings({ modes: { status: mode } }))
      const reason = yield* FlyCli.use((cli) => Effect.flip(cli.orgOf(AppName.make("my-app"), call))).pipe(
        Effect.provide(cliOf(sandbox))
      )
      assert.strictEqual(reason._tag, expected)
    }))

  it.live.each(["debug-noise", "spinner"])(
    "none where there is an answer: %s around a list and a status",
    (mode) =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        yield* Effect.promise(() => sandbox.settings({ apps: { "my-app": "acme" }, modes: { all: mode } }))
        yield* Effect.gen(function*() {
          const cli = yield* FlyCli
          assert.deepStrictEqual([...(yield* cli.listApps(call))], [["my-app", "acme"]])
          assert.strictEqual(yield* cli.orgOf(AppName.make("my-app"), call), "acme")
        }).pipe(Effect.provide(cliOf(sandbox)))
      })
  )

  it.live("unknown app, and not an unknown organization", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(() => sandbox.settings({ apps: {} }))
      const reason = yield* FlyCli.use((cli) => Effect.flip(cli.orgOf(AppName.make("my-app"), call))).pipe(
        Effect.provide(cliOf(sandbox))
      )
      assert.deepInclude(reason, { _tag: "AppUnknown", app: "my-app" })
    }))

  it.live("unknown organization", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(() => sandbox.settings({ orgs: { acme: 1 } }))
      const reason = yield* Effect.flip(mint(sandbox, "elsewhere"))
      assert.deepStrictEqual([reason._tag, reason.message], ["OrgUnknown", "no organization found for elsewhere"])
    }))

  it.live("an undischarged or expired token is found out by the chain", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(() => sandbox.settings({ mode: "expired" }))
      const error = yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(
        Effect.provide(FlyTokensNode.layer({ environment: sandbox.environment, org: "acme" })),
        Effect.flip
      )
      assert.strictEqual(error._tag === "NoTokenAvailable" && error.attempts[3]?.reason._tag, "Expired")
    }))
})

describe("the binary", () => {
  it.live("that is not there", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(() => unlink(join(sandbox.bin, "flyctl")))
      const reason = yield* Effect.flip(mint(sandbox))
      assert.strictEqual(reason._tag, "BinaryNotFound")
      const named = yield* Effect.flip(mint(sandbox, "acme", { binary: "/nowhere/flyctl" }))
      assert.include(named.message, "/nowhere/flyctl")
    }))

  it.live("that is not there takes nobody down: 337 gets have the reason, manual and cached tokens serve", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const minted = yield* tokens.get("good-app")
        yield* Effect.promise(() => unlink(join(sandbox.bin, "flyctl")))
        yield* tokens.setManual("manual-app", FlyToken.make("fo1_manual"))
        const apps = Array.from({ length: 337 }, (_, n) => `lost-${n}`)
        const errors = yield* Effect.forEach(apps, (app) => Effect.flip(tokens.get(app)), { concurrency: "unbounded" })
        for (const error of errors) {
          assert.strictEqual(error._tag === "NoTokenAvailable" && error.attempts[3]?.reason._tag, "BinaryNotFound")
        }
        assert.strictEqual((yield* tokens.get("manual-app")).source, "manual")
        assert.strictEqual((yield* tokens.get("good-app")).token, minted.token)
      }).pipe(Effect.provide(FlyTokensNode.layer({ environment: sandbox.environment, org: (app) => app })))
    }))

  it.live("that cannot be run: mode, missing interpreter, a directory, no program at all", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const binary = join(sandbox.bin, "other")
      const write = (text: string, mode: number) =>
        Effect.promise(async () => {
          await writeFile(binary, text)
          await chmod(binary, mode)
        })
      yield* write("#!/bin/sh\nexit 0\n", 0o644)
      assert.strictEqual((yield* Effect.flip(mint(sandbox, "acme", { binary })))._tag, "NotExecutable")
      yield* write("#!/nowhere/interpreter\n", 0o755)
      assert.strictEqual((yield* Effect.flip(mint(sandbox, "acme", { binary })))._tag, "NotExecutable")
      assert.strictEqual((yield* Effect.flip(mint(sandbox, "acme", { binary: sandbox.bin })))._tag, "NotExecutable")
      // The system gives such a file to a shell.
      yield* write("\u0000not a program", 0o755)
      assert.strictEqual((yield* Effect.flip(mint(sandbox, "acme", { binary })))._tag, "NotExecutable")
    }))

  it.live("named fly that is Concourse's is passed over for the next one, and remembered", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(async () => {
        await unlink(join(sandbox.bin, "flyctl"))
        await sandbox.install("fly")
        await sandbox.settings({ modes: { all: "concourse" } })
      })
      assert.strictEqual((yield* Effect.flip(mint(sandbox)))._tag, "NotFlyctl")
      yield* Effect.promise(() => sandbox.install("flyctl", join(sandbox.home, ".fly", "bin")))
      yield* Effect.gen(function*() {
        const cli = yield* FlyCli
        const call = { ttl: Duration.hours(1), environmentToken: true }
        yield* cli.mintReadonly("acme", call)
        const asked = (yield* Effect.promise(sandbox.calls)).length
        yield* cli.mintReadonly("acme", call)
        assert.strictEqual((yield* Effect.promise(sandbox.calls)).length, asked)
      }).pipe(Effect.provide(cliOf(sandbox)))
    }))

  it.live("named fly that crashed twice is no other program", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(async () => {
        await unlink(join(sandbox.bin, "flyctl"))
        await sandbox.install("fly")
        await sandbox.settings({ mode: "exit-7", modes: { version: "killed" } })
      })
      yield* Effect.gen(function*() {
        const cli = yield* FlyCli
        const call = { ttl: Duration.hours(1), environmentToken: true }
        assert.strictEqual((yield* Effect.flip(cli.mintReadonly("acme", call)))._tag, "ExitCode")
        yield* Effect.promise(() => sandbox.settings({}))
        assert.isUndefined((yield* cli.mintReadonly("acme", call)).malformed)
      }).pipe(Effect.provide(cliOf(sandbox)))
    }))

  it.live("is not looked for in relative places, and an empty option is none", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      assert.isUndefined((yield* mint(sandbox, "acme", { binary: "" })).malformed)
      yield* Effect.promise(() => unlink(join(sandbox.bin, "flyctl")))
      sandbox.environment["HOME"] = ""
      yield* Effect.promise(() => sandbox.install("flyctl", join(sandbox.home, "install", "bin")))
      sandbox.environment["FLYCTL_INSTALL"] = relative(process.cwd(), join(sandbox.home, "install"))
      assert.strictEqual((yield* Effect.flip(mint(sandbox)))._tag, "BinaryNotFound")
    }))

  it.live("has the same relative FLY_CONFIG_DIR as we have", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(async () => {
        await sandbox.settings({ login: false })
        await sandbox.writeConfig("access_token: fo1_x\n")
      })
      sandbox.environment["FLY_CONFIG_DIR"] = relative(process.cwd(), join(sandbox.home, ".fly"))
      assert.isUndefined((yield* mint(sandbox)).malformed)
    }))

  it.live("is looked for as flyctl, then fly on PATH, then in the install folders", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(() => unlink(join(sandbox.bin, "flyctl")))
      const custom = join(sandbox.home, "custom")
      sandbox.environment["FLYCTL_INSTALL"] = custom
      yield* Effect.promise(() => sandbox.install("fly", join(custom, "bin")))
      yield* mint(sandbox)
      yield* Effect.promise(() => sandbox.install("fly"))
      yield* mint(sandbox)
      assert.lengthOf(yield* Effect.promise(sandbox.mints), 1)
    }))
})

describe("a child that does not end", () => {
  it.live.each(["hang", "stubborn"])(
    "%s: is ended when interrupted, with its group",
    (mode) =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        yield* Effect.promise(() => sandbox.settings({ mode }))
        const fiber = yield* Effect.forkChild(mint(sandbox), { startImmediately: true })
        yield* until(async () => (await sandbox.mints()).length === 1)
        // It would go on for ever: that the interruption comes to an end shows that the child did.
        yield* Fiber.interrupt(fiber)
        const [call] = yield* Effect.promise(sandbox.mints)
        yield* until(async () => !(await Sandbox.isRunning(call!.pid)))
      })
  )

  it.live("endless stderr does not fill memory, and ends with the limit", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(() => sandbox.settings({ mode: "endless-stderr" }))
      const error = yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(
        Effect.provide(
          FlyTokensNode.layer({ environment: sandbox.environment, org: "acme", cliTimeout: "2 seconds" })
        ),
        Effect.flip
      )
      assert.strictEqual(error._tag === "NoTokenAvailable" && error.attempts[3]?.reason._tag, "TimedOut")
      const [call] = yield* Effect.promise(sandbox.mints)
      yield* until(async () => !(await Sandbox.isRunning(call!.pid)))
    }))

  it.live("is ended when the layer closes", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(() => sandbox.settings({ mode: "hang" }))
      yield* Effect.gen(function*() {
        yield* Effect.forkChild(Effect.exit((yield* FlyTokens).get("my-app")), { startImmediately: true })
        yield* until(async () => (await sandbox.mints()).length === 1)
      }).pipe(Effect.provide(FlyTokensNode.layer({ environment: sandbox.environment, org: "acme" })))
      const [call] = yield* Effect.promise(sandbox.mints)
      assert.isFalse(yield* Effect.promise(() => Sandbox.isRunning(call!.pid)))
    }))
})

describe("many apps", () => {
  it.live("300 apps of 2 organizations, cold: 2 mints, never more than 4 children", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const apps = Array.from({ length: 300 }, (_, n) => `app-${n}`)
      yield* Effect.promise(() =>
        sandbox.settings({
          orgs: { even: 1, odd: 2 },
          apps: Object.fromEntries(apps.map((app, n) => [app, n % 2 === 0 ? "even" : "odd"])),
          delay: 200
        })
      )
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const resolved = yield* Effect.forEach(apps, tokens.get, { concurrency: "unbounded" })
        assert.strictEqual(new Set(resolved.map(({ token }) => token.value)).size, 2)
        for (const [n, { token }] of resolved.entries()) assert.deepStrictEqual(token.orgIds, [n % 2 === 0 ? 1n : 2n])
      }).pipe(Effect.provide(FlyTokensNode.layer({ environment: sandbox.environment })))
      assert.lengthOf(yield* Effect.promise(sandbox.mints), 2)
      assert.isAtMost(Sandbox.mostAtOnce(yield* Effect.promise(sandbox.calls)), 4)
    }))

  it.live("12 organizations: never more than cliConcurrency children", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(() => sandbox.settings({ delay: 150 }))
      const apps = Array.from({ length: 12 }, (_, n) => `app-${n}`)
      yield* FlyTokens.use((tokens) => Effect.forEach(apps, tokens.get, { concurrency: "unbounded" })).pipe(
        Effect.provide(
          FlyTokensNode.layer({ environment: sandbox.environment, org: (app) => app, cliConcurrency: 3 })
        )
      )
      assert.lengthOf(yield* Effect.promise(sandbox.mints), 12)
      assert.isAtMost(Sandbox.mostAtOnce(yield* Effect.promise(sandbox.calls)), 3)
    }))

  it.live.each([["ok", "success"], ["not-logged-in", "failure"], ["hang", "time-out"]])(
    "10,000 concurrent gets of one app are one child: mode %s",
    ([mode]) =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        yield* Effect.promise(() => sandbox.settings({ mode }))
        const exits = yield* FlyTokens.use((tokens) =>
          Effect.forEach(Array.from({ length: 10_000 }), () => Effect.exit(tokens.get("my-app")), {
            concurrency: "unbounded"
          })
        ).pipe(
          Effect.provide(
            FlyTokensNode.layer({ environment: sandbox.environment, org: "acme", cliTimeout: "2 seconds" })
          )
        )
        assert.strictEqual(exits.filter(Exit.isSuccess).length, mode === "ok" ? 10_000 : 0)
        assert.lengthOf(
          yield* Effect.promise(sandbox.calls).pipe(
            Effect.map((calls) => calls.filter(({ event }) => event === "start"))
          ),
          1
        )
      })
  )
})

describe("durations for Go", () => {
  it("have hours, minutes and seconds, no days", () => {
    assert.strictEqual(goDuration(86_400_000), "24h0m0s")
    assert.strictEqual(goDuration(90_061_999), "25h1m1s")
    assert.strictEqual(goDuration(500), "0h0m1s")
    assert.strictEqual(goDuration(20 * 365 * 86_400_000), "175200h0m0s")
  })
})
