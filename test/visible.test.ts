/**
 * Whatever is shown can be seen: no text from outside moves a cursor, turns a line around, or hides, in any message or
 * in anything that the command prints.
 */
import { assert, describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import { inspect } from "node:util"
import * as Doctor from "../src/command/commands/Doctor.ts"
import * as List from "../src/command/commands/List.ts"
import * as Status from "../src/command/commands/Status.ts"
import * as AppDiagnosis from "../src/command/doctor/AppDiagnosis.ts"
import * as Finding from "../src/command/doctor/Finding.ts"
import * as Failure from "../src/command/Failure.ts"
import * as Render from "../src/command/Render.ts"
import * as Report from "../src/command/watch/Report.ts"
import * as Table from "../src/command/watch/Table.ts"
import { InvalidAppName, NoTokenAvailable, PersistFailed } from "../src/index.ts"
import { quote, shown } from "../src/token/Redaction.ts"
import { visible, visibleJson } from "../src/token/Visible.ts"
import * as samples from "./docs/samples.ts"
import { runInProcess } from "./support/Command.ts"
import { expectVisible, hostile, poisoned } from "./support/hostile.ts"
import * as Sandbox from "./support/Sandbox.ts"

const reasons = samples.reasons.map(poisoned)

const isText = (value: unknown): boolean => JSON.stringify(value).includes("\\u001b")

const errors = [
  ...samples.errors.map((error) => poisoned<object>(error) as (typeof samples.errors)[number]),
  new NoTokenAvailable({
    app: samples.errors[0] instanceof NoTokenAvailable ? samples.errors[0].app : ("" as never),
    attempts: reasons.map((reason) => ({ source: "cli", reason }))
  }),
  InvalidAppName.of(hostile)
]

const commandErrors = [
  Failure.noInput(hostile),
  Failure.notStarted(hostile, { code: hostile }),
  Failure.notStarted(hostile, { code: "ENOENT" }),
  Failure.outputFailed({ code: hostile }),
  new Failure.ExitWith({ exitCode: 125, failure: errors.find((error) => error instanceof NoTokenAvailable)! })
]

describe("a text from outside", () => {
  it("has an escape in place of what cannot be seen, the rest as it was", () => {
    expect(visible("a b-ü→…–漢🛩")).toBe("a b-ü→…–漢🛩")
    expect(visible("\u001b[31m\u009b\u202e\n\u{e0041}\ud800")).toBe("\\u001b[31m\\u009b\\u202e\\n\\udb40\\udc41\\ud800")
    expectVisible(shown(hostile))
    expectVisible(quote(hostile, 1_000))
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
      expectVisible(shown(text))
      expectVisible(quote(text))
      expect(visible(visible(text))).toBe(visible(text))
    }))
  })

  it("is the same text in JSON", () => {
    expectVisible(visibleJson({ [hostile.replaceAll("fo1_", "")]: 1 }))
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(JSON.parse(visibleJson({ text }))).toEqual({ text })
    }))
  })
})

describe("in its fields, nothing hidden is in the message of", () => {
  it.each([...reasons, ...errors, ...commandErrors].map((error) => [error._tag, error] as const))("%s", (_, error) => {
    expectVisible(error.message)
    expectVisible("hint" in error ? error.hint : "")
    expectVisible(String(error))
    // It begins with `name`, which of three reasons is a field: an app, a slug or a class, by whoever makes them.
    if (!("name" in ((error.constructor as unknown as { fields?: object }).fields ?? {}))) {
      expectVisible(error.stack ?? "")
    }
  })

  it("the errors, however they are printed", () => {
    for (const error of errors) {
      expectVisible(inspect(error))
      expectVisible(Cause.pretty(Cause.fail(error)))
    }
  })

  it("and the texts got into the fields", () => {
    const withText = [...reasons, ...errors].filter(isText).map(({ _tag }) => _tag)
    expect(withText).toEqual(expect.arrayContaining(["Unreadable", "BinaryNotFound", "Undischarged", "PersistFailed"]))
    expect(withText.length).toBeGreaterThan(15)
  })
})

