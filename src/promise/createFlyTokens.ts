/** A client over everything that Node has. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { settingsOf } from "../policy/Options.ts"
import type { CreateFlyTokensOptions, FlyTokensClient } from "./FlyTokensClient.ts"
import { fromLayer } from "./fromLayer.ts"

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
