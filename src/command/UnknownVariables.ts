/** Variables that are named like ours and are none: a slip of the pen, by which an option has no effect. */
import * as Effect from "effect/Effect"
import { env } from "node:process"
import { variables } from "../services/OptionName.ts"
import { quote } from "../token/Redaction.ts"
import * as HandedOut from "./HandedOut.ts"
import { nearest } from "./Nearest.ts"

const prefix = "FLY_TOKENS_"

/** Every variable with our prefix that means something. */
export const known: ReadonlyArray<string> = [...Object.values(variables), HandedOut.variable]

const shown = (name: string): string => /^[A-Z0-9_]{1,64}$/.test(name) ? name : quote(name)

/** As many as one line holds. */
const most = 5

/**
 * The names out of these that are none of ours, each as a sentence with what was meant, for example
 * `FLY_TOKENS_CHIAN is no option (FLY_TOKENS_CHAIN?)`. What the variables hold is not looked at.
 */
export const unknown = (names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const strangers = names.filter((name) => name.startsWith(prefix) && !known.includes(name)).sort()
  const said = strangers.slice(0, most).map((name) => {
    const meant = nearest(name.slice(prefix.length).toUpperCase(), known.map((each) => each.slice(prefix.length)))
    return `${shown(name)} is no option${meant === undefined ? "" : ` (${prefix}${meant}?)`}`
  })
  return strangers.length > most ? [...said, `so are ${strangers.length - most} more`] : said
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
