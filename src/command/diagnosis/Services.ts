/**
 * The services that a diagnosis looks at: those of the other calls, but the store is for reading only. Building them
 * fails with no option that is wrong.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as StorageFileSystem from "../../layers/file/StorageFileSystem.ts"
import * as EnvironmentProcess from "../../layers/fly/EnvironmentProcess.ts"
import * as FlyTokensNode from "../../layers/FlyTokensNode.ts"
import * as NodePlatform from "../../layers/NodePlatform.ts"
import { optional } from "../../resolver/Options.ts"
import { variables } from "../../services/OptionName.ts"

/** The option `binary`. */
export const binary = Effect.orElseSucceed(optional(Config.String(variables.binary)), () => undefined)

export const layer = Layer.mergeAll(
  Layer.unwrap(Effect.map(binary, (binary) => FlyTokensNode.layerFly({ binary }))),
  // The directory is `FLY_TOKENS_DIR`, which it reads itself.
  StorageFileSystem.layerReadOnly().pipe(Layer.provide(EnvironmentProcess.layer))
).pipe(Layer.provideMerge(NodePlatform.layer))
