/**
 * The plain forms of `get`, read without the command line library: scripts call them again and again, and loading that
 * library takes as long as all the rest.
 */
import type { ApiTarget } from "../token/FlyToken.ts"
import type { Asked } from "./Getting.ts"

/** A value may begin like a flag, or be empty: that is for the library to judge. */
const plain = /^[^-]/

/** Behind a flag the library takes such a word for the flag's value. */
const literals: ReadonlySet<string> = new Set(["true", "yes", "on", "1", "y", "false", "no", "off", "0", "n"])

const targets: ReadonlyMap<string, ApiTarget> = new Map([["machines", "machines"], ["graphql", "graphql"]])

/**
 * What `get APP [--json] [--refresh] [--header machines|graphql]` asks for, each flag at most once and anywhere behind
 * `get`. `undefined` for all other words, right or wrong: those are read by the library.
 */
export const read = ([call, ...words]: ReadonlyArray<string>): Asked | undefined => {
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
    } else if (plain.test(word) && app === undefined && !literals.has(word)) app = word
    else return undefined
  }
  return app === undefined ? undefined : { app, header, json, refresh }
}
