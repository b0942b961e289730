/**
 * Whole programs on the promise entry, each in a process of its own that installs no handler: none of them crashes by an
 * unhandled rejection, none is held open after its work, and none ends while somebody waits.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { fileOf } from "../support/Programs.ts"
import * as Sandbox from "../support/Sandbox.ts"

/** The URL of a module, as text of a program. */
const source = (...module: Parameters<typeof fileOf>) => JSON.stringify(pathToFileURL(fileOf(...module)).href)

interface End {
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
}

const run = (program: string, environment: Record<string, string | undefined> = {}): Effect.Effect<End> =>
  Effect.promise(() =>
    new Promise((resolve) => {
      execFile(
        process.execPath,
        ["--input-type=module", "-e", program],
        // Far longer than any of them takes, for machines that are slow.
        { env: { ...environment }, timeout: 120_000, cwd: import.meta.dirname },
        (error, stdout, stderr) => {
          const code = error === null ? 0 : error.killed === true ? "killed" : error.code ?? "unknown"
          resolve({ code, stdout, stderr })
        }
      )
    })
  )

/**
 * A client on scripted sources: the first mint succeeds, later ones fail after a while. Its clock is moved by hand.
 */
const scripted = `
  import { createFlyTokens, fromLayer, FlyToken, FlyTokensClosed } from ${source("src/promise.ts")}
  import { ConfigFile, Environment, FlyCli, FlyTokens, MissReason, StorageMemory } from ${source("src/index.ts")}
  import { Clock, Context, Duration, Effect, Layer } from ${source("test/support/effect.ts")}

  const pause = (millis) => new Promise((resolve) => setTimeout(resolve, millis))
  let now = Date.now()
  const sleepers = new Set()
  const clock = Object.assign(Object.create(Context.get(Context.empty(), Clock.Clock)), {
    currentTimeMillisUnsafe: () => now,
    currentTimeMillis: Effect.sync(() => now),
    sleep: (duration) => Effect.callback((resume) => {
      const sleeper = { at: now + Duration.toMillis(duration), wake: () => resume(Effect.void) }
      sleepers.add(sleeper)
      return Effect.sync(() => sleepers.delete(sleeper))
    })
  })
  const advance = (millis) => {
    now += millis
    for (const sleeper of [...sleepers]) if (sleeper.at <= now && sleepers.delete(sleeper)) sleeper.wake()
  }
  let mints = 0
  const state = { failing: false, hanging: false, failures: 0 }
  const mint = () => Effect.gen(function*() {
    if (state.hanging) return yield* Effect.never
    yield* Effect.promise(() => pause(50))
    if (state.failing || ++mints > 1) {
      state.failures++
      return yield* Effect.fail(new MissReason.NotLoggedIn())
    }
    return FlyToken.make("fo1_secret")
  })
  const layer = FlyTokens.layer({ ttl: "10 minutes", org: "acme" }).pipe(Layer.provide([
    StorageMemory.layer,
    ConfigFile.layerDisabled,
    Environment.layerRecord({}),
    Layer.succeed(FlyCli)({
      mintReadonly: mint,
      mintDeploy: mint,
      listApps: () => Effect.fail(new MissReason.Disabled()),
      orgOf: () => Effect.succeed("acme")
    }),
    Layer.succeed(Clock.Clock)(clock)
  ]))
  /** Lets the time pass until a refresh fails. */
  const failedRefresh = async (tokens) => {
    let failed
    tokens.on("RefreshFailed", (event) => failed = event)
    while (failed === undefined) {
      await pause(1)
      if (sleepers.size > 0 && state.failures === 0) advance(10_000)
    }
    return failed
  }
`

