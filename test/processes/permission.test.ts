/**
 * Node's permission model: the command as a process that may read all, write its store, and run flyctl or not.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as Command from "../support/Command.ts"
import * as Sandbox from "../support/Sandbox.ts"

const run = (
  sandbox: Sandbox.Sandbox,
  permissions: ReadonlyArray<string>,
  args: ReadonlyArray<string>,
  input = ""
) =>
  Effect.promise(() =>
    new Promise<Command.Ended>((resolve) => {
      const child = execFile(
        process.execPath,
        ["--no-warnings", "--permission", ...permissions, Command.main, ...args],
        { env: Command.environmentOf(sandbox) },
        (_, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr })
      )
      child.stdin!.end(input)
    })
  )

describe("under --permission", () => {
  it.live(
    "a token is minted and stored, and found at the next start; that it is not synced is said once",
    () =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        sandbox.environment["FLY_TOKENS_ORG"] = "acme"
        // The stand-in for flyctl runs on Node, which hands its permissions on, and writes beside itself.
        const writable = [sandbox.home, sandbox.bin].map((path) => `--allow-fs-write=${path}`)
        const allowed = ["--allow-fs-read=*", ...writable, "--allow-child-process"]
        const first = yield* run(sandbox, allowed, ["get", "my-app", "--json"])
        assert.strictEqual(first.code, 0, first.stderr)
        assert.strictEqual(JSON.parse(first.stdout).source, "cli")
        assert.lengthOf(first.stderr.split("\n").filter((line) => line.includes("without a sync")), 1)
        const second = yield* run(sandbox, allowed, ["get", "my-app", "--json"])
        assert.strictEqual(JSON.parse(second.stdout).source, "storage")
        assert.strictEqual(JSON.parse(second.stdout).token, JSON.parse(first.stdout).token)
        assert.strictEqual(second.stderr, "")
        assert.lengthOf(yield* Effect.promise(sandbox.mints), 1)
      }),
    30_000
  )

  it.live("without --allow-child-process the reason says what is not allowed", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      sandbox.environment["FLY_TOKENS_ORG"] = "acme"
      const { code, stderr } = yield* run(sandbox, ["--allow-fs-read=*", `--allow-fs-write=${sandbox.home}`], [
        "get",
        "my-app"
      ])
      assert.strictEqual(code, 1)
      assert.include(stderr, "ERR_ACCESS_DENIED")
      assert.include(stderr, "--allow-child-process")
      assert.notInclude(stderr, "a bug in the layer")
    }), 30_000)

  it.live("what flyctl's config file is, where it may not be read, is said", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(() => sandbox.writeConfig("access_token: fo1_x\n"))
      const root = fileURLToPath(new URL("../..", import.meta.url))
      const { stderr } = yield* run(sandbox, [root, sandbox.store].map((path) => `--allow-fs-read=${path}`), [
        "get",
        "my-app"
      ])
      assert.include(stderr, "config.yml: Node's permission model does not allow it")
      assert.include(stderr, "→ allow it (--allow-fs-read)")
      assert.notInclude(stderr, "Node.js v")
    }), 30_000)

  it.live("without a directory to write to, set says so", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const ended = yield* run(sandbox, ["--allow-fs-read=*"], ["set", "my-app"], "fo1_manual\n")
      assert.strictEqual(ended.code, 3)
      assert.include(ended.stderr, "ERR_ACCESS_DENIED")
      assert.include(ended.stderr, "permission model")
    }), 30_000)
})
