/**
 * What the command prints, as plain functions: the cases that no run of it comes to easily.
 */
import { describe, expect, it } from "@effect/vitest"
import * as List from "../../src/command/commands/List.ts"
import * as Status from "../../src/command/commands/Status.ts"
import * as Finding from "../../src/command/doctor/Finding.ts"
import * as Failure from "../../src/command/Failure.ts"
import * as Render from "../../src/command/Render.ts"
import * as Report from "../../src/command/watch/Report.ts"
import * as Table from "../../src/command/watch/Table.ts"
import { type AppName, LeaseError, MissReason, NoTokenAvailable, type TokenStatus } from "../../src/index.ts"

const now = Date.UTC(2026, 10, 24)
const hour = 3_600_000
const plain = { now, colors: false }
const app = "my-app" as AppName
const missing = new NoTokenAvailable({
  app,
  attempts: [{ source: "env", reason: new MissReason.NotFound({ what: "not set" }) }]
})

describe("a table", () => {
  it("in colour has the same text, with a bold head", () => {
    const rows = [["a", "b"], ["long", "c"]]
    const text = Render.table(["X", "Y"], rows, false)
    expect(text).toBe("X     Y\na     b\nlong  c")
    expect(Render.table(["X", "Y"], rows, true)).toBe(text.replace("X     Y", "\u001b[1mX     Y\u001b[0m"))
  })

  it("of reasons has a bold head and dim hints in colour, and the same text", () => {
    const error = new NoTokenAvailable({ app, attempts: [{ source: "cli", reason: new MissReason.NotLoggedIn() }] })
    const text = Failure.reasons(error, true)
    const [head, reason, hint] = text.split("\n")
    expect(head).toMatch(/^\u001b\[1m.*\u001b\[0m$/)
    expect(reason).not.toContain("\u001b")
    expect(hint).toMatch(/^\u001b\[2m +→ .*\u001b\[0m$/)
    expect(text.replaceAll(/\u001b\[\d+m/g, "")).toBe(error.message)
    expect(Failure.reasons(error, false)).toBe(error.message)
  })

  it("of records says when they ended, and which one cannot be read", () => {
    const record = {
      name: "my-app",
      kept: "cached",
      source: "cli",
      fingerprint: "01234567",
      savedAt: now - hour
    } as const
    const list = [
      { ...record, expiresAt: now + hour },
      { ...record, expiresAt: now },
      { ...record, expiresAt: null },
      { name: "other", kept: "manual", problem: "it is corrupt" }
    ] as const
    expect(List.table(list, plain).split("\n").map((line) => line.split(/ {2,}/).at(-1))).toEqual([
      "EXPIRES",
      "2026-11-24T01:00:00.000Z (in 1 h)",
      "2026-11-24T00:00:00.000Z (expired)",
      "unknown",
      "it is corrupt"
    ])
    expect(List.table([], plain)).toBe("nothing is stored")
    const [first, , endless, broken] = JSON.parse(Render.json(list))
    expect(first).toMatchObject({ savedAt: "2026-11-23T23:00:00.000Z", expiresAt: "2026-11-24T01:00:00.000Z" })
    expect(endless.expiresAt).toBeNull()
    expect(broken).toEqual(list[3])
  })

  it("of apps says when a refresh is due now or never, and what is wrong with an organization's token", () => {
    const standing = (refreshAt: number | null) => ({
      source: "cli",
      fingerprint: "01234567",
      savedAt: now - hour,
      expiresAt: now + hour,
      refreshAt,
      unusable: null
    })
    const table = Status.tables({
      apps: [now + 500, null, now + 60_000].map((at, n) => ({
        app: `app-${n}`,
        serves: "cached" as const,
        cached: standing(at),
        manual: null
      })),
      organizations: [
        { org: "fine", token: standing(null) },
        { org: "expired", token: { ...standing(null), unusable: "expired an hour ago" } },
        { org: "odd", token: { problem: "it is corrupt" } },
        { org: "none", token: null }
      ]
    }, plain)
    const [apps = "", organizations = ""] = table.split("\n\n")
    expect(apps.split("\n").slice(1).map((line) => line.split(/ {2,}/)[4])).toEqual(["now", "never", "in 1 min"])
    expect(organizations.split("\n").slice(1).map((line) => line.split(/ {2,}/).at(-1))).toEqual([
      "1 h ago",
      "expired an hour ago",
      "it is corrupt",
      "-"
    ])
    expect(Status.tables({ apps: [], organizations: [] }, plain)).toBe("nothing is stored")
  })
})

describe("a moment", () => {
  it("that no calendar has is none", () => {
    expect([Render.isoTime(null), Render.isoTime(9e15), Render.isoTime(0)]).toEqual([
      null,
      null,
      "1970-01-01T00:00:00.000Z"
    ])
  })
})

describe("a finding", () => {
  it("has its hint on a line of its own, if it has one, and its colour", () => {
    expect(Finding.lines({ level: "problem", message: "broken", hint: null }, false)).toEqual(["✗ problem broken"])
    expect(Finding.lines({ level: "warning", message: "odd", hint: "mend it" }, true)).toEqual([
      "\u001b[33m! warning\u001b[0m odd",
      "  \u001b[2m→ mend it\u001b[0m"
    ])
  })
})

describe("a report of watch", () => {
  const acquisition = { app, at: now, source: "cli", fingerprint: "01234567", expiresAt: now + hour } as const
  const reports: ReadonlyArray<readonly [Report.Report, string]> = [
    [{ _tag: "Watching", app, at: now }, "my-app is watched"],
    [{ _tag: "Acquired", ...acquisition }, "my-app got 01234567 from cli, expires at 2026-11-24T01:00:00.000Z"],
    [{ _tag: "Acquired", ...acquisition, expiresAt: null }, "my-app got 01234567 from cli, expires at no known time"],
    [
      { _tag: "Refreshed", ...acquisition, replaced: "89abcdef", expiresAt: null },
      "my-app got 01234567 from cli instead of 89abcdef, expires at no known time"
    ],
    [
      { _tag: "RefreshFailed", app, at: now, error: missing, nextTryAt: null, expiresAt: now + hour },
      "my-app was not refreshed: env: not set; no further try"
    ],
    [
      { _tag: "RefreshFailed", app, at: now, error: missing, nextTryAt: now + hour, expiresAt: null },
      "my-app has no token: env: not set; next try at 2026-11-24T01:00:00.000Z"
    ],
    [{ _tag: "Rejected", app, at: now, fingerprint: "01234567" }, "my-app had 01234567 refused by Fly"],
    [{ _tag: "Invalidated", app, at: now }, "my-app had its cached token dropped"],
    [
      { _tag: "PersistFailed", name: "acme", at: now, reason: new MissReason.StorageFailed({ why: "it is full" }) },
      "acme could not be stored: the store failed: it is full"
    ],
    [
      { _tag: "LeaseUnavailable", name: "acme", at: now, error: new LeaseError({ scope: "acme", why: "it hangs" }) },
      "acme gets a token without a lease: it hangs"
    ],
    [{ _tag: "ManualSet", app, at: now, fingerprint: "01234567" }, "my-app had its manual token set to 01234567"],
    [{ _tag: "ManualRemoved", app, at: now }, "my-app had its manual token removed"],
    [{ _tag: "Evicted", app, at: now }, "my-app is idle; its token stays cached"]
  ]

  it.each(reports)("$0._tag: $1", (report, words) => {
    expect(Report.line(report)).toBe(`2026-11-24T00:00:00.000Z ${words}`)
    const json = JSON.parse(Report.jsonLine(report))
    expect(json).toMatchObject({ at: "2026-11-24T00:00:00.000Z", event: report._tag })
    expect(json).not.toHaveProperty("error")
    if (report._tag === "PersistFailed") expect(json.reason).toBe("the store failed: it is full")
    if (report._tag === "LeaseUnavailable") expect(json.why).toBe("it hangs")
    if ("error" in report && report._tag !== "LeaseUnavailable") expect(json.attempts).toHaveLength(1)
  })

  it("at a time that no calendar has says the number", () => {
    expect(Report.line({ _tag: "Watching", app, at: 9e15 })).toBe("9000000000000000 my-app is watched")
  })
})

describe("a row of watch", () => {
  const status: TokenStatus = {
    app,
    source: "env",
    fingerprint: "01234567",
    expiresAt: null,
    refreshAt: null,
    inFlight: false,
    backOffUntil: null,
    lastFailure: null
  }
  const cells = (change: Partial<TokenStatus>, hasFailed = false) =>
    Table.cells({
      status: { ...status, ...change },
      failure: hasFailed ? { error: missing, at: now } : undefined
    }, now)

  it("says of a token without an end that it has none and is never refreshed", () => {
    expect(cells({})).toEqual(["my-app", "env", "01234567", "no end", "never", "-"])
  })

  it("says what is next: a run now, a refresh, another try, or nothing", () => {
    const none = { source: null, fingerprint: null } as const
    expect(cells({ inFlight: true })[4]).toBe("now")
    expect(cells({ refreshAt: now + 3_661_000 })[4]).toBe("in 1 h 1 min")
    expect(cells({ ...none, refreshAt: now + 5_000 }, true)[4]).toBe("in 5 s")
    expect(cells(none, true).slice(1, 5)).toEqual(["none", "-", "-", "-"])
    expect(cells(none).slice(1, 5)).toEqual(["…", "-", "-", "-"])
  })
})

describe("how far away a moment is", () => {
  it("a moment less than a second away is now", () => {
    expect(Render.fromNow(5_000, 5_000)).toBe("now")
    expect(Render.fromNow(4_001, 5_000)).toBe("now")
    expect(Render.fromNow(5_999, 5_000)).toBe("now")
  })

  it("is told in the largest unit that fits", () => {
    expect([1_000, 59_999, 60_000, 3_600_000, 86_400_000].map((by) => Render.fromNow(by, 0))).toEqual(
      ["in 1 s", "in 59 s", "in 1 min", "in 1 h", "in 1 d"]
    )
    expect(Render.fromNow(0, 7_000)).toBe("7 s ago")
  })
})
