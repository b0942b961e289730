/** `fly-tokens env` */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { services, token } from "../Getting.ts"
import { app, json } from "../Parameters.ts"
import * as RenderEnv from "../RenderEnv.ts"
import * as Terminal from "../Terminal.ts"

/** Prints a token as environment variables. */
export const env = Command.make(
  "env",
  {
    app,
    json,
    format: Flag.Literals("format", ["export", "env", "json"]).pipe(
      Flag.withDescription("For the eval of sh, bash and zsh (export), for a file (env), for programs (json)"),
      Flag.withDefault("export" as const)
    )
  },
  Effect.fnUntraced(function*({ app, format, json }) {
    const { mark, resolved } = yield* token(app)
    yield* Terminal.print(RenderEnv.variables({ token: resolved.token.value, mark }, json ? "json" : format))
  }, Effect.provide(services))
).pipe(
  Command.withDescription("Print a token as the variable FLY_API_TOKEN, for shells, files and programs"),
  Command.withExamples([
    { command: "eval \"$(fly-tokens env my-app)\"", description: "Set it in this shell" },
    { command: "fly-tokens env my-app --format env > .env", description: "Write it into a file" }
  ])
)
