/** A token as environment variables: for shells, for files, for programs. Holds the secret. */
import * as HandedOut from "./HandedOut.ts"

/** `export` for the `eval` of sh, bash and zsh; `env` for files that list variables; `json` for programs. */
export type EnvFormat = "export" | "env" | "json"

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
export const variables = (
  { mark, token }: { readonly token: string; readonly mark: string | undefined },
  format: EnvFormat
): string => {
  switch (format) {
    case "export":
      return [
        `export FLY_API_TOKEN=${shellWord(token)};`,
        ...(mark === undefined ? [] : [`export ${HandedOut.variable}=${shellWord(mark)};`]),
        "unset FLY_ACCESS_TOKEN;"
      ].join("\n")
    case "env":
      return `FLY_API_TOKEN=${fileValue(token)}`
    case "json":
      return JSON.stringify({ FLY_API_TOKEN: token })
  }
}
