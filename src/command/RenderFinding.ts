/** How findings look: a sign and a word, so that they read without colour too. */
import { shown, told } from "../token/Redaction.ts"
import type { Finding, Level } from "./diagnosis/Finding.ts"

const signs: Readonly<Record<Level, { readonly sign: string; readonly color: number }>> = {
  ok: { sign: "✓", color: 32 },
  note: { sign: "·", color: 2 },
  skipped: { sign: "-", color: 2 },
  warning: { sign: "!", color: 33 },
  problem: { sign: "✗", color: 31 }
}

const painted = (text: string, color: number, colors: boolean) => colors ? `\u001b[${color}m${text}\u001b[0m` : text

/** The sign and the word of a level, as wide as `width` at least. */
export const label = (level: Level, colors: boolean, width: number = 0): string => {
  const { color, sign } = signs[level]
  return painted(`${sign} ${level}`.padEnd(width), color, colors)
}

/** What to do, on a line of its own. */
export const hint = (text: string, indent: number, colors: boolean): string =>
  `${" ".repeat(indent)}${painted(told`→ ${text}`, 2, colors)}`

/** A finding and what to do about it. */
export const lines = (finding: Finding, colors: boolean): ReadonlyArray<string> => [
  `${label(finding.level, colors)} ${shown(finding.message)}`,
  ...(finding.hint === undefined ? [] : [hint(finding.hint, 2, colors)])
]
