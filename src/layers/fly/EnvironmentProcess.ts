/**
 * The environment of this process.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import { env } from "node:process"
import { Environment } from "../../services/Environment.ts"

/**
 * `process.env`, read at each look, so that a variable set later is seen.
 *
 * @category layers
 * @since 0.1.0
 * @stability stable
 */
export const layer: Layer.Layer<Environment> = Layer.succeed(Environment)({ get: (name) => env[name] })
