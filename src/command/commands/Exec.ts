/** `fly-tokens exec` */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import process from "node:process"
import { secretVariables } from "../../services/OptionName.ts"
import * as ChildCommand from "../exec/ChildCommand.ts"
import { ExitWith } from "../Failure.ts"
import { services, token } from "../GetToken.ts"
import * as TokenMark from "../TokenMark.ts"
import { app, json } from "./Parameters.ts"

/** Given anew, or kept back: the key of a whole store. flyctl prefers `FLY_ACCESS_TOKEN`, an empty one too. */
const withheld: ReadonlySet<string> = new Set([
  "FLY_ACCESS_TOKEN",
  "FLY_API_TOKEN",
  TokenMark.variable,
  ...secretVariables
])

/** Our environment for the command: with the token, and without what opens more than this app. */
export const environmentWith = (
  token: string,
  mark: string | undefined,
  inherited: NodeJS.ProcessEnv
): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(inherited).filter(([name]) => !withheld.has(name))),
  FLY_API_TOKEN: token,
  ...(mark === undefined ? {} : { [TokenMark.variable]: mark })
})

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
      Effect.catchTag("NoTokenAvailable", (failure) => Effect.fail(new ExitWith({ exitCode: 125, failure }))),
      Effect.provide(services)
    )
    return yield* ChildCommand.run([file, ...args], environmentWith(resolved.token.value, mark, process.env))
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
