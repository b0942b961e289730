/**
 * A config file of flyctl's that holds what the test says.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ConfigFile, type ConfigFileReason } from "../../services/ConfigFile.ts"
import { NotFound } from "../../services/MissReason.ts"
import type { FlyToken } from "../../token/FlyToken.ts"
import * as Script from "./Script.ts"

/**
 * What reading the file comes to: the same each time, or one after the other.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type ConfigFileScript = Script.Outcomes<FlyToken, ConfigFileReason>

const noFile = Effect.suspend(() => new NotFound({ what: "no config file" }))

/** There is one file. */
const file = { name: "config.yml" }

/**
 * Steers the scripted config file. Without a script there is none.
 *
 * @category services
 * @since 0.1.0
 * @stability stable
 */
export class TestConfigFile extends Context.Service<TestConfigFile, {
  /** Another script from now on, from its start. */
  readonly setScript: (script: ConfigFileScript | undefined) => Effect.Effect<void>
  /** How often the file was read so far. */
  readonly reads: Effect.Effect<number>
}>()("effect-fly-tokens/testing/TestConfigFile") {
  /**
   * A config file that follows a script.
   *
   * @category layers
   */
  static layer(script?: ConfigFileScript): Layer.Layer<ConfigFile | TestConfigFile> {
    return Layer.effectContext(Effect.sync(() => {
      let reads = 0
      const player = Script.player<FlyToken, ConfigFileReason, typeof file>(script)
      return Context.make(TestConfigFile, {
        setScript: (script) => Effect.sync(() => player.play(script)),
        reads: Effect.sync(() => reads)
      }).pipe(Context.add(ConfigFile, {
        accessToken: Effect.suspend(() => {
          reads++
          return player.outcome(file, noFile)
        })
      }))
    }))
  }

  /**
   * Another script from now on, from its start; `undefined` for no file.
   *
   * @category steering
   */
  static setScript(script: ConfigFileScript | undefined): Effect.Effect<void, never, TestConfigFile> {
    return TestConfigFile.use((config) => config.setScript(script))
  }

  /**
   * How often the file was read so far.
   *
   * @category looking
   */
  static readonly reads: Effect.Effect<number, never, TestConfigFile> = TestConfigFile.use((config) => config.reads)
}
