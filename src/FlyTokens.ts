/**
 * A valid Fly token per app.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { config, type FlyTokensConfig, type FlyTokensOptions } from "./policy/Options.ts"
import * as Provider from "./resolver/Provider.ts"
import type { ConfigFile } from "./services/ConfigFile.ts"
import type { Environment } from "./services/Environment.ts"
import type { FlyCli } from "./services/FlyCli.ts"
import type { Storage } from "./services/Storage.ts"
import type { InvalidOption } from "./services/TokenError.ts"
import type { TokenProvider } from "./services/TokenProvider.ts"

/**
 * Hands out valid Fly tokens.
 *
 * **Details**
 *
 * Guaranteed: concurrent calls for one app share one run of the sources, whether it succeeds, fails or times out; no
 * caller owns that run, so interrupting one disturbs no other; every run ends, also with sources that hang for ever; an
 * expired or rejected token is never handed out. May be lost when a process dies: the background write of a token that
 * was just minted (the next process mints again). Never lost: a manual token that was acknowledged.
 *
 * **Gotchas**
 *
 * A call after the layer was closed is interrupted.
 *
 * **Example** (A token, and another one after a 401)
 *
 * ```ts
 * import { FlyTokens } from "effect-fly-tokens"
 * import * as Effect from "effect/Effect"
 *
 * const listMachines = (app: string, send: (authorization: string) => Effect.Effect<Response>) =>
 *   Effect.gen(function*() {
 *     const tokens = yield* FlyTokens
 *     const token = yield* tokens.get(app)
 *     const response = yield* send(token.authorization("machines"))
 *     if (response.status !== 401) return response
 *     const other = yield* tokens.refresh(app, { rejected: token.token })
 *     return yield* send(other.authorization("machines"))
 *   })
 * ```
 *
 * @category services
 * @since 0.1.0
 * @stability stable
 */
export class FlyTokens extends Context.Service<FlyTokens, TokenProvider>()("effect-fly-tokens/FlyTokens") {
  /**
   * `FlyTokens` over the four services that its sources are.
   *
   * **When to use**
   *
   * Use to compose your own sources, in tests and outside of Node. On Node `FlyTokensNode.layer` has everything wired. If
   * several processes share the storage, provide a {@link Lease} too.
   *
   * **Example** (The environment, and a store in memory)
   *
   * ```ts
   * import { ConfigFile, Environment, FlyCli, FlyTokens, StorageMemory } from "effect-fly-tokens"
   * import * as Layer from "effect/Layer"
   *
   * declare const variables: Record<string, string>
   *
   * const tokens = FlyTokens.layer({ chain: ["env", "storage", "manual"] }).pipe(
   *   Layer.provide([
   *     Environment.layerRecord(variables),
   *     StorageMemory.layer,
   *     ConfigFile.layerDisabled,
   *     FlyCli.layerDisabled
   *   ])
   * )
   * ```
   */
  static readonly layer = (
    options: FlyTokensOptions = {}
  ): Layer.Layer<FlyTokens, InvalidOption, Environment | Storage | ConfigFile | FlyCli> =>
    Layer.effect(FlyTokens, Provider.make(options))

  /**
   * The same with options from `Config`: a value, or the `Config` of one. What is not given here is read from
   * `FLY_TOKENS_` and its name in upper snake case.
   */
  static readonly layerConfig = (
    options: FlyTokensConfig = {}
  ): Layer.Layer<
    FlyTokens,
    InvalidOption | Config.ConfigError,
    Environment | Storage | ConfigFile | FlyCli
  > => Layer.effect(FlyTokens, Effect.flatMap(config(options), Provider.make))
}
