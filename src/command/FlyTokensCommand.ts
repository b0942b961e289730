/**
 * The command `fly-tokens`.
 *
 * @since 0.1.0
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Prompt from "effect/cli/Prompt"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as FlyTokensLive from "../layers/FlyTokensLive.ts"
import * as FlyTokensNode from "../layers/FlyTokensNode.ts"
import { FlyTokens } from "../services/FlyTokens.ts"
import { Storage, type StorageKey } from "../services/Storage.ts"
import { InvalidAppName } from "../services/TokenError.ts"
import { isAppName } from "../token/AppName.ts"
import { FlyToken } from "../token/FlyToken.ts"
import { NoInput } from "./Failure.ts"
import * as Render from "./Render.ts"
import * as Terminal from "./Terminal.ts"

/** Built when a command runs, so that `--help` needs no valid options. */
const services = Layer.provideMerge(FlyTokensLive.layerConfig, FlyTokensNode.layerSourcesConfig)

const app = Argument.String("app").pipe(Argument.withDescription("The name of the Fly app"))

const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print JSON, failures too (on stderr)"),
  Flag.withDefault(false)
)

const get = Command.make(
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

const set = Command.make(
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

const unset = Command.make(
  "unset",
  { app },
  Effect.fnUntraced(function*({ app }) {
    yield* (yield* FlyTokens).removeManual(app)
    yield* Console.error(`no manual token for ${app} is stored now`)
  }, Effect.provide(services))
).pipe(Command.withDescription("Remove the manual token of an app"))

const invalidate = Command.make(
  "invalidate",
  { app },
  Effect.fnUntraced(function*({ app }) {
    yield* (yield* FlyTokens).invalidate(app)
    yield* Console.error(`no cached token for ${app} is stored now`)
  }, Effect.provide(services))
).pipe(Command.withDescription("Drop the cached token of an app, so that the next get asks the sources"))

const keys: ReadonlyArray<StorageKey> = ["cached", "manual", "org"]

const listed = (name: string, kept: StorageKey) =>
  Storage.use((storage) => storage.get(name, kept)).pipe(
    Effect.map(Option.map((record): Render.ListedRecord => ({
      name,
      kept,
      source: record.source,
      fingerprint: FlyToken.make(record.token).fingerprint,
      savedAt: record.savedAt,
      expiresAt: record.expiresAt
    }))),
    Effect.catch((error) => Effect.succeedSome<Render.ListedRecord>({ name, kept, problem: error.message }))
  )

const list = Command.make(
  "list",
  { json },
  Effect.fnUntraced(function*({ json }) {
    const storage = yield* Storage
    const records = yield* Effect.forEach(
      keys,
      (key) => Effect.flatMap(storage.list(key), (names) => Effect.forEach(names, (name) => listed(name, key)))
    )
    const found = records.flat().flatMap(Option.toArray)
    yield* Terminal.print(
      json
        ? Render.recordsJson(found)
        : Render.records(found, { now: yield* Clock.currentTimeMillis, colors: yield* Terminal.canColorStdout })
    )
  }, Effect.provide(services))
).pipe(Command.withDescription("Show what is stored: apps, organizations, expiry; never a token"))

/**
 * The command with all its subcommands.
 *
 * @category commands
 * @since 0.1.0
 * @stability stable
 */
export const command = Command.make("fly-tokens").pipe(
  Command.withDescription("A valid Fly.io API token per app, from the best source there is"),
  Command.withSubcommands([get, set, unset, invalidate, list])
)
