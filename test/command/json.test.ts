/**
 * `--json` of the calls that change what is stored.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdir, writeFile } from "node:fs/promises"
import { dirname } from "node:path"
import { FlyToken } from "../../src/index.ts"
import { runInProcess } from "../support/Command.ts"
import * as Sandbox from "../support/Sandbox.ts"

describe("--json", () => {
  it.live("set, unset and invalidate say on stdout what is so now, and get takes it with --refresh and --header", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const told = (args: ReadonlyArray<string>, input = "") =>
        Effect.map(runInProcess(sandbox, args, input), ({ code, stderr, stdout }) => {
          expect([code, stderr]).toEqual([0, ""])
          return JSON.parse(stdout)
        })
      const { fingerprint } = FlyToken.make("fo1_manual")
      expect(yield* told(["set", "my-app", "--json"], "fo1_manual")).toEqual({
        app: "my-app",
        manual: { fingerprint, expiresAt: null }
      })
      expect(yield* told(["unset", "my-app", "--json"])).toEqual({ app: "my-app", manual: null })
      expect(yield* told(["invalidate", "my-app", "--json"])).toEqual({ app: "my-app", cached: null })
      const first = yield* told(["get", "my-app", "--json", "--refresh", "--header", "machines"])
      const second = yield* told(["get", "my-app", "--json", "--refresh", "--header", "machines"])
      expect([Object.keys(second), second.source]).toEqual([["app", "header", "source", "expiresAt"], "cli"])
      expect(second.header).toMatch(/^FlyV1 fm2_/)
      expect(second.header).not.toBe(first.header)
    }))

  it.live("their failures are JSON on stderr", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(async () => {
        await mkdir(dirname(sandbox.store), { recursive: true })
        await writeFile(sandbox.store, "a file")
      })
      for (
        const [call, tag] of [["set", "PersistFailed"], ["unset", "PersistFailed"], ["status", "StorageError"]] as const
      ) {
        const args = call === "status" ? [call, "--json"] : [call, "my-app", "--json"]
        const { code, stderr, stdout } = yield* runInProcess(sandbox, args, "fo1_manual")
        expect([code, stdout, JSON.parse(stderr).error]).toEqual([3, "", tag])
      }
    }))
})
