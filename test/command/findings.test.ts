/**
 * What the diagnosis makes of what it found, as plain functions.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { chmod, mkdir } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { dirname } from "node:path"
import type { Finding } from "../../src/command/doctor/Finding.ts"
import * as Flyctl from "../../src/command/doctor/FlyctlFindings.ts"
import * as ServerTime from "../../src/command/doctor/ServerTime.ts"
import * as Store from "../../src/command/doctor/StoreFindings.ts"
import * as Tokens from "../../src/command/doctor/TokenFindings.ts"
import type { StoredRecord } from "../../src/command/StoredRecords.ts"
import { Environment, FlyToken, MissReason, StorageError } from "../../src/index.ts"
import type { FlyLogin } from "../../src/layers/fly/FlyLogin.ts"
import { organizationOf } from "../../src/minting/MintExplanation.ts"
import * as Sandbox from "../support/Sandbox.ts"

const now = Date.UTC(2026, 10, 24)

const shown = (findings: ReadonlyArray<Finding>) => findings.map(({ level, message }) => `${level}: ${message}`)

describe("the binary", () => {
  const version = (version: string | undefined) =>
    Flyctl.version({ used: { _tag: "Found", path: "/bin/flyctl", version, failure: undefined }, passedOver: [] }, true)

  it("is old before 0.4.44, and of a version that cannot be read nothing is said", () => {
    assert.strictEqual(version("0.4.43").level, "note")
    assert.deepStrictEqual(["0.4.44", "0.5.0", "1.0.0", "2026"].map((each) => version(each).level), [
      "ok",
      "ok",
      "ok",
      "ok"
    ])
    assert.strictEqual(version(undefined).level, "warning")
  })

  it("that cannot use its own files is not told to upgrade itself", () => {
    const failure = new MissReason.HomeUnusable({ problem: "brokenConfig", path: "/home/x/.fly/config.yml" })
    const unusable = {
      used: { _tag: "Found", path: "/bin/flyctl", version: undefined, failure },
      passedOver: []
    } as const
    assert.deepStrictEqual(Flyctl.version(unusable, true), {
      level: "problem",
      message: failure.message,
      hint: failure.hint
    })
    assert.strictEqual(Flyctl.version(unusable, false).level, "warning")
  })

  it("that is not there has no version, and passes nothing over", () => {
    const missing = {
      used: { _tag: "Missing", reason: new MissReason.BinaryNotFound({ looked: ["PATH"] }) },
      passedOver: ["/bin/fly"]
    } as const
    assert.strictEqual(Flyctl.version(missing, true).level, "skipped")
    assert.deepStrictEqual(Flyctl.passedOver(missing), [])
    assert.deepStrictEqual(Flyctl.binary(missing, true).map(({ level }) => level), ["problem"])
    assert.deepStrictEqual(Flyctl.binary(missing, false).map(({ level }) => level), ["warning"])
  })
})

describe("the login", () => {
  const login = (change: Partial<FlyLogin>): FlyLogin => ({
    path: "/home/x/.fly/config.yml",
    mode: 0o600,
    token: Result.succeed(FlyToken.make("fo1_x")),
    lastLogin: null,
    openLogs: undefined,
    ...change
  })
  const levels = (change: Partial<FlyLogin>) => Tokens.config(login(change), now).map(({ level }) => level)
  const missing = Result.fail(new MissReason.NotFound({ what: "no access_token" }))
  const unreadable = Result.fail(new MissReason.Unreadable({ path: "/home/x/.fly/config.yml", why: "broken" }))

  it("is a warning without a home, or in a file that cannot be used", () => {
    assert.deepStrictEqual(levels({ path: undefined }), ["warning"])
    assert.deepStrictEqual(levels({ token: unreadable }), ["warning"])
    assert.deepStrictEqual(levels({ token: unreadable, mode: undefined }), ["warning"])
    assert.deepStrictEqual(levels({ token: Result.succeed(FlyToken.make("fm2_broken")) }), ["warning"])
  })

  it("is a note if there is none, with a file or without", () => {
    assert.deepStrictEqual(levels({ token: missing }), ["note"])
    assert.deepStrictEqual(levels({ token: missing, mode: undefined }), ["note"])
  })

  it("that others can read is a warning beside", () => {
    assert.deepStrictEqual(levels({}), ["ok"])
    assert.deepStrictEqual(levels({ mode: 0o644 }), ["warning"])
    assert.deepStrictEqual(levels({ mode: 0o644, token: missing, openLogs: "/home/x/.fly/logs" }), [
      "note",
      "warning",
      "note"
    ])
  })
})

describe("the variables", () => {
  const of = (record: Record<string, string>) =>
    Effect.map(
      Effect.provide(Environment, Environment.layerRecord(record)),
      (environment) => shown(Tokens.variables(environment))
    )

  it.effect("that are empty hide or are nothing; two that differ are told", () =>
    Effect.gen(function*() {
      const [hides] = yield* of({ FLY_ACCESS_TOKEN: "", FLY_API_TOKEN: "fo1_x" })
      assert.match(hides ?? "", /does not see FLY_API_TOKEN behind it/)
      assert.match((yield* of({ FLY_ACCESS_TOKEN: " " }))[0] ?? "", /counts as not set, and hides/)
      assert.match((yield* of({ FLY_API_TOKEN: "" }))[0] ?? "", /^warning: FLY_API_TOKEN is set but empty/)
      assert.match((yield* of({ FLY_ACCESS_TOKEN: "fo1_x", FLY_API_TOKEN: "fo1_y" }))[0] ?? "", /^note: .*different/)
      assert.deepStrictEqual(yield* of({ FLY_ACCESS_TOKEN: "fo1_x", FLY_API_TOKEN: "fo1_x" }), [])
      assert.deepStrictEqual(yield* of({}), [])
    }))
})

describe("the organization", () => {
  const apps = new Map([["my-app", "acme"], ["other", "globex"]])
  const levels = (app: string | undefined, slug: string) =>
    Flyctl.organization(organizationOf(app ?? "", slug, apps), app, true).map(({ level }) => level)

  it("is fine if flyctl says the same, and a problem if it says another or knows none", () => {
    assert.deepStrictEqual(levels("my-app", "acme"), [])
    assert.deepStrictEqual(levels("my-app", "globex"), ["problem"])
    assert.deepStrictEqual(levels("my-app", "nobody"), ["problem"])
    assert.deepStrictEqual(levels("unseen", "nobody"), ["problem"])
  })

  it("of an app that flyctl does not see is a warning, if an app was asked for", () => {
    assert.deepStrictEqual(levels("unseen", "acme"), ["warning"])
    assert.deepStrictEqual(levels(undefined, "acme"), [])
  })
})

describe("the store", () => {
  const directory = (sandbox: Sandbox.Sandbox) =>
    Effect.map(Store.directory, (finding) => shown([finding])).pipe(
      Effect.provide(Layer.merge(NodeServices.layer, Environment.layerRecord(sandbox.environment)))
    )

  it.live("says where it is, that others look into it, and that a part of it is open", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      assert.match((yield* directory(sandbox))[0] ?? "", /^ok: .* is not there yet/)
      yield* Effect.promise(() => mkdir(`${sandbox.store}/cached`, { recursive: true, mode: 0o700 }))
      yield* Effect.promise(() => chmod(sandbox.store, 0o755))
      assert.match((yield* directory(sandbox))[0] ?? "", /^warning: .*mode 0755\): other users can look into it/)
      yield* Effect.promise(() => chmod(sandbox.store, 0o700))
      assert.match((yield* directory(sandbox))[0] ?? "", /^ok: .*mode 0700/)
      yield* Effect.promise(() => chmod(`${sandbox.store}/cached`, 0o777))
      assert.match((yield* directory(sandbox))[0] ?? "", /^problem: .*cached/)
      assert.include(dirname(sandbox.store), sandbox.home)
    }))

  it("of records that cannot be read names the file, or the record where there is no file", () => {
    const failure = (path?: string) =>
      new StorageError({
        operation: "get",
        kind: "Corrupt",
        why: "it is corrupt",
        ...(path === undefined ? {} : { path })
      })
    const holding = (token: string) =>
      Result.succeed({ token: Redacted.make(token), expiresAt: null, source: "cli" as const, savedAt: now })
    const records = (key: "cached" | "manual", stored: StoredRecord["stored"]) =>
      shown(Store.records([{ name: "my-app", key, stored }], now))
    assert.deepStrictEqual(records("manual", Result.fail(failure("/store/x.json"))), [
      "problem: /store/x.json: it is corrupt"
    ])
    assert.deepStrictEqual(records("cached", Result.fail(failure())), ["warning: my-app: it is corrupt"])
    assert.match(records("manual", holding("fm2_broken"))[0] ?? "", /^warning: the manual token of my-app: not a token/)
    assert.deepStrictEqual(records("cached", holding("fo1_x")), ["ok: 1 stored, all of them readable"])
    assert.deepStrictEqual(shown(Store.records([], now)), ["ok: nothing is stored"])
  })
})

describe("what stands in the way of a request", () => {
  const by = (error: unknown) => ServerTime.unreachable(error).by

  it("is told by the codes of the system, wherever they are in the error", () => {
    const within = (code: string) => ({ reason: { cause: new TypeError("fetch failed", { cause: { code } }) } })
    const codes = [
      ["ECONNREFUSED", "refused"],
      ["ConnectionRefused", "refused"],
      ["ENOTFOUND", "notFound"],
      ["EAI_AGAIN", "notFound"],
      ["ETIMEDOUT", "timedOut"],
      ["UND_ERR_CONNECT_TIMEOUT", "timedOut"],
      ["CERT_HAS_EXPIRED", "certificate"],
      ["DEPTH_ZERO_SELF_SIGNED_CERT", "certificate"],
      ["SELF_SIGNED_CERT_IN_CHAIN", "certificate"],
      ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "certificate"],
      ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "certificate"],
      ["ERR_TLS_CERT_ALTNAME_INVALID", "certificate"],
      ["ERR_SSL_WRONG_VERSION_NUMBER", "portal"],
      ["HPE_INVALID_CONSTANT", "portal"],
      ["ECONNRESET", "network"],
      ["ENETUNREACH", "network"]
    ]
    assert.deepStrictEqual(codes.map(([code]) => [code, by(within(code!))]), codes)
  })

  it("is the network in general where there is none, also in what is no error or holds itself", () => {
    const ring: { cause?: unknown } = {}
    ring.cause = ring
    for (const error of [ring, undefined, "text", new Error("x"), { code: 5 }]) assert.strictEqual(by(error), "network")
    assert.strictEqual(by(new AggregateError([{ code: "ECONNREFUSED" }, { code: "ENETUNREACH" }])), "refused")
  })

  it("is a warning; a note where flyctl goes by a proxy; and nothing where an answer came", () => {
    const asked = { host: "api.machines.dev", time: undefined, unreachable: undefined, proxied: false }
    const unreachable = new MissReason.Unreachable({ by: "notFound" })
    assert.deepStrictEqual(shown([ServerTime.api(asked)]), ["ok: api.machines.dev answers"])
    assert.deepStrictEqual(shown([ServerTime.api({ ...asked, unreachable })]), [
      `warning: ${unreachable.message} (api.machines.dev)`
    ])
    assert.match(shown([ServerTime.api({ ...asked, unreachable, proxied: true })])[0]!, /^note: .*without the proxy/)
    assert.match(shown([ServerTime.api({ ...asked, host: undefined })])[0]!, /^warning: FLY_FLAPS_BASE_URL is no URL/)
  })
})

describe("the time of Fly's server", () => {
  const at = (base: string) => Effect.provide(ServerTime.ask, Environment.layerRecord({ FLY_FLAPS_BASE_URL: base }))

  it.live("is that of its answer, and unknown where there is no URL, no server or no date", () =>
    Effect.gen(function*() {
      const date = new Date(now).toUTCString()
      const server = createServer((request, response) => {
        response.sendDate = false
        if (request.url === "/dated") response.setHeader("date", date)
        response.end()
      })
      yield* Effect.acquireRelease(
        Effect.promise(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))),
        () => Effect.sync(() => server.closeAllConnections()).pipe(Effect.andThen(Effect.sync(() => server.close())))
      )
      const url = `http://user:password@127.0.0.1:${(server.address() as AddressInfo).port}`
      const nothing = { time: undefined, unreachable: undefined, proxied: false }
      assert.strictEqual((yield* at(`${url}/dated`)).time?.there, now + 500)
      assert.deepStrictEqual(yield* at(`${url}/bare`), { ...nothing, host: new URL(url).host })
      assert.deepStrictEqual(yield* at("no URL"), { ...nothing, host: undefined })
      // Nothing listens there, and fetch does not mind the port, as it does with many small ones.
      assert.strictEqual((yield* at("http://127.0.0.1:2")).unreachable?.by, "refused")
    }))
})
