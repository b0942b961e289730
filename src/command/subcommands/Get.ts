/**
 * `fly-tokens get`
 *
 * @since 0.1.0
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { FlyTokens } from "../../services/FlyTokens.ts"
import { app, json, services } from "../Parameters.ts"
import * as Render from "../Render.ts"
import * as Terminal from "../Terminal.ts"

/**
 * Prints a token for an app.
 *
 * @category commands
 * @since 0.1.0
 * @stability stable
 */
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
  Effect.fnUntraced(function*({ app, header, json, refresh }) {
    const tokens = yield* FlyTokens
    const resolved = yield* (refresh ? tokens.refresh(app) : tokens.get(app))
    const target = Option.getOrUndefined(header)
    yield* Terminal.print(
      json
        ? Render.resolvedJson(resolved, target)
        : target === undefined
        ? resolved.token.value
        : resolved.authorization(target)
    )
  }, Effect.provide(services))
).pipe(
  Command.withDescription("Print a valid token for an app, and nothing else"),
  Command.withExamples([
    { command: "fly-tokens get my-app", description: "The token, as flyctl prints it" },
    { command: "fly-tokens get my-app --header machines", description: "The value of the Authorization header" }
  ])
)
