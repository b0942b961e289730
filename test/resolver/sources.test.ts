/** Sources of one's own: one value, one word in the chain, and everything else knows them. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import { FlyToken, FlyTokens, MissReason, NamedSources, Source, type TokenSource } from "../../src/index.ts"
import { settingsOf } from "../../src/policy/Options.ts"
import { explain } from "../../src/resolver/Explanation.ts"
import type { AppName } from "../../src/token/AppName.ts"
import * as World from "../support/World.ts"

/** A source that gives `fo1_mine-1`, `fo1_mine-2`, …, or fails with what it is told to. */
const mine = (options: Source.SourceOptions = {}) => {
  const state = { calls: 0, fails: undefined as MissReason.MissReason | undefined }
  const source: TokenSource = {
    name: "my-vault",
    ...options,
    acquire: () =>
      Effect.suspend(() => {
        state.calls++
        return state.fails === undefined
          ? Effect.succeed({ token: FlyToken.make(`fo1_mine-${state.calls}`), acquiredAt: 0 })
          : Effect.fail(state.fails)
      })
  }
  return { source, state }
}

describe("a source of one's own", () => {
  it.effect("gives its token, and its name is in the answer, the status and the record", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { source } = mine({ persist: true })
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        assert.strictEqual((yield* tokens.get("my-app")).source, "my-vault")
        assert.strictEqual((yield* tokens.status("my-app")).source, "my-vault")
        yield* TestClock.adjust("1 second")
        const record = Option.getOrThrow(yield* world.store.get("my-app", "cached"))
        assert.strictEqual(record.source, "my-vault")
      }).pipe(Effect.provide(world.layer({ chain: ["storage", source] })))
      // A program that does not know the source reads its record all the same.
      const read = yield* Effect.provide(FlyTokens.use((tokens) => tokens.get("my-app")), world.layer())
      assert.deepStrictEqual([read.source, read.token.value], ["storage", "fo1_mine-1"])
    }))

  it.effect("says in errors, metrics and explain why it has none", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { source, state } = mine()
      state.fails = new MissReason.Unreadable({ path: "/vault", why: "permission denied" })
      const options = { chain: ["env", source] } as const
      const layer = world.layer(options)
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const error = yield* Effect.flip(tokens.get("my-app"))
        assert.include(error.message, "my-vault  /vault: permission denied")
        const settings = yield* settingsOf(options)
        const explained = yield* explain("my-app" as AppName, settings)
        assert.deepStrictEqual(explained.map(({ answer, source }) => [source, answer._tag]), [
          ["env", "Miss"],
          ["my-vault", "Miss"]
        ])
        const metrics = yield* Metric.snapshot
        const counted = metrics.filter(({ attributes }) => attributes?.["source"] === "my-vault")
        assert.deepStrictEqual(counted.map(({ attributes }) => attributes?.["outcome"]), ["Unreadable"])
      }).pipe(Effect.provide(layer), Effect.provideService(Metric.MetricRegistry, new Map()))
    }))

  it.effect("is given up at its limit, and the chain goes on", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const hangs: TokenSource = { name: "hangs", timeout: "3 seconds", acquire: () => Effect.never }
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const got = yield* Effect.forkChild(tokens.get("my-app"))
        yield* TestClock.adjust("2 seconds")
        assert.isUndefined(got.pollUnsafe())
        yield* TestClock.adjust("1 second")
        assert.isDefined(got.pollUnsafe())
      }).pipe(Effect.provide(world.layer({ chain: [hangs, "cli"] })))
    }))

  it.effect("of last resort serves until a better one gives a token", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const { source } = mine({ lastResort: true })
      const { mint } = world
      world.mint = () => Effect.fail(new MissReason.NotLoggedIn())
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        assert.strictEqual((yield* tokens.get("my-app")).source, "my-vault")
        world.mint = mint
        yield* TestClock.adjust("1 minute")
        assert.strictEqual((yield* tokens.get("my-app")).source, "cli")
      }).pipe(Effect.provide(world.layer({ chain: ["cli", source] })))
    }))

  it.effect("that is rejected is asked again after rejectionTtl, and not before", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const token = FlyToken.make("fo1_always-the-same")
      const source: TokenSource = {
        name: "fixed",
        acquire: () => Effect.succeed({ token, acquiredAt: 0 })
      }
      yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        yield* tokens.get("my-app")
        const error = yield* Effect.flip(tokens.refresh("my-app", { rejected: token }))
        assert.strictEqual(error._tag, "NoTokenAvailable")
        yield* TestClock.adjust("5 minutes")
        assert.strictEqual((yield* tokens.get("my-app")).token.value, token.value)
      }).pipe(Effect.provide(world.layer({ chain: [source] })))
    }))

  it.effect("needs a name of its own", () =>
    Effect.gen(function*() {
      for (const name of ["cli", "", "My Vault", "x".repeat(33), "../x"]) {
        const error = yield* Effect.flip(settingsOf({ chain: [mine({ name }).source] }))
        assert.include(error.message, "option `chain`")
      }
      const twice = yield* Effect.flip(settingsOf({ chain: [mine().source, mine().source] }))
      assert.include(twice.message, "different sources")
    }))

  it.effect("can be named in the chain where somebody provides it", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const layer = world.layer({ chain: ["my-vault"] }).pipe(
        Layer.provide(Layer.succeed(NamedSources)([mine().source]))
      )
      const resolved = yield* Effect.provide(FlyTokens.use((tokens) => tokens.get("my-app")), layer)
      assert.strictEqual(resolved.source, "my-vault")
      const unknown = yield* Effect.flip(settingsOf({ chain: ["my-vault"] }))
      assert.include(unknown.message, "env, storage, config, cli, manual")
    }))
})

