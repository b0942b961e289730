/**
 * `fly-tokens set`
 *
 * @since 0.1.0
 */
import * as Command from "effect/cli/Command"
import * as Prompt from "effect/cli/Prompt"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { FlyTokens } from "../../services/FlyTokens.ts"
import { InvalidAppName } from "../../services/TokenError.ts"
import { isAppName } from "../../token/AppName.ts"
import { NoInput } from "../Failure.ts"
import { app, services } from "../Parameters.ts"

/** No token is longer. */
const maxInput = 65_536

const readStdin = Effect.fnUntraced(function*() {
  const stdio = yield* Stdio.Stdio
  const chunks = yield* Stream.decodeText(stdio.stdin).pipe(
    Stream.runFoldEffect(() => "", (text, chunk) =>
      text.length + chunk.length > maxInput
        ? Effect.fail(new NoInput({ why: `stdin holds more than ${maxInput} characters, which is no token` }))
        : Effect.succeed(text + chunk)),
    Effect.catchTag("PlatformError", () => Effect.fail(new NoInput({ why: "stdin cannot be read" })))
  )
  return Redacted.make(chunks)
})

/**
 * Stores a manual token.
 *
 * @category commands
 * @since 0.1.0
 * @stability stable
 */
export const set = Command.make(
  "set",
  { app },
  Effect.fnUntraced(function*({ app }) {
    if (!isAppName(app)) return yield* InvalidAppName.of(app)
    const stdio = yield* Stdio.Stdio
    const token = (yield* stdio.stdinIsTerminal)
      ? yield* Effect.tapError(
        Prompt.run(Prompt.Hidden({ message: `Token for ${app} (not shown)` })),
        // Ctrl-C leaves the cursor behind the prompt.
        () => Console.error("")
      )
      : yield* readStdin()
    if (Redacted.value(token).trim() === "") return yield* new NoInput({ why: "no token was given" })
    yield* (yield* FlyTokens).setManual(app, token)
    yield* Console.error(`stored a manual token for ${app}`)
  }, Effect.provide(services))
).pipe(
  Command.withDescription("Store a token of last resort for an app, read from stdin or a hidden prompt"),
  Command.withExamples([
    { command: "fly tokens create deploy -a my-app | fly-tokens set my-app", description: "Store what flyctl prints" }
  ])
)