describe("nothing hidden is in what the command prints:", () => {
  const options = { now: 0, colors: true, json: false }
  const error = errors.find((error): error is NoTokenAvailable => error instanceof NoTokenAvailable)!
  const persistFailed = errors.find((error): error is PersistFailed => error instanceof PersistFailed)!
  const name = hostile as never
  const found = Finding.finding("warning", hostile, hostile)
  const record = { source: hostile, fingerprint: hostile, savedAt: 0, expiresAt: 1, refreshAt: null, unusable: null }
  const unusable = { ...record, unusable: hostile }

  it("failures", () => {
    for (const failure of [...errors, ...commandErrors]) {
      for (const json of [true, false]) {
        const text = Failure.message(failure as Failure.CallFailure, { colors: false, json })
        expectVisible(text ?? "")
      }
    }
    expectVisible(Failure.usage({ _tag: "UnrecognizedOption", message: `no option ${hostile}` } as never))
  })

  it("tables", () => {
    expectVisible(Render.table([hostile.length.toString()], [[hostile]], true))
    const list = [
      { name: hostile, kept: "org", ...record } as const,
      { name: hostile, kept: "org", problem: hostile } as const
    ]
    expectVisible(List.table(list, options))
    expectVisible(Failure.reasons(error, true))
  })

  it("status", () => {
    const apps = [record, unusable, { problem: hostile }].map((standing) => ({
      app: hostile,
      serves: "cached" as const,
      cached: standing,
      manual: standing
    }))
    const orgs = apps.map(({ cached }) => ({ org: hostile, token: cached }))
    expectVisible(Status.tables({ apps, organizations: orgs }, options))
  })

  it("findings", () => {
    expectVisible(Finding.lines(found, true).join("\n"))
    expectVisible(Doctor.text([{ name: "check", findings: [found] }], true))
  })

  it("explanations", () => {
    const row = {
      source: "cli",
      state: "mint",
      token: undefined,
      fingerprint: null,
      from: hostile,
      organization: hostile,
      expiresAt: null,
      reason: null,
      message: null,
      hint: null,
      findings: [found]
    } as const
    const diagnosis: AppDiagnosis.AppDiagnosis = {
      app: hostile,
      taken: null,
      sources: [
        row,
        ...reasons.map(({ _tag, hint, message }) => ({ ...row, state: "miss" as const, reason: _tag, message, hint }))
      ],
      findings: [found]
    }
    expectVisible(AppDiagnosis.text(diagnosis, options))
  })

  it("what is watched", () => {
    const reports: ReadonlyArray<Report.Report> = [
      { _tag: "Watching", app: hostile, at: 0 },
      { _tag: "Acquired", app: name, at: 0, source: name, fingerprint: hostile, expiresAt: 0 },
      { _tag: "Refreshed", replaced: hostile, app: name, at: 0, source: name, fingerprint: hostile, expiresAt: 0 },
      { _tag: "RefreshFailed", app: name, at: 0, error, nextTryAt: 0, expiresAt: 0 },
      { _tag: "Rejected", app: name, at: 0, fingerprint: hostile },
      { _tag: "PersistFailed", name: hostile, at: 0, reason: persistFailed.reason },
      {
        _tag: "LeaseUnavailable",
        name: hostile,
        at: 0,
        error: errors.find(({ _tag }) => _tag === "LeaseError") as never
      }
    ]
    for (const report of reports) expectVisible(Report.line(report))
    const status = {
      app: name,
      source: name,
      fingerprint: hostile,
      expiresAt: 0,
      refreshAt: 0,
      inFlight: false,
      backOffUntil: null,
      lastFailure: null
    }
    const rows = [{ status, failure: { error, at: 0, nextTryAt: 0 } }]
    expectVisible(Table.lines(rows, { now: 0, columns: 5_000, rows: 20, colors: true }).join("\n"))
  })

  it("JSON, which says the same when it is read", () => {
    const checks = [{ name: "check", findings: [Finding.finding("warning", "\u202e\u009b", "\u2028")] }]
    const text = Render.json(Doctor.asJson(checks))
    expectVisible(text)
    expect(JSON.parse(text).findings[0]).toMatchObject({ message: "\u202e\u009b", hint: "\u2028" })
    const listed = [{ name: "\u009b", kept: "org" as const, problem: "\u2066" }]
    expectVisible(Render.json(listed))
    expect(JSON.parse(Render.json(listed))).toEqual(listed)
    const org = { org: "\u202e", token: null }
    expectVisible(Render.json({ apps: [], organizations: [org] }))
    const explained = { app: "\u202e", taken: null, sources: [], findings: checks[0]!.findings }
    expectVisible(Render.json(AppDiagnosis.json(explained)))
    expectVisible(Report.jsonLine({ _tag: "Watching", app: "\u202e", at: 0 }))
  })
})

describe("an organization that flyctl names and that is no slug", () => {
  it.live.each(["\u009b31mred\u202e\u001b[2J", "", "--help", "Not A Slug"])(
    "is a problem to doctor, as it is to a get, and is shown harmlessly: %j",
    (slug) =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        yield* Effect.promise(() => sandbox.settings({ apps: { "my-app": slug } }))
        const doctor = yield* runInProcess(sandbox, ["doctor", "my-app"])
        assert.match(doctor.stdout, /problem +organization/)
        assert.notMatch(doctor.stdout, /ok +organization/)
        const get = yield* runInProcess(sandbox, ["get", "my-app"])
        assert.strictEqual(get.code, 1)
        const contradicted = { ...sandbox, environment: { ...sandbox.environment, FLY_TOKENS_ORG: "acme" } }
        const shown = [
          doctor,
          get,
          yield* runInProcess(sandbox, ["doctor", "my-app", "--json"]),
          yield* runInProcess(sandbox, ["explain", "my-app"]),
          yield* runInProcess(contradicted, ["doctor", "my-app"]),
          yield* runInProcess(contradicted, ["explain", "my-app", "--json"])
        ]
        for (const { stderr, stdout } of shown) expectVisible(stdout + stderr)
      })
  )
})
