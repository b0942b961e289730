/**
 * The name of a Fly app, as Fly allows it.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

const pattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/**
 * A Fly app name: lowercase letters, digits and dashes, starting and ending with a letter or digit, 1–63 characters.
 *
 * **Details**
 *
 * A value of this type is never a path, a flag or a line break, so it can name a file, stand in an argument list and be
 * printed. Slugs of organizations have the same form.
 *
 * **Example** (Checking a name)
 *
 * ```ts
 * import { AppName } from "effect-fly-tokens"
 * import * as Schema from "effect/Schema"
 *
 * Schema.is(AppName)("my-app") // true
 * Schema.is(AppName)("../my-app") // false
 * ```
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export const AppName = Schema.String.pipe(
  Schema.check(Schema.isPattern(pattern, {
    message: "1–63 lowercase letters, digits and dashes, starting and ending with a letter or digit"
  })),
  Schema.brand("AppName")
)

/**
 * A text that is known to be an app name.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type AppName = typeof AppName.Type

/**
 * Whether a text is an app name. Takes any value: what is not a string is not a name.
 *
 * @category guards
 * @since 0.1.0
 * @stability stable
 */
export const isAppName = (input: unknown): input is AppName => typeof input === "string" && pattern.test(input)
