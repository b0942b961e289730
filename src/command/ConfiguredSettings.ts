/** The options of a call, from the environment. */
import * as Effect from "effect/Effect"
import * as Source from "../layers/Source.ts"
import { config, settingsOf } from "../policy/Options.ts"

export const configuredSettings = Effect.provide(Effect.flatMap(config(), settingsOf), Source.layerConfig)
