/** `fly-tokens set` */
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
import { NoInput } from "../Failure.ts"
import { services } from "../Getting.ts"
import { app, json } from "../Parameters.ts"
import * as Render from "../Render.ts"
import * as Terminal from "../Terminal.ts"

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

/** Stores a manual token. */
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
    if (Redacted.value(input).trim() === "") return yield* new NoInput({ why: "no token was given" })
    const token = FlyToken.make(input)
    yield* (yield* FlyTokens).setManual(app, token)
    const { expiresAt, fingerprint } = token
    yield* Terminal.confirm({
      words: `stored a manual token for ${app}`,
      json: { app, manual: { fingerprint, expiresAt: Render.isoTime(expiresAt) } }
    }, { json })
  }, Effect.provide(services))
).pipe(
  Command.withDescription("Store a token of last resort for an app, read from stdin or a hidden prompt"),
  Command.withExamples([
    { command: "fly tokens create deploy -a my-app | fly-tokens set my-app", description: "Store what flyctl prints" }
  ])
)
