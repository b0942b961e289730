/** `fly-tokens env`: a token as environment variables, for shells, for files, for programs. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { services, token } from "../GetToken.ts"
import * as Output from "../Output.ts"
import * as TokenMark from "../TokenMark.ts"
import { app, json } from "./Parameters.ts"

/** One word for any shell, whatever is in it. */
const shellWord = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** Readers of such files differ: some take quotes for a part of the value, so there are none unless there must be. */
const fileValue = (text: string): string => {
  if (/^[A-Za-z0-9+/=_.,:-]+(?: [A-Za-z0-9+/=_.,:-]+)*$/.test(text)) return text
  const quotes = ["'", "\"", "`"].find((quotes) => !text.includes(quotes)) ?? ""
  return `${quotes}${text}${quotes}`
}

/**
 * The lines that set `FLY_API_TOKEN`. A shell also gets the mark, by which another call in it knows whose token that is,
 * and unsets `FLY_ACCESS_TOKEN`, which flyctl prefers. Each statement ends with `;`, so that an `eval` without quotes
 * around it works too.
 */
export const formats = {
  export: (token: string, mark: string | undefined) =>
    [
      `export FLY_API_TOKEN=${shellWord(token)};`,
      ...mark === undefined ? [] : [`export ${TokenMark.variable}=${shellWord(mark)};`],
      "unset FLY_ACCESS_TOKEN;"
    ].join("\n"),
  env: (token: string) => `FLY_API_TOKEN=${fileValue(token)}`,
  json: (token: string) => JSON.stringify({ FLY_API_TOKEN: token })
}

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
    yield* Output.print(formats[json ? "json" : format](resolved.token.value, mark))
  }, Effect.provide(services))
).pipe(
  Command.withDescription("Print a token as the variable FLY_API_TOKEN, for shells, files and programs"),
  Command.withExamples([
    { command: "eval \"$(fly-tokens env my-app)\"", description: "Set it in this shell" },
    { command: "fly-tokens env my-app --format env > .env", description: "Write it into a file" }
  ])
)
