/**
 * A Redis and a PostgreSQL that go away and come back under load: servers of this test's own, stopped for real.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { ConfigFile, Environment, FlyCli, FlyTokens, Storage, type TokenEvent } from "../../src/index.ts"
import { until } from "../support/Command.ts"
import * as Servers from "../support/Servers.ts"
import { postgres, redis, unique } from "../support/Services.ts"
import * as sharedStores from "../support/sharedStores.ts"
import * as World from "../support/World.ts"

const perSecond = 50
const seconds = 20

const installed = {
  redis: Servers.programs.redis !== undefined,
  postgres: Servers.programs.postgres !== undefined && Servers.programs.initdb !== undefined
}

const cases = [
  { kind: "redis", make: Servers.redis, ...redis },
  { kind: "postgres", make: Servers.postgres, ...postgres }
] as const

for (const { kind, make, skip, why } of cases) {
  const missing = installed[kind] ? why : " (skipped: its server is not installed)"
  describe(`${kind} that is stopped and started${missing}`, () => {
    it.live.skipIf(skip || !installed[kind])(
      `${perSecond} gets a second for ${seconds} s: none fails, and the store is used again`,
      () =>
        Effect.gen(function*() {
          const server = yield* Effect.acquireRelease(
            Effect.promise(make),
            (server) => Effect.promise(server.remove)
          )
          yield* Effect.promise(server.start)
          const store = { kind, url: server.url, name: unique("test"), leaseTtl: 2_000 } as const
          const environment = {}
          let mints = 0
          const cli = Layer.succeed(FlyCli)({
            mintDeploy: () => Effect.die("no app has a mint of its own"),
            mintReadonly: () =>
              Effect.map(Clock.currentTimeMillis, (now) => {
                mints++
                return World.tokenOf({ now, life: World.day })
              }),
            listApps: () => Effect.succeed(new Map()),
            orgOf: () => Effect.succeed("acme")
          })
          const sources = Layer.mergeAll(Environment.layerRecord({}), ConfigFile.layerDisabled, cli)
          const layer = FlyTokens.layer({ org: "acme" }).pipe(
            Layer.provideMerge(Layer.mergeAll(sharedStores.storage(store, environment), sources, Logger.layer([])))
          )
          const events: Array<TokenEvent["_tag"]> = []
          let gets = 0
          let failed = 0
          let slowest = 0

          yield* Effect.gen(function*() {
            const tokens = yield* FlyTokens
            const storage = yield* Storage
            yield* Effect.forkChild(
              Stream.runForEach(tokens.events, ({ _tag }) => Effect.sync(() => void events.push(_tag)))
            )
            // Apps that were never seen, so that each get looks into the store; and a refresh now and then, which mints.
            const one = (n: number) =>
              Effect.gen(function*() {
                const began = performance.now()
                const call = n % 25 === 0 ? tokens.refresh(`app-${Math.max(0, n - 1)}`) : tokens.get(`app-${n}`)
                const exit = yield* Effect.exit(call)
                gets++
                if (exit._tag === "Failure") failed++
                slowest = Math.max(slowest, performance.now() - began)
              })
            const load = yield* Effect.forkChild(
              Effect.forEach(
                Array.from({ length: perSecond * seconds }, (_, n) => n),
                (n) => Effect.andThen(Effect.forkChild(one(n)), Effect.sleep(1_000 / perSecond)),
                { discard: true }
              )
            )
            // Real servers have no clock to be moved.
            yield* Effect.sleep("4 seconds")
            yield* Effect.promise(() => server.stop())
            yield* Effect.sleep("4 seconds")
            yield* Effect.promise(server.start)
            yield* Effect.sleep("3 seconds")
            yield* Effect.promise(() => server.stop("SIGKILL"))
            yield* Effect.sleep("2 seconds")
            yield* Effect.promise(server.start)
            yield* Fiber.join(load)
            // What is under way ends, however long that takes.
            yield* until(() => gets, (gets) => gets === perSecond * seconds)

            assert.isTrue(events.includes("PersistFailed"), "the store was away")
            yield* tokens.get("afterwards")
            // It is written behind the caller's back.
            while (Option.isNone(yield* storage.get("afterwards", "cached"))) yield* Effect.sleep("100 millis")
          }).pipe(Effect.provide(layer))

          const again = yield* FlyTokens.use((tokens) => tokens.get("afterwards")).pipe(
            Effect.provide(layer, { local: true })
          )
          assert.strictEqual(again.source, "storage")
          const count = (tag: string) => events.filter((each) => each === tag).length
          console.log(
            `${kind}: ${gets} gets, ${failed} failed, the slowest ${Math.round(slowest)} ms, ${mints} mints, `
              + `${count("PersistFailed")} writes failed, ${count("LeaseUnavailable")} mints without a lease`
          )
          assert.strictEqual(failed, 0)
        }),
      90_000
    )
  })
}
