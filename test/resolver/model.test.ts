/**
 * Random sequences of everything that can happen, over three apps, against a simple model. fast-check prints the seed and
 * the shortest sequence on failure; `FC_SEED` and `FC_RUNS` repeat or lengthen a run.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import * as fc from "fast-check"
import {
  type FlyCliReason,
  FlyToken,
  FlyTokens,
  type FlyTokensOptions,
  MissReason,
  type ResolvedToken
} from "../../src/index.ts"
import { sequences } from "../support/sizes.ts"
import * as World from "../support/World.ts"

const apps = ["app-1", "app-2", "app-3"] as const
type App = typeof apps[number]

type Operation =
  | {
    readonly do: "get" | "refresh" | "reject" | "invalidate" | "setManual" | "removeManual" | "abandon"
    readonly app: App
  }
  | { readonly do: "herd"; readonly app: App; readonly count: number }
  | { readonly do: "source"; readonly is: "up" | "down" | "hang" | "slow" | "dying" }
  | { readonly do: "life"; readonly seconds: number }
  | { readonly do: "config"; readonly has: "nothing" | "short" | "dead" | "hang" }
  | { readonly do: "store"; readonly is: "up" | "down" | "hang" }
  | { readonly do: "pass"; readonly seconds: number }
  | { readonly do: "setClock"; readonly seconds: number }

const app = fc.constantFrom(...apps)
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom("get", "refresh", "reject", "invalidate", "setManual", "removeManual", "abandon" as const),
      app
    })
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("get" as const), app }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("herd" as const), app, count: fc.integer({ min: 2, max: 20 }) })
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("source" as const),
      is: fc.constantFrom("up", "up", "down", "hang", "slow", "dying" as const)
    })
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("life" as const), seconds: fc.constantFrom(2, 90, 600, 7_200, 86_400) })
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("config" as const),
      has: fc.constantFrom("nothing", "nothing", "short", "dead", "hang" as const)
    })
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("store" as const),
      is: fc.constantFrom("up", "up", "down", "hang" as const)
    })
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("pass" as const),
      seconds: fc.constantFrom(0.5, 5, 31, 60, 700, 3_600, 40_000, 86_400)
    })
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("setClock" as const),
      seconds: fc.constantFrom(-86_400, -3_600, 3_600, 86_400)
    })
  }
)

const rejectionTtl = 300_000

const check = (operations: ReadonlyArray<Operation>, mintFor: NonNullable<FlyTokensOptions["mintFor"]>) =>
  Effect.gen(function*() {
    const clock = yield* World.settableClock
    const world = yield* World.make
    /** Until when an app must have a token, whatever its sources do. */
    const lasts = new Map<string, { readonly until: number; readonly source: string; readonly identity: string }>()
    const rejected = new Map<string, number>()
    const running = new Map<string, number>()

    let source: "up" | "down" | "hang" | "slow" | "dying" = "up"
    /** A mint as the source is at the time. Each app has an organization of its own, of the same name. */
    const scripted = (name: string, works: Effect.Effect<FlyToken, FlyCliReason>) =>
      Effect.acquireUseRelease(
        Effect.sync(() => {
          const now = (running.get(name) ?? 0) + 1
          running.set(name, now)
          assert.strictEqual(now, 1, `more than one run for ${name}`)
        }),
        () => {
          switch (source) {
            case "up":
              return works
            case "slow":
              return Effect.andThen(Effect.sleep("10 seconds"), works)
            case "down":
              return Effect.fail(new MissReason.HttpFailed({ status: 500 }))
            case "hang":
              return Effect.never
            case "dying":
              return Effect.die(new Error("dying"))
          }
        },
        () => Effect.sync(() => running.set(name, (running.get(name) ?? 1) - 1))
      )
    const { mint, mintDeploy } = world
    world.mint = (org, call) => scripted(org, mint(org, call))
    world.mintDeploy = (app, call) => scripted(app, mintDeploy(app, call))

    const fits = (resolved: ResolvedToken, now: number) => {
      assert.isAbove(resolved.expiresAt ?? Number.POSITIVE_INFINITY, now, "an expired token was handed out")
      const at = rejected.get(resolved.token.identity)
      if (at !== undefined && now >= at) {
        assert.isAtLeast(now - at, rejectionTtl, "a rejected token was handed out")
      }
    }

    yield* Effect.gen(function*() {
      const tokens = yield* FlyTokens
      const wallNow = Clock.currentTimeMillis
      /** Judges an answer at the moment at which it is given. */
      const answered = <E>(call: Effect.Effect<ResolvedToken, E>): Effect.Effect<ResolvedToken, E> =>
        Effect.tap(call, (resolved) =>
          Effect.map(wallNow, (now) => {
            fits(resolved, now)
            const { expiresAt, source, token } = resolved
            lasts.set(resolved.app, { until: expiresAt ?? Number.POSITIVE_INFINITY, source, identity: token.identity })
          }))

      /** Runs a call to its end: no call may take longer than all limits of time together. */
      const settled = <A, E>(call: Effect.Effect<A, E>) =>
        Effect.gen(function*() {
          const fiber = yield* Effect.forkChild(Effect.exit(call), { startImmediately: true })
          for (let n = 0; n < 40 && fiber.pollUnsafe() === undefined; n++) yield* TestClock.adjust("5 seconds")
          assert.isDefined(fiber.pollUnsafe(), "a call did not end within 200 s")
          return yield* Fiber.join(fiber)
        })

      const mustHave = (name: string, now: number) => (lasts.get(name)?.until ?? Number.NEGATIVE_INFINITY) > now

      for (const step of operations) {
        const now = yield* wallNow
        switch (step.do) {
          case "get": {
            const exit = yield* settled(answered(tokens.get(step.app)))
            const after = yield* wallNow
            if (Exit.isFailure(exit)) {
              assert.isFalse(mustHave(step.app, now) && mustHave(step.app, after), `${step.app} lost its token`)
            }
            break
          }
          case "herd": {
            yield* settled(
              Effect.forEach(Array.from({ length: step.count }), () => Effect.exit(answered(tokens.get(step.app))), {
                concurrency: "unbounded"
              })
            )
            break
          }
          case "abandon": {
            const fiber = yield* Effect.forkChild(Effect.exit(tokens.get(step.app)), { startImmediately: true })
            yield* Effect.yieldNow
            yield* Fiber.interrupt(fiber)
            break
          }
          case "refresh": {
            yield* settled(answered(tokens.refresh(step.app)))
            break
          }
          case "reject": {
            const current = tokens.peek(step.app)
            if (current._tag === "None") break
            const dead = current.value.token
            const fiber = yield* Effect.forkChild(answered(tokens.refresh(step.app, { rejected: dead })), {
              startImmediately: true
            })
            rejected.set(dead.identity, now)
            lasts.delete(step.app)
            // Another app may have the same token, from the config file, and loses it too.
            for (const [name, { identity }] of lasts) if (identity === dead.identity) lasts.delete(name)
            const exit = yield* settled(Fiber.join(fiber))
            if (Exit.isSuccess(exit)) {
              assert.notStrictEqual(exit.value.token.identity, dead.identity, "a refresh gave the rejected token")
            }
            break
          }
          case "invalidate": {
            lasts.delete(step.app)
            yield* settled(tokens.invalidate(step.app))
            break
          }
          case "setManual":
            yield* settled(tokens.setManual(step.app, FlyToken.make(`fo1_${step.app}-${now}`)))
            break
          case "removeManual":
            if (lasts.get(step.app)?.source === "manual") lasts.delete(step.app)
            yield* settled(tokens.removeManual(step.app))
            break
          case "source":
            source = step.is
            break
          case "life":
            world.mintLife = step.seconds * 1_000
            break
          case "config": {
            const token = World.tokenOf({ now, life: step.has === "dead" ? -60_000 : 600_000 })
            world.config = step.has === "nothing"
              ? Effect.fail(new MissReason.NotFound({ what: "nothing" }))
              : step.has === "hang"
              ? Effect.never
              : Effect.succeed(token)
            break
          }
          case "store":
            world.storeGate = () =>
              step.is === "hang" ? Effect.never : step.is === "down" ? Effect.die(new Error("down")) : Effect.void
            break
          case "pass":
            yield* TestClock.adjust(step.seconds * 1_000)
            break
          case "setClock":
            yield* clock.shift(step.seconds * 1_000)
        }
        // Other apps may have lost the same token; background refreshes may have replaced it: peek tells.
        const after = yield* wallNow
        for (const name of apps) {
          const cached = tokens.peek(name)
          if (cached._tag === "Some") fits(cached.value, after)
        }
      }
      // A store that hangs would hold up the end.
      world.storeGate = () => Effect.void
      yield* TestClock.adjust("30 seconds")
    }).pipe(
      Effect.provide(
        Layer.provideMerge(
          world.layer({ org: (app) => app, mintFor, idleTimeToLive: "30 minutes" }),
          Layer.merge(clock.layer, Logger.layer([]))
        )
      )
    )

    // After the end nothing is left that could do something.
    assert.strictEqual([...running.values()].reduce((sum, each) => sum + each, 0), 0, "a call is left after close")
    const mintsSoFar = () => world.mints.length + world.deployMints.length
    const mints = mintsSoFar()
    const reads = world.configReads
    yield* TestClock.adjust("3 days")
    assert.strictEqual(mintsSoFar() - mints + (world.configReads - reads), 0, "something goes on after close")
  }).pipe(Effect.provide(TestClock.layer()))

describe("the resolver against a model", () => {
  it("holds its rules over random sequences", async () => {
    const seed = process.env["FC_SEED"]
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { minLength: 5, maxLength: 40 }),
        fc.constantFrom("organization", "app" as const),
        (operations, mintFor) => Effect.runPromise(check(operations, mintFor))
      ),
      { numRuns: sequences, ...(seed === undefined ? {} : { seed: Number(seed) }) }
    )
  }, 240_000)
})
