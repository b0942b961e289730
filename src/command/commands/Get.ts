/** `fly-tokens get` */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"
import * as GetToken from "../GetToken.ts"
import { app, json } from "./Parameters.ts"

export const get = Command.make(
  "get",
  {
    app,
    json,
    refresh: Flag.Boolean("refresh").pipe(
      Flag.withDescription(
        "Drop what is cached and ask the sources; the environment or config.yml may yield the same again"
      ),
      Flag.withDefault(false)
    ),
    header: Flag.Literals("header", ["machines", "graphql"]).pipe(
      Flag.withDescription("Print the value of the Authorization header for this API"),
      Flag.optional
    )
  },
  ({ header, ...rest }) => GetToken.print({ ...rest, header: Option.getOrUndefined(header) })
).pipe(
  Command.withDescription("Print a valid token for an app, and nothing else"),
  Command.withExamples([
    { command: "fly-tokens get my-app", description: "The token, as flyctl prints it" },
    { command: "fly-tokens get my-app --header machines", description: "The value of the Authorization header" }
  ])
)
