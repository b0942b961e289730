/** What changes the store: `fly-tokens set`, `unset`, `invalidate`. */
import * as Command from "effect/cli/Command"
import * as Prompt from "effect/cli/Prompt"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { FlyTokens } from "../../FlyTokens.ts"
import { InvalidAppName } from "../../services/TokenError.ts"
import { isAppName } from "../../token/AppName.ts"
import { FlyToken } from "../../token/FlyToken.ts"
import { noInput } from "../Failure.ts"
import { services } from "../GetToken.ts"
import * as Output from "../Output.ts"
import { app, json } from "./Parameters.ts"

/** No token is longer. */
const maxInput = 65_536

const readStdin = Effect.fnUntraced(function*() {
  const stdio = yield* Stdio.Stdio
  const chunks = yield* Stream.decodeText(stdio.stdin).pipe(
    Stream.runFoldEffect(() => "", (text, chunk) =>
      text.length + chunk.length > maxInput
        ? Effect.fail(noInput(`stdin holds more than ${maxInput} characters, which is no token`))
        : Effect.succeed(text + chunk)),
    Effect.catchTag("PlatformError", () => Effect.fail(noInput("stdin cannot be read")))
  )
  return Redacted.make(chunks)
})

export const set = Command.make(
  "set",
  { app, json },
  Effect.fnUntraced(function*({ app, json }) {
    if (!isAppName(app)) return yield* InvalidAppName.of(app)
    const stdio = yield* Stdio.Stdio
    const input = (yield* stdio.stdinIsTerminal)
      ? yield* Effect.tapError(
        Prompt.run(Prompt.Hidden({ message: `Token for ${app} (not shown)` })),
        // Ctrl-C leaves the cursor behind the prompt.
        () => Console.error("")
      )
      : yield* readStdin()
    if (Redacted.value(input).trim() === "") return yield* noInput("no token was given")
    const token = FlyToken.make(input)
    yield* (yield* FlyTokens).setManual(app, token)
    const { expiresAt, fingerprint } = token
    yield* Output.confirm(`stored a manual token for ${app}`, { app, manual: { fingerprint, expiresAt } }, json)
  }, Effect.provide(services))
).pipe(
  Command.withDescription("Store a token of last resort for an app, read from stdin or a hidden prompt"),
  Command.withExamples([
    { command: "fly tokens create deploy -a my-app | fly-tokens set my-app", description: "Store what flyctl prints" }
  ])
)

export const unset = Command.make(
  "unset",
  { app, json },
  Effect.fnUntraced(function*({ app, json }) {
    yield* (yield* FlyTokens).removeManual(app)
    yield* Output.confirm(`no manual token for ${app} is stored now`, { app, manual: null }, json)
  }, Effect.provide(services))
).pipe(Command.withDescription("Remove the manual token of an app"))

export const invalidate = Command.make(
  "invalidate",
  { app, json },
  Effect.fnUntraced(function*({ app, json }) {
    yield* (yield* FlyTokens).invalidate(app)
    yield* Output.confirm(`no cached token for ${app} is stored now`, { app, cached: null }, json)
  }, Effect.provide(services))
).pipe(Command.withDescription("Drop the cached token of an app, so that the next get asks the sources"))
