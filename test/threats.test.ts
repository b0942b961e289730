/**
 * Attacks that no other test tries: docs/threats.md has the table of all.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import { execFileSync } from "node:child_process"
import { mkdir, rm, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { FlyTokens } from "../src/index.ts"
import { FlyTokensNode } from "../src/node.ts"
import * as mac from "./stand-in/macaroon.mjs"
import { printed, recorder } from "./support/Recorder.ts"
import * as Sandbox from "./support/Sandbox.ts"

const layer = (sandbox: Sandbox.Sandbox, options = {}) =>
  FlyTokensNode.layer({ environment: sandbox.environment, org: "acme", ...options })

const get = FlyTokens.use((tokens) => tokens.get("my-app"))

describe("a flyctl that means harm", () => {
  it.live("that prints bytes of any kind is a reason that shows none of them", () =>
    Effect.gen(function*() {
      // Bytes of chance, an escape that clears the screen, a header of its own, on both outputs; below the limit of 64 KiB.
      const print = "head -c 20000 /dev/urandom; printf '\\033[2J\\r\\nX-Evil: 1\\000Error: planted'"
      for (const exit of [0, 1, 7]) {
        const sandbox = yield* Sandbox.make
        yield* Effect.promise(async () => {
          await rm(join(sandbox.bin, "flyctl"))
          await writeFile(join(sandbox.bin, "flyctl"), `#!/bin/sh\n${print}\n(${print}) >&2\nexit ${exit}\n`, {
            mode: 0o700
          })
        })
        const record = recorder()
        const result = yield* Effect.exit(get).pipe(
          Effect.provide(Layer.provideMerge(layer(sandbox, { chain: ["cli"] }), record.layer))
        )
        const text = printed(result) + record.text()
        assert.match(text, exit === 0 ? /Malformed/ : /ExitCode/)
        assert.notMatch(text, /X-Evil|planted/)
        // What the inspection of a value does not escape would reach a terminal.
        // oxlint-disable-next-line no-control-regex
        assert.notMatch(text, /[\u0000\u001b\u0080-\u009f\ufffd]/)
      }
    }))
})

describe("a config file", () => {
  it.live("that is a pipe or a device is not read", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const file = join(sandbox.home, ".fly", "config.yml")
      yield* Effect.promise(() => mkdir(join(sandbox.home, ".fly")))
      const places = [
        async () => void execFileSync("mkfifo", [file]),
        () => symlink("/dev/zero", file)
      ]
      for (const place of places) {
        yield* Effect.promise(place)
        const error = yield* Effect.flip(get).pipe(Effect.provide(layer(sandbox, { chain: ["config"] })))
        assert.include(error.message, "it is not a file")
        yield* Effect.promise(() => rm(file))
      }
    }))
})

describe("a token", () => {
  it.live("is no argument of a child, wherever it came from, and in its environment only if it was in ours", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const secret = "fo1_environmentsecret"
      const stored = mac.orgToken({ now: Date.now() - 86_400_000, life: 60, scheme: false })
      yield* Effect.promise(() => sandbox.writeConfig(`access_token: ${stored}\n`))
      for (const variables of [{}, { FLY_API_TOKEN: secret }]) {
        Object.assign(sandbox.environment, variables)
        yield* get.pipe(Effect.provide(
          FlyTokensNode.layer({ environment: sandbox.environment, chain: ["config", "cli"] })
        ))
      }
      const calls = (yield* Effect.promise(sandbox.calls)).filter(({ event }) => event === "start")
      assert.includeMembers(calls.map(({ args }) => args?.[0]), ["status", "tokens"])
      for (const { args } of calls) assert.notMatch(JSON.stringify(args), /fo1_|fm2_|-t\b|--access-token/)
      // Nothing in the environment was a token at first: then no child has a variable for one.
      const first = calls.slice(0, calls.length / 2)
      assert.isTrue(first.every(({ env }) => !env?.some((name) => /^FLY_(?:ACCESS|API)_TOKEN$/.test(name))))
    }))

  it.live("is in no metric", () =>
    Effect.gen(function*() {
      const sandbox = yield* Sandbox.make
      const snapshot = yield* Effect.gen(function*() {
        const tokens = yield* FlyTokens
        const dead = yield* tokens.get("my-app")
        const next = yield* tokens.refresh("my-app", { rejected: dead.token })
        const text = printed(yield* Metric.snapshot)
        for (const { token } of [dead, next]) {
          assert.notInclude(text, token.value.slice(10, 50))
          assert.notInclude(text, token.fingerprint)
        }
        return text
      }).pipe(
        Effect.provide(Layer.provideMerge(layer(sandbox), Layer.succeed(Metric.MetricRegistry)(new Map())))
      )
      assert.include(snapshot, "fly_tokens_source_attempts")
    }))
})
