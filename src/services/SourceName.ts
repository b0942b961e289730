/**
 * The sources of a token, by name.
 *
 * @since 0.1.0
 * @stability stable
 */
import * as Schema from "effect/Schema"

/**
 * The names of the built-in sources, in the order in which they are asked unless the option `chain` says otherwise.
 * Before all of them stands the cache, which is no source: what it hands out came from one of these.
 *
 * @category constants
 */
export const sourceNames = ["env", "storage", "config", "cli", "manual"] as const

/**
 * The name of a source: a built-in one, or one of your own. Letters, digits and dashes, 32 at most, the first a letter.
 *
 * @category models
 */
export type SourceName = (typeof sourceNames)[number] | (string & {})

/**
 * The name of a source, as a schema.
 *
 * @category models
 */
export const SourceName: Schema.Codec<SourceName, string> = Schema.String.check(
  Schema.isPattern(/^[a-z][a-z0-9-]{0,31}$/)
)
