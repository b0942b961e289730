/**
 * Text that may hold a token, made fit to print.
 *
 * @since 0.1.0
 */

const tokens = /(fo1_|fm1[ar]_|fm2_)[A-Za-z0-9/+_-]+=*/g

/**
 * Puts `<redacted>` in place of everything in a text that looks like a Fly token. It cannot know old
 * plain tokens, so it is a second line of defence: texts from outside do not belong in messages at all.
 *
 * @category redaction
 * @since 0.1.0
 * @stability stable
 */
export const redactTokens = (text: string): string => text.replace(tokens, "$1<redacted>")

/**
 * A short, printable, token-free form of a text from outside: quoted as JSON does it, cut after `limit` characters.
 *
 * @category redaction
 * @since 0.1.0
 * @stability stable
 */
export const quote = (text: string, limit: number = 64): string => {
  const redacted = redactTokens(text)
  const short = redacted.length > limit ? `${redacted.slice(0, limit)}…` : redacted
  // Once more: an escape like \u001f may become the beginning of what looks like one.
  return redactTokens(JSON.stringify(short))
}
