/**
 * Processes that share a store and a lease, as far as the resolver can tell: builds of the layer over one world.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { FlyTokens, type FlyTokensOptions, Lease, LeaseLocal } from "../../src/index.ts"
import type { World } from "./World.ts"

export const leases = Effect.gen(function*() {
  const context = yield* Layer.build(LeaseLocal.layer())
  return yield* Effect.provideContext(Effect.map(Lease, (lease) => lease), context)
})

/** A process that uses the world's store and the lease. Its apps are in one organization, `acme`. */
export const process = (world: World, lease: Lease, options: FlyTokensOptions = {}) =>
  Effect.map(
    Layer.build(
      Layer.fresh(world.layer({ org: "acme", ...options })).pipe(Layer.provide(Layer.succeed(Lease)(lease)))
    ),
    (context) => Context.get(context, FlyTokens)
  )

/** Gets the apps in each of 16 processes at once. */
export const sixteenGet = Effect.fnUntraced(function*(
  world: World,
  apps: ReadonlyArray<string>,
  options: FlyTokensOptions = {}
) {
  const lease = yield* leases
  const processes = yield* Effect.all(Array.from({ length: 16 }, () => process(world, lease, options)))
  return yield* Effect.forkChild(
    Effect.forEach(
      processes.flatMap((tokens) => apps.map((app) => tokens.get(app))),
      (get) => get,
      { concurrency: "unbounded" }
    )
  )
})
