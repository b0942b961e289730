/** `fly-tokens exec` */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import process from "node:process"
import * as ChildCommand from "../ChildCommand.ts"
import { childEnvironment } from "../ExecEnvironment.ts"
import { NoTokenForCommand } from "../Failure.ts"
import { services, token } from "../Getting.ts"
import { app, json } from "../Parameters.ts"

/** Runs a command with a token in its environment. */
export const exec = Command.make(
  "exec",
  {
    app,
    file: Argument.String("command").pipe(Argument.withDescription("What to run, found as a shell would find it")),
    args: Argument.String("args").pipe(
      Argument.withDescription("Its arguments; all that follows the app is the command's own"),
      Argument.variadic()
    ),
    json
  },
  Effect.fnUntraced(function*({ app, args, file }) {
    // The services are gone before the command starts: what they had to write is written, and nothing refreshes.
    const { mark, resolved } = yield* token(app).pipe(
      Effect.catchTag("NoTokenAvailable", (reason) => Effect.fail(new NoTokenForCommand({ reason }))),
      Effect.provide(services)
    )
    yield* ChildCommand.run(
      [file, ...args],
      childEnvironment(process.env, { mark, token: resolved.token.value })
    )
  })
).pipe(
  Command.withDescription(
    "Run a command with FLY_API_TOKEN set: the token is got before it starts and not replaced while it runs. Ends with " +
      "the command's exit code, 125 without a token, 126 or 127 if the command cannot be run or found"
  ),
  Command.withExamples([
    { command: "fly-tokens exec my-app -- fly logs -a my-app", description: "Run flyctl with the app's token" }
  ])
)