/** Real files and child processes, in a folder of their own. */
const onDisk = <A, E>(use: (folder: string) => Effect.Effect<A, E, FileSystem.FileSystem>) =>
  Effect.gen(function*() {
    const fileSystem = yield* FileSystem.FileSystem
    return yield* use(yield* fileSystem.makeTempDirectoryScoped())
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))

const gotFrom = (source: TokenSource, app = "my-app") =>
  Effect.gen(function*() {
    const world = yield* World.make
    const platform = yield* Effect.context<never>()
    const layer = world.layer({ chain: [source] }).pipe(Layer.provide(Layer.succeedContext(platform)))
    return yield* Effect.provide(FlyTokens.use((tokens) => Effect.result(tokens.get(app))), layer)
  })

const reasonOf = (result: Effect.Success<ReturnType<typeof gotFrom>>) =>
  result._tag === "Failure" && result.failure._tag === "NoTokenAvailable"
    ? result.failure.attempts[0]?.reason
    : undefined

describe("Source.file", () => {
  it.live("reads a token, plain or as JSON, for each app, anew each time", () =>
    onDisk((folder) =>
      Effect.gen(function*() {
        const fileSystem = yield* FileSystem.FileSystem
        yield* fileSystem.writeFileString(`${folder}/my-app`, "fo1_from-a-file\n")
        const source = Source.file(`${folder}/{app}`)
        const first = yield* gotFrom(source)
        assert.strictEqual(first._tag === "Success" && first.success.token.value, "fo1_from-a-file")
        assert.strictEqual(reasonOf(yield* gotFrom(source, "other-app"))?._tag, "NotFound")
        const end = new Date(Date.now() + 60_000).toISOString()
        yield* fileSystem.writeFileString(`${folder}/my-app`, JSON.stringify({ token: "fo1_json", expiresAt: end }))
        const second = yield* gotFrom(source)
        assert.strictEqual(second._tag === "Success" && second.success.expiresAt, Date.parse(end))
      })
    ))

  it.live("says why a file cannot be used, and nothing of what is in it", () =>
    onDisk((folder) =>
      Effect.gen(function*() {
        const fileSystem = yield* FileSystem.FileSystem
        const path = `${folder}/secret`
        const texts = [
          ["{\"notoken\":\"fo1_s3cret\"}", "Malformed"],
          ["{\"token\":\"fo1_s3cret\",\"expiresAt\":\"s3cret\"}", "Malformed"],
          ["x".repeat(70_000), "Unreadable"],
          ["", "Malformed"],
          ["null", "Malformed"]
        ] as const
        for (const [text, tag] of texts) {
          yield* fileSystem.writeFileString(path, text)
          const reason = reasonOf(yield* gotFrom(Source.file(path)))
          assert.strictEqual(reason?._tag, tag, text.slice(0, 30))
          assert.notInclude(JSON.stringify(reason), "s3cret")
        }
        assert.strictEqual(reasonOf(yield* gotFrom(Source.file(folder)))?._tag, "Unreadable")
      })
    ))
})

describe("Source.command", () => {
  const node = process.execPath
  const printing = (text: string) => Source.command([node, "-e", `process.stdout.write(${JSON.stringify(text)})`])

  it.live("runs a program, with the app in its arguments", () =>
    onDisk(() =>
      Effect.gen(function*() {
        const source = Source.command([node, "-e", "console.log('fo1_of-' + process.argv[1])", "{app}"])
        const result = yield* gotFrom(source)
        assert.strictEqual(result._tag === "Success" && result.success.token.value, "fo1_of-my-app")
        assert.strictEqual(result._tag === "Success" && result.success.source, "command")
      })
    ))

  it.live("says why a program gave none, and shows nothing of what it printed", () =>
    onDisk(() =>
      Effect.gen(function*() {
        const fails = Source.command([node, "-e", "console.error('s3cret'); process.exit(3)"])
        const failed = reasonOf(yield* gotFrom(fails))
        assert.include(failed?.message, "failed with exit code 3")
        assert.notInclude(JSON.stringify(failed), "s3cret")
        assert.strictEqual(reasonOf(yield* gotFrom(Source.command(["/no/such/program"])))?._tag, "NotExecutable")
        assert.strictEqual(reasonOf(yield* gotFrom(printing("x".repeat(70_000))))?._tag, "OutputTooLarge")
        assert.strictEqual(reasonOf(yield* gotFrom(printing("undefined")))?._tag, "Malformed")
      })
    ))

  it.live("is ended at its limit", () =>
    onDisk(() =>
      Effect.gen(function*() {
        const hangs = Source.command([node, "-e", "setInterval(() => {}, 1000)"], { timeout: "300 millis" })
        assert.strictEqual(reasonOf(yield* gotFrom(hangs))?._tag, "TimedOut")
      })
    ))

  it.live("without a platform is switched off", () =>
    Effect.gen(function*() {
      const reason = reasonOf(yield* Effect.provideContext(gotFrom(printing("fo1_x")), Context.empty()))
      assert.strictEqual(reason?._tag, "Disabled")
    }))
})
