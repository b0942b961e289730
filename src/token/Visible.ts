/** Text from outside, so that all of it is seen: nothing in it moves a cursor, turns the line around, or hides. */

/**
 * What has no picture of its own: control characters (C0, DEL, C1), marks of direction, joiners and everything else that
 * may be ignored, separators of lines, spaces but the common one, and what is half a character or none.
 */
const hidden = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/gu

const short: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }

/** As JSON writes it, so that it can stand in JSON too. */
const escaped = (character: string): string =>
  short[character] ??
    Array.from({ length: character.length }, (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`)
      .join("")

/** A text in one line, with an escape in place of each character that cannot be seen. */
export const visible = (text: string): string => text.replace(hidden, escaped)

/** A value as JSON in which everything can be seen. It says the same as JSON without that. */
export const visibleJson = (value: unknown): string => visible(JSON.stringify(value))
