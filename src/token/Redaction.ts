/**
 * Text that may hold a token, or anything else, made fit to print. Whatever comes from outside goes through here before
 * it is shown.
 */
import { visible } from "./Visible.ts"

const tokens = /(fo1_|fm1[ar]_|fm2_)[A-Za-z0-9._~/+-]+=*/g

/**
 * Puts `<redacted>` in place of everything in a text that looks like a Fly token. It cannot know old
 * plain tokens, so it is a second line of defence: texts from outside do not belong in messages at all.
 */
export const redactTokens = (text: string): string => text.replace(tokens, "$1<redacted>")

/**
 * A text as one line to be shown. Tokens are looked for last: an escape like \u001f may become the beginning of what
 * looks like one.
 */
export const shown = (text: string): string => redactTokens(visible(text))

/** A text of several lines to be shown. */
export const shownLines = (text: string): string => text.split("\n").map(shown).join("\n")

/** A sentence of ours around values that may be from outside: a template whose values are {@link shown}. */
export const told = (sentence: TemplateStringsArray, ...values: ReadonlyArray<string | number>): string =>
  String.raw({ raw: sentence }, ...values.map((value) => shown(String(value))))

/** A short, printable, token-free form of a text from outside: quoted as JSON does it, cut after `limit` characters. */
export const quote = (text: string, limit: number = 64): string => {
  const redacted = redactTokens(text)
  const short = redacted.length > limit ? `${redacted.slice(0, limit)}…` : redacted
  return shown(JSON.stringify(short))
}
