/** flyctl's config file. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { FlyToken } from "../token/FlyToken.ts"
import type { Malformed, MissReason } from "./MissReason.ts"
import { Disabled, type NotFound, type Unreadable } from "./MissReason.ts"

/**
 * What reading the config file can come to.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type ConfigFileReason = Extract<MissReason, NotFound | Unreadable | Malformed | Disabled>

/**
 * The `access_token` of flyctl's config file, read anew on each run, so that a new login is seen at once. The token may
 * well be expired: flyctl's own live for minutes.
 *
 * @category services
 * @since 0.1.0
 * @stability stable
 */
export class ConfigFile extends Context.Service<ConfigFile, {
  /** Reads the file, and gives its token or why there is none. */
  readonly accessToken: Effect.Effect<FlyToken, ConfigFileReason>
}>()("effect-fly-tokens/ConfigFile") {
  /**
   * No config file: the source is a miss.
   *
   * @category layers
   */
  static readonly layerDisabled: Layer.Layer<ConfigFile> = Layer.succeed(ConfigFile)({
    accessToken: Effect.fail(new Disabled())
  })
}
