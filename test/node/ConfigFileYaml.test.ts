/**
 * flyctl's config file, as real files. On the live clock, because files are.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PlatformError from "effect/PlatformError"
import * as Result from "effect/Result"
import { chmod, mkdir, rename, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import * as Portions from "../../src/concurrency/Portions.ts"
import { ConfigFile, Environment, FlyTokens } from "../../src/index.ts"
import * as ConfigFileText from "../../src/layers/fly/ConfigFileText.ts"
import { ConfigFileYaml, FlyTokensNode } from "../../src/node.ts"
import * as mac from "../stand-in/macaroon.mjs"
import * as Sandbox from "../support/Sandbox.ts"

const interpret = (text: string, path: string) => Portions.atOnce(ConfigFileText.interpret(text, path))

const whyOf = (text: string) => {
  const { result } = interpret(text, "config.yml")
  return Result.isFailure(result) ? result.failure._tag === "Unreadable" && result.failure.why : result.success.value
}

const tokenText = (life = 600, scheme = false) => mac.orgToken({ now: Date.now(), life, scheme, readOnly: false })

const read = (sandbox: Sandbox.Sandbox) =>
  ConfigFile.use((file) => file.accessToken).pipe(
    Effect.provide(
      ConfigFileYaml.layer.pipe(
        Layer.provide(Environment.layerRecord(sandbox.environment)),
        Layer.provide(NodeServices.layer)
      )
    )
  )

const config = (sandbox: Sandbox.Sandbox) => join(sandbox.home, ".fly", "config.yml")

describe("the text", () => {
  const T = "fm2_abc"
  const forms: ReadonlyArray<readonly [string, string | undefined]> = [
    [`access_token: fo1_x`, "fo1_x"],
    [`access_token: 'fo1_x'`, "fo1_x"],
    [`access_token: "fo1_x"`, "fo1_x"],
    [`"access_token": fo1_x`, "fo1_x"],
    [`'access_token' : fo1_x`, "fo1_x"],
    [`access_token : fo1_x`, "fo1_x"],
    [`access_token: fo1_x # a comment`, "fo1_x"],
    [`# access_token: fo1_no\naccess_token: fo1_x`, "fo1_x"],
    [`access_token: "fo1\\u005fx"`, "fo1_x"],
    [`access_token: |\n  fo1_x\n`, "fo1_x"],
    [`access_token: >-\n  fo1_x\n`, "fo1_x"],
    [`access_token: !!str fo1_x`, "fo1_x"],
    [`other: &t fo1_x\naccess_token: *t`, "fo1_x"],
    [`{access_token: fo1_x, metrics_token: m}`, "fo1_x"],
    [`\ufeffaccess_token: fo1_x`, "fo1_x"],
    [`access_token: fo1_x\r\nlast_login: 2026-01-01T00:00:00Z\r\n`, "fo1_x"],
    [`---\naccess_token: fo1_x\n---\naccess_token: fo1_y\n`, "fo1_x"],
    [`access_token: Bearer fo1_x`, "fo1_x"],
    [`access_token: ${T}`, undefined],
    [`access_token: ~`, undefined],
    [`access_token: null`, undefined],
    [`access_token:`, undefined],
    [`access_token: ""`, undefined],
    [`access_token:\nmetrics_token: X`, undefined],
    [`access_token: [fo1_x]`, undefined],
    [`access_token: {a: b}`, undefined],
    [`access_token: 12345`, undefined],
    [`access_token: true`, undefined],
    [`nested:\n  access_token: fo1_x`, undefined],
    [`access_token: fo1_x\naccess_token: fo1_y`, undefined],
    // flyctl honours merge keys: a map's own keys win, then those of the map that is named first.
    [`base: &base {access_token: fo1_x}\n<<: *base`, "fo1_x"],
    [`base: &base {access_token: fo1_no}\n<<: *base\naccess_token: fo1_x`, "fo1_x"],
    [`a: &a {access_token: fo1_x}\nb: &b {access_token: fo1_no}\n<<: [*a, *b]`, "fo1_x"],
    [`a: &a {access_token: fo1_x}\nb: &b {<<: *a}\n<<: [*b]`, "fo1_x"],
    [`<<: {access_token: fo1_x}`, "fo1_x"],
    [`base: &base {access_token: fo1_x}\n"<<": *base`, undefined],
    [`base: &base {access_token: fo1_x}\nother: {<<: *base}`, undefined],
    [`base: &base fo1_x\n<<: *base`, undefined],
    [`a: &a {<<: *a}\n<<: *a`, undefined],
    [`- access_token: fo1_x`, undefined],
    [`access_token: fo1_x\n]`, undefined],
    [`just text`, undefined],
    [`access_token: 'fo1_x`, undefined],
    [`access_token: *nowhere`, undefined],
    [`a: [[[[`, undefined],
    [``, undefined],
    [`\u0000\u0001`, undefined],
    [
      `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\naccess_token: [*d,*d,*d]`,
      undefined
    ]
  ]
  it.each(forms)("%j", (text, expected) => {
    const { result } = interpret(text, "config.yml")
    const token = Result.isSuccess(result) && result.success.malformed === undefined ? result.success.value : undefined
    assert.strictEqual(token, expected)
    if (Result.isFailure(result)) assert.notMatch(result.failure.message, /fo1_x|fo1_y/)
  })

  it("says what is wrong with it", () => {
    assert.strictEqual(whyOf("access_token: fo1_x\naccess_token: fo1_y"), "a key stands there twice")
    assert.strictEqual(whyOf("access_token: fo1_x\nwire: {a: 1, a: 2}"), "a key stands there twice")
    assert.strictEqual(whyOf("access_token: fo1_x\n<<: 5"), "a merge key (<<) in it names no map")
    assert.strictEqual(whyOf("access_token: [}"), "the file is not YAML")
  })

  const size = 64 * 1024
  const fill = (text: string, size = 64 * 1024) => text.repeat(Math.floor(size / text.length))
  const each = (line: (n: number) => string) =>
    Array.from({ length: 20_000 }, (_, n) => line(n)).join("\n").slice(0, size)
  const lines: Record<string, string> = {
    "keys": each((n) => `k${n}: v`),
    "aliases": `a: &a x\n${each((n) => `k${n}: *a`)}`,
    "maps in lists": each((n) => `k${n}:\n  - a: b`),
    "other documents": fill("---\na: 1\n"),
    "a list": `a: [${fill("1,")}]`,
    "mistakes in what is not wanted": fill("\""),
    "a map": `a: {${fill("\"b\": 1,")}}`
  }
  const hostile: Record<string, string> = {
    "brackets": fill("["),
    "brackets that are closed": fill("[").slice(size / 2) + fill("]").slice(size / 2),
    "dashes": fill("- "),
    "keys that are maps": fill("? "),
    "directives": fill("%A\n"),
    "anchors": each((n) => `k${n}: &a${n} x`),
    "anchors and aliases": each((n) => `k${n}: &a${n} [*a${n - 1},*a${n - 1}]`),
    "merge keys": `a: &a {x: 1}\n<<: [${fill("*a,")}]`,
    "mistakes": fill("a: [}\n"),
    "brackets after brackets": fill("]\n")
  }
  it.each(Object.entries(lines))("that is long, of %s, is read", (_, rest) => {
    const text = `access_token: fo1_x\nlast_login: 2026-01-01T00:00:00Z\n${rest}`
    assert.strictEqual(whyOf(text), "fo1_x")
    assert.strictEqual(Portions.atOnce(ConfigFileText.lastLogin(text)), Date.UTC(2026, 0))
  })

  it.each(Object.entries(hostile))("that is long, of %s, is refused", (_, rest) => {
    for (const text of [rest, `access_token: fo1_x\n${rest}`]) {
      assert.isTrue(Result.isFailure(interpret(text, "config.yml").result))
    }
  })

  it.each(["[", "- ", "a: 1\n", "k: &a x\n", "a: [}\n"])("made of %j does not hold up the program", (part) => {
    const text = fill(part, 256 * 1024)
    const portions = ConfigFileText.interpret(text, "config.yml")
    let longest = 0
    for (let done = false; !done;) {
      const begun = process.threadCpuUsage().user
      done = portions.next().done === true
      longest = Math.max(longest, process.threadCpuUsage().user - begun)
    }
    // It is about ten milliseconds of the processor, and must be less than 50 on a machine that is not busy: of one
    // long step it would be hundreds.
    assert.isBelow(longest / 1000, 250)
  })
})

describe("the file", () => {
  it.live("is ~/.fly/config.yml, or config.yml in FLY_CONFIG_DIR", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const text = tokenText()
      yield* Effect.promise(() => sandbox.writeConfig(`access_token: ${text}\n`))
      assert.strictEqual((yield* read(sandbox)).value, `FlyV1 ${text}`)
      sandbox.environment["FLY_CONFIG_DIR"] = sandbox.bin
      const missing = yield* Effect.flip(read(sandbox))
      assert.deepStrictEqual([missing._tag, missing.message], [
        "NotFound",
        `${join(sandbox.bin, "config.yml")} does not exist`
      ])
      yield* Effect.promise(() => writeFile(join(sandbox.bin, "config.yml"), "access_token: fo1_there\n"))
      assert.strictEqual((yield* read(sandbox)).value, "fo1_there")
    }))

  it.live("may be missing with its folder, and HOME too", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      assert.strictEqual((yield* Effect.flip(read(sandbox)))._tag, "NotFound")
      delete sandbox.environment["HOME"]
      assert.include((yield* Effect.flip(read(sandbox))).message, "HOME")
    }))

  it.live("may be a directory, too large, or in a place that is a file", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(() => mkdir(config(sandbox), { recursive: true }))
      assert.include((yield* Effect.flip(read(sandbox))).message, "not a file")
      const other = yield* Sandbox.make
      yield* Effect.promise(() => other.writeConfig(`access_token: fo1_x\n${"x".repeat(50 * 1024 * 1024)}`))
      assert.include((yield* Effect.flip(read(other))).message, "larger than 256 KiB")
      other.environment["FLY_CONFIG_DIR"] = config(other)
      assert.strictEqual((yield* Effect.flip(read(other)))._tag, "Unreadable")
    }))

  it.live("that may not be read (0000) says so", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(() => sandbox.writeConfig("access_token: fo1_x\n"))
      yield* Effect.promise(() => chmod(config(sandbox), 0o000))
      // Root reads every file: then the refusal comes from a file system that refuses.
      const refusing = FileSystem.layerNoop({
        stat: () =>
          Effect.fail(PlatformError.systemError({ _tag: "PermissionDenied", module: "FileSystem", method: "stat" }))
      })
      const layers = process.geteuid?.() === 0 ? Layer.merge(NodeServices.layer, refusing) : NodeServices.layer
      const reason = yield* ConfigFile.use((file) => file.accessToken).pipe(
        Effect.provide(
          ConfigFileYaml.layer.pipe(
            Layer.provide(Environment.layerRecord(sandbox.environment)),
            Layer.provide(layers)
          )
        ),
        Effect.flip
      )
      assert.strictEqual(reason._tag, "Unreadable")
      assert.include(reason.message, "permission denied")
    }))

  it.live("that is rewritten in place is read again before it is believed", () =>
    Effect.gen(function*() {
      const text = tokenText()
      // What a reader can see while flyctl writes: nothing, the beginning of a word, the beginning of a token.
      for (const torn of ["", "access_tok", `access_token: ${text.slice(0, 200)}`]) {
        const sandbox = yield* Sandbox.make
        yield* Effect.promise(() => sandbox.writeConfig(torn))
        const reading = yield* Effect.forkChild(read(sandbox), { startImmediately: true })
        // flyctl finishes its write while the reader waits for its second look.
        yield* Effect.sleep("100 millis")
        yield* Effect.promise(() => writeFile(config(sandbox), `access_token: ${text}\n`))
        assert.strictEqual((yield* Fiber.join(reading)).value, `FlyV1 ${text}`)
      }
    }))

  it.live("is read once for 100 apps that start together, and anew for the next", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(() => sandbox.writeConfig("access_token: fo1_x\n"))
      let reads = 0
      const counting = Layer.effect(
        FileSystem.FileSystem,
        Effect.map(FileSystem.FileSystem, (files) => ({
          ...files,
          readFileString: (path: string) => Effect.andThen(Effect.sync(() => reads++), files.readFileString(path))
        }))
      ).pipe(Layer.provideMerge(NodeServices.layer))
      yield* Effect.gen(function*() {
        const file = yield* ConfigFile
        yield* Effect.forEach(Array.from({ length: 100 }), () => file.accessToken, { concurrency: "unbounded" })
        assert.strictEqual(reads, 1)
        yield* Effect.promise(() => writeFile(config(sandbox), "access_token: fo1_new_login\n"))
        assert.strictEqual((yield* file.accessToken).value, "fo1_new_login")
      }).pipe(
        Effect.provide(
          ConfigFileYaml.layer.pipe(
            Layer.provide(Environment.layerRecord(sandbox.environment)),
            Layer.provide(counting)
          )
        )
      )
    }))

  it.live("whose reading hangs once does not hold up the readings after it", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      yield* Effect.promise(() => sandbox.writeConfig("access_token: fo1_x\n"))
      let reads = 0
      const hanging = Layer.effect(
        FileSystem.FileSystem,
        Effect.map(FileSystem.FileSystem, (files) => ({
          ...files,
          readFileString: (path: string) =>
            Effect.suspend(() => reads++ === 0 ? Effect.never : files.readFileString(path))
        }))
      ).pipe(Layer.provideMerge(NodeServices.layer))
      yield* Effect.gen(function*() {
        const file = yield* ConfigFile
        assert.isTrue(Option.isNone(yield* Effect.timeoutOption(file.accessToken, "300 millis")))
        assert.strictEqual((yield* file.accessToken).value, "fo1_x")
      }).pipe(
        Effect.provide(
          ConfigFileYaml.layer.pipe(
            Layer.provide(Environment.layerRecord(sandbox.environment)),
            Layer.provide(hanging)
          )
        )
      )
    }))

  it.live("is never written, and a new login is seen at once by the chain", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const dead = mac.orgToken({ now: Date.now() - 3_600_000, life: 600, scheme: false })
      yield* Effect.promise(() => sandbox.writeConfig(`access_token: ${dead}\n`))
      yield* Effect.promise(() => sandbox.settings({ mode: "not-logged-in" }))
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const error = yield* Effect.flip(tokens.get("my-app"))
        assert.strictEqual(error._tag === "NoTokenAvailable" && error.attempts[2]?.reason._tag, "Expired")
        const login = tokenText()
        yield* Effect.promise(async () => {
          await writeFile(join(dirname(config(sandbox)), "new.yml"), `access_token: ${login}\n`)
          await rename(join(dirname(config(sandbox)), "new.yml"), config(sandbox))
        })
        const resolved = yield* tokens.refresh("my-app")
        assert.deepStrictEqual([resolved.source, resolved.token.value], ["config", `FlyV1 ${login}`])
      }).pipe(Effect.provide(FlyTokensNode.layer({ environment: sandbox.environment, org: "acme" })))
    }))
})
