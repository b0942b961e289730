/** Variables that are named like ours and are none: a slip of the pen, by which an option has no effect. */
import * as Effect from "effect/Effect"
import { env } from "node:process"
import { variables } from "../services/OptionName.ts"
import { quote } from "../token/Redaction.ts"
import * as TokenMark from "./TokenMark.ts"

const prefix = "FLY_TOKENS_"

/** Every variable with our prefix that means something. */
export const known: ReadonlyArray<string> = [...Object.values(variables), TokenMark.variable]

/** How many letters have to be put in, taken out or replaced to make one text of the other (Levenshtein). */
const distance = (one: string, other: string): number => {
  let row = Array.from({ length: other.length + 1 }, (_, column) => column)
  for (let line = 1; line <= one.length; line++) {
    const above = row
    row = [line]
    for (let column = 1; column <= other.length; column++) {
      const replaced = (above[column - 1] ?? 0) + (one[line - 1] === other[column - 1] ? 0 : 1)
      row.push(Math.min(replaced, (above[column] ?? 0) + 1, (row[column - 1] ?? 0) + 1))
    }
  }
  return row[other.length] ?? 0
}

/** Half of the letters are right, or it is the beginning of the other: `DIRECTORY` and `DIR`. */
const resembles = (name: string, known: string): boolean =>
  2 * distance(name, known) <= Math.max(name.length, known.length) || name.startsWith(known) || known.startsWith(name)

/** The variable that was meant, if one is like it. Both are without the prefix. */
const meant = (name: string): string | undefined => {
  // Longer than all that could resemble it.
  if (name.length > 64) return undefined
  return known.map((each) => each.slice(prefix.length)).filter((each) => resembles(name, each))
    .sort((one, other) => distance(name, one) - distance(name, other))[0]
}

const shown = (name: string): string => /^[A-Z0-9_]{1,64}$/.test(name) ? name : quote(name)

/** As many as one line holds. */
const most = 5

/**
 * The names out of these that are none of ours, each as a sentence with what was meant, for example
 * `FLY_TOKENS_CHIAN is no option (FLY_TOKENS_CHAIN?)`. What the variables hold is not looked at.
 */
export const unknown = (names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const found = names.filter((name) => name.startsWith(prefix) && !known.includes(name)).sort()
  const said = found.slice(0, most).map((name) => {
    const option = meant(name.slice(prefix.length).toUpperCase())
    return `${shown(name)} is no option${option === undefined ? "" : ` (${prefix}${option}?)`}`
  })
  return found.length > most ? [...said, `so are ${found.length - most} more`] : said
}

/** The same of the environment of this process. */
export const found: Effect.Effect<ReadonlyArray<string>> = Effect.sync(() => unknown(Object.keys(env)))

/**
 * Says so in one line, each time: the call does something else than was asked for, and where nobody reads stderr nobody
 * would look for the cause either. `--log-level error` silences it.
 */
export const warn: Effect.Effect<void> = Effect.flatMap(
  found,
  (names) => names.length === 0 ? Effect.void : Effect.logWarning(`fly-tokens: ${names.join(", ")}: ignored`)
)
