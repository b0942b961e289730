/**
 * Everything wired for Node.
 *
 * @since 0.1.0
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { ConfigFile } from "../services/ConfigFile.ts"
import { Environment } from "../services/Environment.ts"
import type { FlyCli } from "../services/FlyCli.ts"
import type { FlyTokens } from "../services/FlyTokens.ts"
import type { Storage } from "../services/Storage.ts"
import type { InvalidOption } from "../services/TokenError.ts"
import * as ConfigFileYaml from "./fly/ConfigFileYaml.ts"
import * as EnvironmentProcess from "./fly/EnvironmentProcess.ts"
import * as FlyCliProcess from "./fly/FlyCliProcess.ts"
import * as FlyTokensLive from "./FlyTokensLive.ts"
import { config, type FlyTokensOptions } from "./FlyTokensOptions.ts"
import * as StorageFileSystem from "./storage/StorageFileSystem.ts"

/**
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface FlyTokensNodeOptions
  extends FlyTokensOptions, StorageFileSystem.StorageFileSystemOptions, FlyCliProcess.FlyCliProcessOptions
{
  /** The environment that the sources and flyctl see. Default: `process.env`, read at each look. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined
}

/**
 * The services that the sources are, on Node: files, `~/.fly/config.yml`, the `fly` command, `process.env`.
 *
 * @category layers
 * @since 0.1.0
 * @stability stable
 */
export const layerSources = (
  options: FlyTokensNodeOptions = {}
): Layer.Layer<Storage | ConfigFile | FlyCli | Environment> =>
  Layer.mergeAll(
    StorageFileSystem.layer(options),
    ConfigFileYaml.layer,
    FlyCliProcess.layer(options)
  ).pipe(
    Layer.provideMerge(
      options.environment === undefined ? EnvironmentProcess.layer : Environment.layerRecord(options.environment)
    ),
    Layer.provide(NodeServices.layer)
  )

/**
 * `FlyTokens` for Node programs.
 *
 * **Example** (A header for the Machines API)
 *
 * ```ts
 * import { FlyTokens } from "effect-fly-tokens"
 * import { FlyTokensNode } from "effect-fly-tokens/node"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function*() {
 *   const tokens = yield* FlyTokens
 *   const token = yield* tokens.get("my-app")
 *   return token.authorization("machines")
 * }).pipe(Effect.provide(FlyTokensNode.layer()))
 * ```
 *
 * @category layers
 * @since 0.1.0
 * @stability stable
 */
export const layer = (options: FlyTokensNodeOptions = {}): Layer.Layer<FlyTokens, InvalidOption> =>
  Layer.provide(FlyTokensLive.layer(options), layerSources(options))

const nodeConfig: Config.Config<FlyTokensNodeOptions> = Config.all({
  binary: Config.withDefault(Config.String("FLY_TOKENS_BINARY"), undefined),
  directory: Config.withDefault(Config.String("FLY_TOKENS_DIR"), undefined)
})

/**
 * The services that the sources are, with `FLY_TOKENS_DIR` and `FLY_TOKENS_BINARY` from `Config`.
 *
 * @category layers
 * @since 0.1.0
 * @stability stable
 */
export const layerSourcesConfig: Layer.Layer<Storage | ConfigFile | FlyCli | Environment, Config.ConfigError> = Layer
  .unwrap(Effect.map(nodeConfig, layerSources))

/**
 * `FlyTokens` for Node programs with its options from `Config`: from the environment by default, named `FLY_TOKENS_` and
 * the option's name in upper snake case.
 *
 * @category layers
 * @since 0.1.0
 * @stability stable
 */
export const layerConfig: Layer.Layer<FlyTokens, InvalidOption | Config.ConfigError> = Layer.unwrap(
  Effect.map(Config.all({ node: nodeConfig, options: config }), ({ node, options }) => layer({ ...options, ...node }))
)
