/**
 * Everything wired for Node.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { FlyTokens } from "../FlyTokens.ts"
import { config, type FlyTokensOptions } from "../policy/Options.ts"
import type { ConfigFile } from "../services/ConfigFile.ts"
import { Environment } from "../services/Environment.ts"
import type { FlyCli } from "../services/FlyCli.ts"
import { duration, given, optional, type OrConfig } from "../services/OptionConfig.ts"
import type { DurationInput } from "../services/OptionDuration.ts"
import { variables } from "../services/OptionName.ts"
import type { Storage } from "../services/Storage.ts"
import type { InvalidOption } from "../services/TokenError.ts"
import * as LeaseFileSystem from "./file/LeaseFileSystem.ts"
import * as StorageFileSystem from "./file/StorageFileSystem.ts"
import * as ConfigFileYaml from "./fly/ConfigFileYaml.ts"
import * as EnvironmentProcess from "./fly/EnvironmentProcess.ts"
import * as FlyCliProcess from "./fly/FlyCliProcess.ts"
import * as NodePlatform from "./NodePlatform.ts"
import * as Source from "./Source.ts"

/**
 * Options of the layers for Node: those of the resolver, of the files and of the `fly` command.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface FlyTokensNodeOptions
  extends FlyTokensOptions, StorageFileSystem.StorageFileSystemOptions, FlyCliProcess.FlyCliProcessOptions
{
  /**
   * For how long the lease of a process that was suspended keeps the others from minting, or of one that died where they
   * cannot see that it did (elsewhere, or in another container). Default 30 seconds; from 1 second to 1 hour.
   */
  readonly leaseTtl?: DurationInput | undefined
  /** The environment that the sources and flyctl see. Default: `process.env`, read at each look. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined
}

/**
 * Options of which each but `environment` is a value, or the `Config` of one.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type FlyTokensNodeConfig =
  & OrConfig<Omit<FlyTokensNodeOptions, "environment">>
  & Pick<FlyTokensNodeOptions, "environment">

const layerEnvironment = (options: FlyTokensNodeOptions) =>
  options.environment === undefined ? EnvironmentProcess.layer : Environment.layerRecord(options.environment)

/**
 * Records as files, and leases as files beside them: one machine, any number of processes.
 *
 * @category layers
 * @since 0.1.0
 * @stability stable
 */
export const layerFiles = (options: FlyTokensNodeOptions = {}): Layer.Layer<Storage, InvalidOption> =>
  Layer.merge(
    StorageFileSystem.layer(options),
    LeaseFileSystem.layer({ directory: options.directory, ttl: options.leaseTtl })
  ).pipe(
    Layer.provide(layerEnvironment(options)),
    Layer.provide(NodePlatform.layer)
  )

/**
 * What the sources but the store are, on Node: `~/.fly/config.yml`, the `fly` command, `process.env`.
 *
 * @category layers
 * @since 0.1.0
 * @stability stable
 */
export const layerFly = (options: FlyTokensNodeOptions = {}): Layer.Layer<ConfigFile | FlyCli | Environment> =>
  Layer.mergeAll(
    ConfigFileYaml.layer,
    FlyCliProcess.layer(options)
  ).pipe(
    Layer.provideMerge(layerEnvironment(options)),
    Layer.provide(NodePlatform.layer)
  )

/**
 * The services that the sources are, on Node: files, `~/.fly/config.yml`, the `fly` command, `process.env`.
 *
 * @category layers
 * @since 0.1.0
 * @stability stable
 */
export const layerSources = (
  options: FlyTokensNodeOptions = {}
): Layer.Layer<Storage | ConfigFile | FlyCli | Environment, InvalidOption> =>
  Layer.merge(layerFiles(options), layerFly(options))

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
  Layer.provide(FlyTokens.layer(options), Layer.merge(layerSources(options), NodePlatform.layer))

/**
 * `FlyTokens` for Node programs over a storage of your choice, and over the `Lease` that is provided with it.
 *
 * **Example** (A fleet that shares a Redis)
 *
 * ```ts
 * import * as NodeRedis from "@effect/platform-node/NodeRedis"
 * import { FlyTokensNode } from "effect-fly-tokens/node"
 * import { LeaseRedis, StorageRedis } from "effect-fly-tokens/redis"
 * import * as Layer from "effect/Layer"
 *
 * const layer = FlyTokensNode.layerNoStorage({ org: "my-org" }).pipe(
 *   Layer.provide(Layer.merge(StorageRedis.layer(), LeaseRedis.layer())),
 *   Layer.provide(NodeRedis.layer({ url: "redis://localhost:6379", disableOfflineQueue: true }))
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 * @stability stable
 */
export const layerNoStorage = (
  options: FlyTokensNodeOptions = {}
): Layer.Layer<FlyTokens, InvalidOption, Storage> =>
  Layer.provide(FlyTokens.layer(options), Layer.merge(layerFly(options), NodePlatform.layer))

type NodeOnly = Pick<FlyTokensNodeOptions, "binary" | "directory" | "leaseTtl">

const nodeReaders = {
  binary: optional(Config.String(variables.binary)),
  directory: optional(Config.String(variables.directory)),
  leaseTtl: duration(variables.leaseTtl)
}

/**
 * The services that the sources are, with `FLY_TOKENS_DIR`, `FLY_TOKENS_BINARY` and `FLY_TOKENS_LEASE_TTL` from `Config`, and
 * the sources `command` and `file`, if `FLY_TOKENS_COMMAND` and `FLY_TOKENS_FILE` are set.
 *
 * @category layers
 * @since 0.1.0
 * @stability stable
 */
export const layerSourcesConfig: Layer.Layer<
  Storage | ConfigFile | FlyCli | Environment,
  InvalidOption | Config.ConfigError
> = Layer.merge(Layer.unwrap(Effect.map(given<NodeOnly>(nodeReaders, {}), layerSources)), Source.layerConfig)

/**
 * `FlyTokens` for Node programs with options from `Config`: a value, or the `Config` of one. What is not given here is
 * read from the environment, by default from variables named `FLY_TOKENS_` and the option's name in upper snake case.
 *
 * @category layers
 * @since 0.1.0
 * @stability stable
 */
export const layerConfig = (
  { binary, directory, environment, leaseTtl, ...options }: FlyTokensNodeConfig = {}
): Layer.Layer<FlyTokens, InvalidOption | Config.ConfigError> =>
  Layer.unwrap(
    Effect.map(
      Config.all({ node: given<NodeOnly>(nodeReaders, { binary, directory, leaseTtl }), options: config(options) }),
      ({ node, options }) => layer({ ...options, ...node, environment })
    )
  ).pipe(Layer.provide(Source.layerConfig))
