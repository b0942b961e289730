/** A config file of flyctl's that holds what the test says. */
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

/**
 * A reading of the file that began, and when, epoch milliseconds.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface ConfigFileRead {
  readonly name: "config.yml"
  readonly at: number
}

/**
 * Steers the scripted config file. Without a script there is none.
 *
 * @category services
 * @since 0.1.0
 * @stability stable
 */
export class TestConfigFile
  extends Context.Service<TestConfigFile, Script.Steering<ConfigFileScript, ConfigFileRead>>()(
    "effect-fly-tokens/testing/TestConfigFile"
  )
{
  /** A config file that follows a script. */
  static layer(script?: ConfigFileScript): Layer.Layer<ConfigFile | TestConfigFile> {
    return Layer.effectContext(Effect.sync(() => {
      const { play, steering } = Script.player<FlyToken, ConfigFileReason, ConfigFileRead>(script)
      const accessToken = play({ name: "config.yml" }, () => new NotFound({ what: "no config file" }))
      return Context.make(TestConfigFile, steering).pipe(Context.add(ConfigFile, { accessToken }))
    }))
  }

  /** Another script from now on, from its start; `undefined` for no file. */
  static setScript(script: ConfigFileScript | undefined): Effect.Effect<void, never, TestConfigFile> {
    return TestConfigFile.use((config) => config.setScript(script))
  }

  /** How often the file was read so far. */
  static readonly reads: Effect.Effect<number, never, TestConfigFile> = TestConfigFile.use(
    (config) => Effect.map(config.calls, (calls) => calls.length)
  )
}
