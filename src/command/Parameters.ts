/**
 * What several calls of the command take, and the services that they run on.
 *
 * @since 0.1.0
 */
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"
import * as Layer from "effect/Layer"
import * as FlyTokensLive from "../layers/FlyTokensLive.ts"
import * as FlyTokensNode from "../layers/FlyTokensNode.ts"

/**
 * Built when a command runs, so that `--help` needs no valid options.
 *
 * @category layers
 * @since 0.1.0
 * @stability stable
 */
export const services = Layer.provideMerge(FlyTokensLive.layerConfig, FlyTokensNode.layerSourcesConfig)

/**
 * @category parameters
 * @since 0.1.0
 * @stability stable
 */
export const app = Argument.String("app").pipe(Argument.withDescription("The name of the Fly app"))

/**
 * @category parameters
 * @since 0.1.0
 * @stability stable
 */
export const apps = Argument.String("app").pipe(
  Argument.withDescription("Names of Fly apps; none: all that are stored"),
  Argument.variadic()
)

/**
 * @category parameters
 * @since 0.1.0
 * @stability stable
 */
export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print JSON, failures too (on stderr)"),
  Flag.withDefault(false)
)
