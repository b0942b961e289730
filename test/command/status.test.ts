/**
 * `status`: how apps stand by what is stored.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import * as Status from "../../src/command/commands/Status.ts"
import { FlyToken, sourceNames, Storage, type StorageKey } from "../../src/index.ts"
import type { AppName } from "../../src/token/AppName.ts"
import * as mac from "../stand-in/macaroon.mjs"
import { runInProcess } from "../support/Command.ts"
import * as Sandbox from "../support/Sandbox.ts"

const secret = /fm2_|fo1_/

describe("status", () => {
  it.live("a row per app, the organization's token apart, and no secret", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      expect((yield* runInProcess(sandbox, ["status"])).stdout).toBe("nothing is stored\n")
      expect((yield* runInProcess(sandbox, ["status", "--json"])).stdout).toBe("{\"apps\":[],\"organizations\":[]}\n")
      const token = FlyToken.make((yield* runInProcess(sandbox, ["get", "my-app"])).stdout)
      yield* runInProcess(sandbox, ["set", "other-app"], "fo1_manual")
      const mints = yield* Effect.promise(sandbox.calls)

      const table = yield* runInProcess(sandbox, ["status"])
      expect(table).toMatchObject({ code: 0, stderr: "" })
      expect(table.stdout).not.toMatch(secret)
      expect(table.stdout.split("\n").map((line) => line.split(/ {2,}/).slice(0, 3))).toEqual([
        ["APP", "SERVES", "TOKEN"],
        ["my-app", "cached", token.fingerprint],
        ["other-app", "manual", FlyToken.make("fo1_manual").fingerprint],
        [""],
        ["ORGANIZATION", "TOKEN", "EXPIRES"],
        ["personal", token.fingerprint, "in 23 h"],
        [""]
      ])

      const { code, stdout } = yield* runInProcess(sandbox, ["status", "--json"])
      expect(code).toBe(0)
      expect(stdout).not.toMatch(secret)
      const json = JSON.parse(stdout)
      expect(json.apps.map((app: { app: string; serves: string }) => [app.app, app.serves])).toEqual([
        ["my-app", "cached"],
        ["other-app", "manual"]
      ])
      const { cached } = json.apps[0]
      expect([cached.source, cached.expiresAt]).toEqual(["cli", new Date(token.expiresAt!).toISOString()])
      // A day's life is refreshed an hour before its end, by the latest.
      expect(Date.parse(cached.refreshAt)).toBe(token.expiresAt! - 3_600_000)
      expect(json.organizations[0].org).toBe("personal")
      expect(yield* Effect.promise(sandbox.calls)).toEqual(mints)
    }))

  it.live("named apps only, one that is not stored as such; a name that is none is exit 2", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* runInProcess(sandbox, ["get", "my-app"])
      const { code, stdout } = yield* runInProcess(sandbox, ["status", "lost-app", "my-app", "lost-app"])
      expect(code).toBe(0)
      expect(stdout.trim().split("\n").map((line) => line.split(/ {2,}/).slice(0, 2))).toEqual([
        ["APP", "SERVES"],
        ["lost-app", "nothing stored"],
        ["my-app", "cached"]
      ])
      expect(JSON.parse((yield* runInProcess(sandbox, ["status", "--json", "lost-app"])).stdout)).toEqual({
        apps: [{ app: "lost-app", serves: null, cached: null, manual: null }]
      })
      expect(yield* runInProcess(sandbox, ["status", "my-app", "fo1_secret"])).toMatchObject({ code: 2, stdout: "" })
    }))

  it.live("a record that cannot be read is a problem of its row; a store that cannot be listed is exit 3", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* runInProcess(sandbox, ["set", "my-app"], "fo1_manual")
      yield* Effect.promise(() => writeFile(join(sandbox.store, "manual", "my-app.json"), "{\"version\":1,\"tok"))
      const { code, stdout } = yield* runInProcess(sandbox, ["status"])
      expect(code).toBe(0)
      expect(stdout).toMatch(/my-app +nothing usable .*corrupt/)
      // One that is set aside as it is read is of an app too.
      yield* Effect.promise(async () => {
        await mkdir(join(sandbox.store, "cached"), { recursive: true, mode: 0o700 })
        await writeFile(join(sandbox.store, "cached", "odd-app.json"), "rubbish")
      })
      expect((yield* runInProcess(sandbox, ["status"])).stdout).toMatch(/odd-app +nothing stored /)

      const other = yield* Sandbox.make
      yield* Effect.promise(async () => {
        await mkdir(dirname(other.store), { recursive: true })
        await writeFile(other.store, "a file")
      })
      expect(yield* runInProcess(other, ["status"])).toMatchObject({ code: 3, stdout: "" })
      const named = yield* runInProcess(other, ["status", "my-app"])
      expect(named.code).toBe(0)
      expect(named.stdout).toContain("not a directory")
    }))
})

describe("how an app stands", () => {
  const now = Date.UTC(2026, 10, 24)
  const hour = 3_600_000
  const settings: Status.Settings = {
    chain: sourceNames,
    ttlMillis: 24 * hour,
    softExpiryLeadMillis: hour,
    softExpiryJitter: 0.1
  }
  const record = (token: string, savedAt: number) => ({
    token: Redacted.make(token),
    expiresAt: null,
    source: "cli" as const,
    savedAt
  })
  type Records = Partial<Record<StorageKey, ReturnType<typeof record>>>
  const read = (records: Records, chain: Status.Settings["chain"] = sourceNames) => {
    const unused = () => Effect.die("not used")
    const get = (_: string, key: StorageKey) => Effect.succeed(Option.fromUndefinedOr(records[key]))
    const status = Status.read(["my-app" as AppName], now, { ...settings, chain })
    return Effect.runSync(Effect.provideService(status, Storage, { get, put: unused, delete: unused, list: unused }))
      .apps[0]!
  }
  const at = (cached: ReturnType<typeof record>, manual?: ReturnType<typeof record>) =>
    read(manual === undefined ? { cached } : { cached, manual })

  it("a cached token counts from when it was saved, a manual one from now", () => {
    const old = record("fo1_old", now - 30 * hour)
    expect(at(old).serves).toBeNull()
    expect(at(old).cached).toMatchObject({ expiresAt: now - 6 * hour, refreshAt: null })
    expect(at(old, old)).toMatchObject({ serves: "manual", manual: { expiresAt: now + 24 * hour, unusable: null } })
    expect(at(record("fo1_new", now - hour), old)).toMatchObject({
      serves: "cached",
      cached: { expiresAt: now + 23 * hour, refreshAt: now + 22 * hour }
    })
  })

  it("what serves is the first in the order of the chain, and nothing that the chain leaves out", () => {
    const both = { cached: record("fo1_new", now), manual: record("fo1_manual", now) }
    const serves = (chain: Status.Settings["chain"]) => read(both, chain).serves
    expect(serves(["manual", "env", "storage"])).toBe("manual")
    expect(serves(["storage", "manual"])).toBe("cached")
    expect(serves(["env", "manual"])).toBe("manual")
    expect(serves(["env", "cli"])).toBeNull()
  })

  it("a token that cannot work says why and is not served", () => {
    const undischarged = record(mac.orgToken({ now, life: 600, discharged: false }), now)
    expect(at(undischarged).serves).toBeNull()
    expect(at(undischarged).cached).toMatchObject({ unusable: expect.stringContaining("discharge") })
    expect(at(record("two words", now)).cached).toMatchObject({ unusable: expect.stringContaining("not a token") })
  })
})
