/** What several calls of the command take. */
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"

export const app = Argument.String("app").pipe(Argument.withDescription("The name of the Fly app"))

export const apps = Argument.String("app").pipe(
  Argument.withDescription("Names of Fly apps; none: all that are stored"),
  Argument.variadic()
)

export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print JSON, failures too (on stderr)"),
  Flag.withDefault(false)
)
