/**
 * Making clients.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { FlyTokens } from "../FlyTokens.ts"
import { settingsOf } from "../resolver/Options.ts"
import * as Client from "./Client.ts"
import type { ClientOptions, CreateFlyTokensOptions, FlyTokensClient } from "./FlyTokensClient.ts"

/**
 * Tokens for a Node program: from files, `~/.fly/config.yml`, the `fly` command and `process.env`.
 *
 * **Details**
 *
 * Nothing is read or started before the first call. An option that cannot work throws `InvalidOption` here and now,
 * except for those of the store (`directory`, `leaseTtl`): these reject the calls.
 *
 * **Gotchas**
 *
 * Make one for the whole program: each has its own cache and its own refreshes.
 *
 * **Example** (A header for the Machines API)
 *
 * ```ts
 * import { createFlyTokens } from "effect-fly-tokens/promise"
 *
 * const tokens = createFlyTokens({ org: "my-org", ttl: "12 hours" })
 *
 * const listMachines = async () => {
 *   const token = await tokens.get("my-app")
 *   return fetch("https://api.machines.dev/v1/apps/my-app/machines", {
 *     headers: { authorization: token.authorization("machines") }
 *   })
 * }
 * ```
 *
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const createFlyTokens = (options: CreateFlyTokensOptions = {}): FlyTokensClient => {
  Effect.runSync(settingsOf(options))
  // Node's services take their time to load: not before they are needed.
  const loading = Effect.promise(() => import("../layers/FlyTokensNode.ts"))
  return fromLayer(Layer.unwrap(Effect.map(loading, ({ layer }) => layer(options))), options)
}

/**
 * A client over a layer of your own: another storage, other sources, a test's scripted ones.
 *
 * **Details**
 *
 * The layer is built by the first call; if that fails, its calls reject with the error and the next one tries again. Its
 * log goes where `log` says, unless it brings loggers, and its sleeps do not keep Node running, unless it brings a clock.
 *
 * **Example** (A fleet that shares a Redis)
 *
 * ```ts
 * import * as NodeRedis from "@effect/platform-node/NodeRedis"
 * import { FlyTokensNode } from "effect-fly-tokens/node"
 * import { fromLayer } from "effect-fly-tokens/promise"
 * import { LeaseRedis, StorageRedis } from "effect-fly-tokens/redis"
 * import * as Layer from "effect/Layer"
 *
 * const tokens = fromLayer(
 *   FlyTokensNode.layerNoStorage({ org: "my-org" }).pipe(
 *     Layer.provide(Layer.merge(StorageRedis.layer(), LeaseRedis.layer())),
 *     Layer.provide(NodeRedis.layer({ url: "redis://localhost:6379", disableOfflineQueue: true }))
 *   )
 * )
 * ```
 *
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const fromLayer: (layer: Layer.Layer<FlyTokens, unknown>, options?: ClientOptions) => FlyTokensClient =
  Client.make
