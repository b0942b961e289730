/**
 * The services that a diagnosis looks at: those of the other calls, but the store is for reading only. Building them
 * fails with no option that is wrong.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as EnvironmentProcess from "../../layers/fly/EnvironmentProcess.ts"
import * as FlyTokensNode from "../../layers/FlyTokensNode.ts"
import { optional } from "../../layers/FlyTokensOptions.ts"
import * as NodePlatform from "../../layers/NodePlatform.ts"
import * as StorageFileSystem from "../../layers/storage/StorageFileSystem.ts"
import { variables } from "../../services/OptionName.ts"

/**
 * The option `binary`.
 *
 * @category options
 * @since 0.1.0
 * @stability stable
 */
export const binary = Effect.orElseSucceed(optional(Config.String(variables.binary)), () => undefined)

/**
 * @category layers
 * @since 0.1.0
 * @stability stable
 */
export const layer = Layer.mergeAll(
  Layer.unwrap(Effect.map(binary, (binary) => FlyTokensNode.layerFly({ binary }))),
  // The directory is `FLY_TOKENS_DIR`, which it reads itself.
  StorageFileSystem.layerReadOnly().pipe(Layer.provide(EnvironmentProcess.layer))
).pipe(Layer.provideMerge(NodePlatform.layer))
