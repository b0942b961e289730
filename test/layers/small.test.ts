/**
 * Small decisions of the layers whose rare sides no scenario comes to.
 */
import * as NodePath from "@effect/platform-node/NodePath"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as HttpBody from "effect/http/HttpBody"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PlatformError from "effect/PlatformError"
import * as Stream from "effect/Stream"
import { inspect } from "node:util"
import { type AppName, Environment, FlyCli, InvalidAppName, MissReason } from "../../src/index.ts"
import * as FlyBinary from "../../src/layers/fly/FlyBinary.ts"
import { canBeSentAgain } from "../../src/layers/http/Exchange.ts"
import * as SqlFailure from "../../src/layers/sql/SqlFailure.ts"
import * as EventLoop from "../../src/promise/EventLoop.ts"
import { fromDefect } from "../../src/services/MissReason.ts"
import * as SystemCode from "../../src/services/SystemCode.ts"
import * as Conformance from "../../src/testing/Conformance.ts"

describe("a request's body", () => {
  it("can be sent again if it is a value, and not if it is read once", () => {
    const values = [
      "text",
      undefined,
      null,
      new Uint8Array(1),
      new ArrayBuffer(1),
      new URLSearchParams(),
      new Blob([]),
      new FormData()
    ]
    for (const value of values) assert.isTrue(canBeSentAgain(HttpBody.raw(value)), String(value))
    for (const value of [new ReadableStream(), {}, 7]) assert.isFalse(canBeSentAgain(HttpBody.raw(value)))
    assert.isFalse(canBeSentAgain(HttpBody.stream(Stream.empty)))
    assert.isTrue(canBeSentAgain(HttpBody.empty))
  })
})

describe("a thrown value as a reason", () => {
  it.each<[unknown, string, string]>([
    [
      Object.assign(new Error("fo1_secret"), { code: "ERR_ACCESS_DENIED" }),
      "ERR_ACCESS_DENIED",
      "--allow-child-process"
    ],
    [Object.assign(new Error("fo1_secret"), { code: "EAGAIN" }), "EAGAIN", "the system refused it"],
    [Object.assign(new Error("fo1_secret"), { code: "ERR_INVALID_ARG_TYPE" }), "ERR_INVALID_ARG_TYPE", "a bug"],
    [Object.assign(new TypeError("fo1_secret"), { code: "fo1_secret" }), "TypeError", "a bug"],
    [new RangeError("fo1_secret"), "RangeError", "a bug"],
    ["fo1_secret", "string", "a bug"]
  ])("%s has the kind %s", (thrown, kind, hint) => {
    const reason = fromDefect(thrown)
    assert.strictEqual(reason.kind, kind)
    assert.include(reason.hint, hint)
    assert.notInclude(reason.message + reason.hint, "fo1_secret")
  })
})

describe("the code of a system's error", () => {
  it("is taken from what looks like one only", () => {
    assert.strictEqual(SystemCode.of({ code: "ENOSPC" }), "ENOSPC")
    assert.strictEqual(SystemCode.of({ code: "ERR_ACCESS_DENIED" }), "ERR_ACCESS_DENIED")
    for (
      const cause of [undefined, null, "ENOSPC", {}, { code: 28 }, { code: "fo1_secret" }, { code: "E".repeat(40) }]
    ) {
      assert.isUndefined(SystemCode.of(cause))
    }
    const error = (cause?: unknown) =>
      PlatformError.systemError({
        _tag: "Unknown",
        module: "FileSystem",
        method: "open",
        ...(cause === undefined ? {} : { cause })
      })
    assert.strictEqual(SystemCode.ofPlatform(error({ code: "EIO" })), "EIO")
    assert.isUndefined(SystemCode.ofPlatform(error()))
    const thrown = (description: string) =>
      SystemCode.ofPlatform(PlatformError.badArgument({ module: "FileSystem", method: "makeDirectory", description }))
    assert.strictEqual(thrown("Access to this API has been restricted. Use --allow-fs-write"), "ERR_ACCESS_DENIED")
    assert.isUndefined(thrown("The argument must not contain null bytes"))
    assert.isUndefined(SystemCode.ofPlatform(PlatformError.badArgument({ module: "FileSystem", method: "open" })))
  })
})

describe("a database's failure", () => {
  it("has a fixed sentence of each kind", () => {
    assert.match(SqlFailure.whyOf(new SqlFailure.Contended()), /^others keep writing/)
    assert.match(
      SqlFailure.whyOf(new SqlFailure.UnsupportedDialect({ dialect: "mssql" })),
      /\(mssql\) is not supported/
    )
  })
})

