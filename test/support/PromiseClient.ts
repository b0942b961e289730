/**
 * A client of the promise entry in a world of scripted sources, on the test's clock.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { FlyTokensOptions } from "../../src/index.ts"
import { type ClientOptions, type FlyTokensClient, fromLayer } from "../../src/promise.ts"
import type { World } from "./World.ts"

/** The world's layer on the clock of the test. */
export const layerOn = (world: World, options: FlyTokensOptions = {}) =>
  Effect.map(
    Clock.Clock,
    (clock) => Layer.provide(world.layer({ softExpiryJitter: 0, ...options }), Layer.succeed(Clock.Clock)(clock))
  )

/** Closed at the end of the test. Keeps its log lines. */
export const make = (world: World, options: FlyTokensOptions = {}, clientOptions: ClientOptions = {}) =>
  Effect.gen(function*() {
    const lines: Array<string> = []
    const layer = yield* layerOn(world, options)
    const client: FlyTokensClient = yield* Effect.acquireRelease(
      Effect.sync(() => fromLayer(layer, { log: (line) => lines.push(line), ...clientOptions })),
      (client) => Effect.promise(client.close)
    )
    return { client, lines }
  })

/** What a promise rejects with; dies if it does not. */
export const rejection = (run: () => Promise<unknown>): Effect.Effect<unknown> =>
  Effect.promise(() =>
    run().then(
      () => {
        throw new Error("it did not reject")
      },
      (error: unknown) => error
    )
  )

/** How a promise stands, looked at without waiting for it. */
export const watched = <A>(promise: Promise<A>) => {
  const state: { end: "pending" | "resolved" | "rejected"; value: A | undefined; error: unknown } = {
    end: "pending",
    value: undefined,
    error: undefined
  }
  promise.then(
    (value) => Object.assign(state, { end: "resolved", value }),
    (error: unknown) => Object.assign(state, { end: "rejected", error })
  )
  return state
}
