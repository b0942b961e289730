/** What the words of the command line are, as far as that is looked at before the command line library reads them. */
import type { ApiTarget } from "../token/FlyToken.ts"

/** Flags of the command line library whose value may be the next word. */
const valued: ReadonlySet<string> = new Set(["--log-level", "--completions"])

/** The index of the first word from `from` on that is no flag and no flag's value, or of `--`. */
const nextWord = (words: ReadonlyArray<string>, from: number): number => {
  let index = from
  while (index < words.length) {
    const word = words[index] ?? ""
    if (word === "--" || !word.startsWith("-")) return index
    index += valued.has(word) ? 2 : 1
  }
  return index
}

/** The call that the words are of, `get` for instance. */
export const callOf = (words: ReadonlyArray<string>): string | undefined => words[nextWord(words, 0)]

/**
 * Puts `--` before the command that `exec` runs, if it is not there, so that the flags of that command are its own:
 * `exec my-app curl -s` is `exec my-app -- curl -s`. Anything else stays as it is.
 */
export const delimited = (words: ReadonlyArray<string>): ReadonlyArray<string> => {
  const call = nextWord(words, 0)
  if (words[call] !== "exec") return words
  const app = nextWord(words, call + 1)
  if (words[app] === "--") return words
  const command = nextWord(words, app + 1)
  if (command >= words.length || words[command] === "--") return words
  return [...words.slice(0, command), "--", ...words.slice(command)]
}

/** Whether `--json` is among the words before `--`. */
export const hasJson = (words: ReadonlyArray<string>): boolean => {
  const flag = words.indexOf("--json")
  const end = words.indexOf("--")
  return flag !== -1 && (end === -1 || flag < end)
}

/** What is to be printed for which app. */
export interface Get {
  readonly app: string
  readonly json: boolean
  readonly refresh: boolean
  /** The API whose header's value is wanted; `undefined`: the token. */
  readonly header: ApiTarget | undefined
}

/** Behind a flag the library takes such a word for the flag's value. */
const literals: ReadonlySet<string> = new Set(["true", "yes", "on", "1", "y", "false", "no", "off", "0", "n"])

const targets: ReadonlyMap<string, ApiTarget> = new Map([["machines", "machines"], ["graphql", "graphql"]])

/**
 * What `get APP [--json] [--refresh] [--header machines|graphql]` asks for, each flag at most once and anywhere behind
 * `get`. `undefined` for all other words, right or wrong: those are read by the library. Scripts call `get` again and
 * again, and loading the library takes as long as all the rest.
 */
export const fastGet = ([call, ...words]: ReadonlyArray<string>): Get | undefined => {
  if (call !== "get") return undefined
  let app: string | undefined
  let header: ApiTarget | undefined
  let json = false
  let refresh = false
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? ""
    if (word === "--json" && !json) json = true
    else if (word === "--refresh" && !refresh) refresh = true
    else if (word === "--header" && header === undefined) {
      header = targets.get(words[++index] ?? "")
      if (header === undefined) return undefined
      // One that begins like a flag, or is empty, is for the library to judge.
    } else if (/^[^-]/.test(word) && app === undefined && !literals.has(word)) app = word
    else return undefined
  }
  return app === undefined ? undefined : { app, header, json, refresh }
}
