/**
 * What several calls of the command take.
 *
 * @since 0.1.0
 */
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"

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
