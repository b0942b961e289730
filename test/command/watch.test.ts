/**
 * `watch`: lines into a pipe, a table in a terminal.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Keep from "../../src/command/watch/Keep.ts"
import * as Report from "../../src/command/watch/Report.ts"
import * as Table from "../../src/command/watch/Table.ts"
import { MissReason, NoTokenAvailable } from "../../src/index.ts"
import type { AppName } from "../../src/token/AppName.ts"
import { hasTmux, pane, run, started, until, whyNoTmux } from "../support/Command.ts"
import * as Sandbox from "../support/Sandbox.ts"
import * as World from "../support/World.ts"

const secret = /fm2_|fo1_/

const inTwoOrgs = Effect.gen(function*() {
  const sandbox = yield* Sandbox.make
  sandbox.environment["FLY_TOKENS_FAILURE_COOLDOWN"] = "0 seconds"
  yield* Effect.promise(() =>
    sandbox.settings({ orgs: { acme: 1 }, apps: { "my-app": "acme", "other-app": "acme", "lost-app": "nowhere" } })
  )
  return sandbox
})

describe("watch without a terminal", () => {
  it.live("a line for each app, a line per event, failures too; SIGINT ends it with 130", () =>
    Effect.gen(function*() {
      const sandbox = yield* inTwoOrgs
      const it = yield* started(sandbox, ["watch", "my-app", "lost-app"])
      yield* until(it.stdout, (text) => text.includes("my-app got") && text.includes("lost-app has no token"))
      it.process.kill("SIGINT")
      const { code, stdout } = yield* Effect.promise(() => it.ended)
      expect(code).toBe(130)
      expect(stdout).not.toMatch(secret)
      expect(stdout).not.toContain("\u001b")
      const lines = stdout.trim().split("\n")
      for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z (my|lost)-app /)
      expect(lines.slice(0, 2).map((line) => line.slice(25))).toEqual(["my-app is watched", "lost-app is watched"])
      expect(stdout).toMatch(/my-app got [0-9a-f]{8} from cli, expires at \d{4}-/)
      expect(stdout).toMatch(/lost-app has no token: cli: .*; next try at \d{4}-/)
    }))

  it.live("SIGTERM is how a service manager ends it: 0", () =>
    Effect.gen(function*() {
      const sandbox = yield* inTwoOrgs
      const it = yield* started(sandbox, ["watch", "my-app"])
      yield* until(it.stdout, (text) => text.includes("my-app got"))
      it.process.kill("SIGTERM")
      expect((yield* Effect.promise(() => it.ended)).code).toBe(0)
    }))

  it.live("--json: an object per line; a token is refreshed ahead, with no caller", () =>
    Effect.gen(function*() {
      const sandbox = yield* inTwoOrgs
      // A life of 20 s is refreshed at its half.
      yield* Effect.promise(() => sandbox.settings({ life: 20 }))
      const it = yield* started(sandbox, ["watch", "my-app", "--json"])
      yield* until(it.stdout, (text) => text.includes("Refreshed"))
      it.process.kill("SIGINT")
      const { stdout } = yield* Effect.promise(() => it.ended)
      expect(stdout).not.toMatch(secret)
      const [watching, acquired, ...rest] = stdout.trim().split("\n").map((line) => JSON.parse(line))
      expect(watching).toEqual({ at: expect.any(String), event: "Watching", app: "my-app" })
      expect(acquired).toMatchObject({ event: "Acquired", app: "my-app", source: "cli" })
      const refreshed = rest.find(({ event }) => event === "Refreshed")
      expect(new Date(refreshed.expiresAt).toISOString()).toBe(refreshed.expiresAt)
      expect(refreshed.fingerprint).not.toBe(acquired.fingerprint)
    }), 120_000)

  it.live("without names: what is stored; without that, exit 2", () =>
    Effect.gen(function*() {
      const sandbox = yield* inTwoOrgs
      const nothing = yield* run(sandbox, ["watch"])
      expect([nothing.code, nothing.stdout]).toEqual([2, ""])
      expect(nothing.stderr).toBe("fly-tokens: nothing is stored yet: name the apps to watch\n")
      expect((yield* run(sandbox, ["watch", "My_App"])).code).toBe(2)
      yield* run(sandbox, ["get", "my-app"])
      const it = yield* started(sandbox, ["watch"])
      yield* until(it.stdout, (text) => text.includes("my-app got"))
      expect(it.stdout()).toContain("from storage")
    }))

  it.live("ends when its reader has gone away", () =>
    Effect.gen(function*() {
      const sandbox = yield* inTwoOrgs
      yield* Effect.promise(() => sandbox.settings({ life: 20 }))
      const it = yield* started(sandbox, ["watch", "my-app"])
      yield* until(it.stdout, (text) => text.includes("my-app is watched"))
      it.process.stdout?.destroy()
      expect((yield* Effect.promise(() => it.ended)).code).toBe(0)
    }), 120_000)
})

describe.skipIf(!hasTmux)(`watch in a terminal${whyNoTmux}`, () => {
  it.live("draws in place, fits the terminal, and leaves it as it was", () =>
    Effect.gen(function*() {
      const sandbox = yield* inTwoOrgs
      const { format, keys, screen } = yield* pane(sandbox, { columns: 70, rows: 10 })
      keys("echo before; fly-tokens watch my-app lost-app; echo \"code $?\"", "Enter")
      const first = yield* until(screen, (text) => /my-app +cli/.test(text) && /lost-app +none/.test(text))
      expect(first).toMatch(/^APP +SOURCE +TOKEN +TIME LEFT +NEXT REFRESH +LAST FAILURE/)
      expect(first).toMatch(/my-app +cli +[0-9a-f]{8} +23 h 5\d min +in 2\d h \d+ min +-/)
      expect(first).toMatch(/lost-app +none +- +- +in \d+ s +.*…$/m)
      expect(first).not.toContain("before")
      expect(first).not.toMatch(secret)
      expect(format("#{cursor_flag} #{alternate_on}")).toBe("0 1")
      // The same rows count down.
      yield* until(screen, (text) => text !== first && /lost-app +none/.test(text))
      expect(screen().match(/lost-app/g)).toHaveLength(1)
      keys("C-c")
      const after = yield* until(screen, (text) => /code \d/.test(text))
      expect(after).toContain("code 130")
      expect(after).toContain("before")
      expect(after).toMatch(/my-app +cli/)
      expect(format("#{cursor_flag} #{alternate_on}")).toBe("1 0")
    }), 120_000)

  it.live("that says it has 0 columns and 0 rows is drawn on as one of 80 and 24", () =>
    Effect.gen(function*() {
      const sandbox = yield* inTwoOrgs
      const { keys, screen } = yield* pane(sandbox, { columns: 80, rows: 24 })
      keys("stty cols 0 rows 0; fly-tokens watch my-app lost-app", "Enter")
      const text = yield* until(screen, (text) => /my-app +cli/.test(text) && /lost-app +none/.test(text))
      expect(text).toMatch(/^APP +SOURCE +TOKEN +TIME LEFT +NEXT REFRESH +LAST FAILURE/)
      keys("C-c")
    }), 120_000)

  it.live("what has no room is counted", () =>
    Effect.gen(function*() {
      const sandbox = yield* inTwoOrgs
      sandbox.environment["FLY_API_TOKEN"] = "fo1_user"
      const { keys, screen } = yield* pane(sandbox, { columns: 40, rows: 5 })
      keys("fly-tokens watch a-1 a-2 a-3 a-4 a-5 a-6 a-7", "Enter")
      const text = yield* until(screen, (text) => text.includes("a-3  env"))
      expect(text.trimEnd().split("\n")).toHaveLength(5)
      expect(text).toMatch(/and 4 more\s*$/)
      keys("C-c")
    }), 120_000)
})

describe("a row", () => {
  it.effect("shows a failure until a run gave a token", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const works = world.mint
      world.mint = () => Effect.fail(new MissReason.HttpFailed({ status: 503 }))
      yield* Effect.gen(function*() {
        const { rows } = yield* Keep.start(["my-app" as AppName])
        yield* TestClock.adjust(0)
        const [failing] = yield* rows
        expect(failing?.failure?.error.attempts.at(-2)?.reason._tag).toBe("HttpFailed")
        yield* TestClock.adjust("20 seconds")
        expect((yield* rows)[0]?.failure).toBeDefined()
        world.mint = works
        yield* TestClock.adjust("15 seconds")
        const [up] = yield* rows
        expect([up?.status.source, up?.failure]).toEqual(["cli", undefined])
      }).pipe(Effect.provide(world.layer()), Effect.scoped)
    }))
})

describe("a picture", () => {
  const now = Date.UTC(2026, 10, 24)
  const error = new NoTokenAvailable({
    app: "x" as AppName,
    attempts: [
      { source: "env", reason: new MissReason.NotFound({ what: "not set" }) },
      { source: "config", reason: new MissReason.Unreadable({ path: "/evil\u001b[2Jpath", why: "it is no YAML" }) },
      { source: "cli", reason: new MissReason.NotLoggedIn({}) }
    ]
  })
  const row = (app: string, hasToken: boolean): Table.Row => ({
    status: {
      app: app as AppName,
      source: hasToken ? "cli" : null,
      fingerprint: hasToken ? "01234567" : null,
      expiresAt: hasToken ? now + 90_061_000 : null,
      refreshAt: hasToken ? now + 61_000 : now + 25_000,
      inFlight: false,
      backOffUntil: null,
      lastFailure: null
    },
    failure: hasToken ? undefined : { error, at: now - 5_000 }
  })
  const size = { now, columns: 200, rows: 24, colors: false }

  it("says time left, next refresh and the telling reasons", () => {
    const [, up, down] = Table.lines([row("my-app", true), row("lost-app", false)], size)
    expect(up).toBe("my-app    cli     01234567  1 d 1 h    in 1 min 1 s  -")
    expect(down).toBe(
      "lost-app  none    -         -          in 25 s       5 s ago: config: /evil\\u001b[2Jpath: it is no YAML; cli: flyctl is not logged in"
    )
  })

  it("is no wider and no higher than the terminal, in colour too, and shows apps without a token first", () => {
    const rows = [...Array.from({ length: 20 }, (_, n) => row(`app-${n}`, true)), row("lost-app", false)]
    for (const columns of [1, 10, 41, 80]) {
      for (const height of [1, 2, 3, 10, 30]) {
        const lines = Table.lines(rows, { now, columns, rows: height, colors: true })
        expect(lines.length).toBeLessThanOrEqual(Math.max(2, height))
        for (const line of lines) expect(line.replaceAll(/\u001b\[\d+m/g, "").length).toBeLessThanOrEqual(columns)
      }
    }
    const short = Table.lines(rows, { ...size, rows: 5 })
    expect(short.map((line) => line.split(" ")[0])).toEqual(["APP", "lost-app", "app-0", "app-1", "and"])
    expect(short.at(-1)).toBe("and 18 more")
  })

  it("lines hold no control characters, JSON no message of an error", () => {
    const failed: Report.Report = {
      _tag: "RefreshFailed",
      app: "x" as AppName,
      error,
      at: now,
      nextTryAt: now + 30_000,
      expiresAt: null
    }
    expect(Report.line(failed)).toBe(
      "2026-11-24T00:00:00.000Z x has no token: config: /evil\\u001b[2Jpath: it is no YAML; cli: flyctl is not logged in; next try at 2026-11-24T00:00:30.000Z"
    )
    expect(JSON.parse(Report.jsonLine(failed))).toMatchObject({
      event: "RefreshFailed",
      app: "x",
      nextTryAt: "2026-11-24T00:00:30.000Z",
      attempts: [{ source: "env" }, { source: "config" }, { source: "cli", reason: "NotLoggedIn" }]
    })
  })
})