describe("programs on the promise entry", () => {
  it.live("a background refresh that fails, with listeners that throw and reject", () =>
    Effect.gen(function*() {
      const end = yield* run(`${scripted}
        const tokens = fromLayer(layer)
        tokens.on("RefreshFailed", () => { throw new Error("sync") })
        tokens.on("RefreshFailed", async () => { throw new Error("async") })
        const { token } = await tokens.get("my-app")
        console.log(String(token), (await failedRefresh(tokens)).error._tag)
      `)
      assert.strictEqual(end.code, 0)
      assert.match(end.stdout, /^<FlyToken [0-9a-f]{8}> NoTokenAvailable\n$/)
      const lines = end.stderr.trimEnd().split("\n").map((line) => line.replace(/\(.*/, "").trimEnd())
      assert.deepStrictEqual(lines.sort(), [
        "fly-tokens: a listener of RefreshFailed failed: Error: async",
        "fly-tokens: a listener of RefreshFailed failed: Error: sync",
        "fly-tokens: refreshing the token of my-app failed"
      ])
    }), 130_000)

  it.live("the same with log: false says nothing", () =>
    Effect.gen(function*() {
      const end = yield* run(`${scripted}
        const tokens = fromLayer(layer, { log: false })
        tokens.on("RefreshFailed", () => Promise.reject(new Error("async")))
        await tokens.get("my-app")
        await failedRefresh(tokens)
        await tokens.close()
      `)
      assert.deepStrictEqual(end, { code: 0, stdout: "", stderr: "" })
    }), 130_000)

  it.live("a wait that was aborted, whose run then fails", () =>
    Effect.gen(function*() {
      const end = yield* run(`${scripted}
        state.failing = true
        const tokens = fromLayer(layer)
        const controller = new AbortController()
        const waiting = tokens.get("my-app", { signal: controller.signal }).catch((error) => error.name)
        controller.abort()
        console.log(await waiting)
        while (state.failures === 0 || (await tokens.status("my-app")).inFlight) await pause(10)
      `)
      assert.deepStrictEqual(end, { code: 0, stdout: "AbortError\n", stderr: "" })
    }), 130_000)

  it.live(
    "a call that waits for nothing but a timer of the library keeps Node running, as long as it waits",
    () =>
      Effect.gen(function*() {
        const end = yield* run(`${scripted}
        const aborted = fromLayer(Layer.unwrap(Effect.as(Effect.sleep("1 hour"), layer)))
        aborted.get("my-app", { signal: AbortSignal.timeout(100) }).catch((error) => console.log(error.name))
        // By now the program has nothing else to wait for.
        const slow = Layer.unwrap(Effect.as(Effect.sleep(1_000), layer))
        fromLayer(slow).get("my-app").then(({ source }) => console.log(source))
      `)
        assert.strictEqual(end.stderr, "")
        assert.strictEqual(end.code, 0)
        assert.deepStrictEqual(end.stdout.trim().split("\n").sort(), ["TimeoutError", "cli"])
      }),
    130_000
  )

  it.live(
    "closing while calls wait, and while the layer is being built; close itself is not waited for",
    () =>
      Effect.gen(function*() {
        const end = yield* run(`${scripted}
        state.hanging = true
        for (const wait of [0, 20]) {
          const tokens = fromLayer(layer)
          const calls = [tokens.get("a"), tokens.get("a"), tokens.refresh("b"), tokens.status("a"), tokens.get("No")]
          const ends = Promise.all(calls.map((call) => call.then(() => "ok", (error) => error._tag)))
          if (wait > 0) await pause(wait)
          void tokens.close()
          console.log((await ends).includes("FlyTokensClosed"))
          await tokens.get("a").catch((error) => console.log(error instanceof FlyTokensClosed))
        }
      `)
        assert.deepStrictEqual(end, { code: 0, stdout: "true\ntrue\ntrue\ntrue\n", stderr: "" })
      }),
    130_000
  )

  it.live("a construction that fails rejects the calls and nothing else", () =>
    Effect.gen(function*() {
      const end = yield* run(`${scripted}
        const tokens = createFlyTokens({ leaseTtl: "1 year", environment: { HOME: "/nowhere" } })
        const say = (error) => console.log(error._tag, error.option)
        await Promise.all([tokens.get("a").catch(say), tokens.status("b").catch(say)])
        const broken = fromLayer(Layer.effectDiscard(Effect.die("not even an error")))
        await broken.get("a").catch((error) => console.log(error instanceof Error))
      `)
      assert.deepStrictEqual(end, {
        code: 0,
        stdout: "InvalidOption leaseTtl\nInvalidOption leaseTtl\ntrue\n",
        stderr: ""
      })
    }), 130_000)

  it.live("made and listened to, never called: it ends at once and reads nothing", () =>
    Effect.gen(function*() {
      const end = yield* run(`${scripted}
        createFlyTokens().on("*", console.log)
        fromLayer(Layer.effectDiscard(Effect.die("built")))
      `)
      assert.deepStrictEqual(end, { code: 0, stdout: "", stderr: "" })
    }), 130_000)

  it.live(
    "what is rejected and not looked at is the program's own, and shows its message",
    () =>
      Effect.gen(function*() {
        const end = yield* run(`${scripted}
        state.failing = true
        fromLayer(layer).get("my-app")
      `)
        assert.strictEqual(end.code, 1)
        assert.include(end.stderr, "NoTokenAvailable: no Fly token for app \"my-app\"")
        assert.include(end.stderr, "run `fly auth login`")
      }),
    130_000
  )

  it.live(
    "a script with the real sources stays for its token, stores it, and ends by itself, not closed",
    () =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        const program = `
        import { createFlyTokens } from ${source("src/promise.ts")}
        const tokens = createFlyTokens({ org: "acme" })
        tokens.on("Acquired", () => {})
        tokens.get("my-app").then((resolved) => console.log(resolved, JSON.stringify(resolved.token)))
      `
        const end = yield* run(program, sandbox.environment)
        assert.strictEqual(end.stderr, "")
        assert.strictEqual(end.code, 0)
        assert.match(end.stdout, /source: 'cli'/)
        assert.notMatch(end.stdout, /fm2_|fo1_/)
        assert.include(yield* Effect.promise(() => readdir(join(sandbox.store, "org"))), "acme.json")
        const again = yield* run(program, sandbox.environment)
        assert.match(again.stdout, /source: 'storage'/)
        assert.lengthOf(yield* Effect.promise(sandbox.mints), 1)
      }),
    260_000
  )

  it.live(
    "await using closes it, and what is not caught ends the program with the reasons",
    () =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox.make
        yield* Effect.promise(() => sandbox.settings({ mode: "not-logged-in" }))
        const end = yield* run(
          `
        import { createFlyTokens } from ${source("src/promise.ts")}
        const work = async () => {
          const tokens = createFlyTokens({ org: "acme" })
          try {
            await tokens.get("my-app")
          } finally {
            await tokens[Symbol.asyncDispose]()
          }
        }
        await work().catch((error) => console.error(error))
      `,
          sandbox.environment
        )
        assert.strictEqual(end.code, 0)
        assert.match(end.stderr, /^NoTokenAvailable: no Fly token for app "my-app"\n {2}env {6}/)
        assert.include(end.stderr, "flyctl is not logged in")
      }),
    130_000
  )
})