describe("flyctl on Windows", () => {
  it.effect("is a file of its name, on a PATH with semicolons, whatever its mode", () =>
    Effect.gen(function*() {
      const asked: Array<string> = []
      const files = FileSystem.layerNoop({
        stat: (path) => {
          asked.push(path)
          return path === "/two/flyctl.exe"
            ? Effect.succeed(
              { type: "File", mode: 0o644, ino: Option.none(), mtime: Option.none() } as unknown as FileSystem.File.Info
            )
            : Effect.fail(PlatformError.systemError({ _tag: "NotFound", module: "FileSystem", method: "stat" }))
        }
      })
      const find = (record: Record<string, string>, binary?: string) =>
        Effect.gen(function*() {
          const environment = yield* Environment
          return yield* FlyBinary.find(environment, { binary, windows: true })
        }).pipe(Effect.provide(Layer.mergeAll(files, NodePath.layer, Environment.layerRecord(record))))
      const found = yield* find({ PATH: "/one;/two" })
      assert.deepStrictEqual(found.executable.map(({ path }) => path), ["/two/flyctl.exe"])
      assert.deepStrictEqual(asked, ["/one/flyctl.exe", "/two/flyctl.exe", "/one/fly.exe", "/two/fly.exe"])
      assert.deepStrictEqual((yield* find({ PATH: "/one;/two" }, "flyctl.exe")).executable.length, 1)
      assert.deepStrictEqual((yield* find({})).executable, [])
    }))
})

describe("a clock that holds nobody up", () => {
  it.live("sleeps no time at all, or for ever, without a timer", () =>
    Effect.gen(function*() {
      yield* EventLoop.unrefClock.sleep(Duration.zero)
      assert.isTrue(
        Option.isNone(yield* Effect.timeoutOption(EventLoop.unrefClock.sleep(Duration.infinity), "20 millis"))
      )
      // Longer than a timer of Node's can be: it would end at once.
      assert.isTrue(
        Option.isNone(yield* Effect.timeoutOption(EventLoop.unrefClock.sleep(Duration.days(30)), "20 millis"))
      )
    }))
})

describe("flyctl that is switched off", () => {
  it.effect("is a miss of its own for every question", () =>
    Effect.gen(function*() {
      const cli = yield* FlyCli
      const call = { environmentToken: false }
      const asked: ReadonlyArray<Effect.Effect<unknown, MissReason.MissReason>> = [
        cli.mintReadonly("acme", { ...call, ttl: Duration.hours(1) }),
        cli.mintDeploy("my-app" as AppName, { ...call, ttl: Duration.hours(1) }),
        cli.orgOf("my-app" as AppName, call),
        cli.listApps(call)
      ]
      for (const each of asked) assert.strictEqual((yield* Effect.flip(each))._tag, "Disabled")
    }).pipe(Effect.provide(FlyCli.layerDisabled)))
})

describe("a reason", () => {
  it("of a system that refuses something says where to look; one of code that throws, that it is a bug", () => {
    assert.match(new MissReason.Defect({ kind: "EMFILE" }).hint, /limits/)
    assert.match(new MissReason.Defect({ kind: "TypeError" }).hint, /bug/)
  })

  it("of an end that no calendar has says the number", () => {
    assert.strictEqual(new MissReason.Expired({ expiredAt: 9e15 }).message, "expired at 9000000000000000")
  })

  it("of a token without a discharge that names no place says so", () => {
    assert.strictEqual(new MissReason.Undischarged({ locations: [] }).message, "lacks the discharge of a third party")
  })
})

describe("an error without a stack", () => {
  it("is inspected as its text", () => {
    const error = new InvalidAppName({ input: "\"x y\"" })
    Object.defineProperty(error, "stack", { value: undefined })
    assert.include(inspect(error), "InvalidAppName")
  })
})

describe("a check of a contract", () => {
  it.effect("that does not hold names its rule, and what was found, cut", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        (yield* Effect.flip(Conformance.hold("a rule", false))).message,
        "a rule; found: it does not hold"
      )
      assert.strictEqual((yield* Effect.flip(Conformance.hold("a rule", false, undefined))).found, "it does not hold")
      assert.strictEqual((yield* Effect.flip(Conformance.hold("a rule", false, { a: 1 }))).found, "{\"a\":1}")
      assert.strictEqual(
        (yield* Effect.flip(Conformance.hold("a rule", false, Symbol.iterator))).found,
        "Symbol(Symbol.iterator)"
      )
      const long = yield* Effect.flip(Conformance.same("a rule", "x".repeat(1_000), "y"))
      assert.include(long.found, "… (1000) instead of y")
      assert.strictEqual((yield* Effect.flip(Conformance.failure("a rule", Effect.void))).found, "a success")
    }))
})
