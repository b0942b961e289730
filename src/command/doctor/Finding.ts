/** What `doctor` and `explain` find: a cause, and what to do about it. */
import { shown } from "../../token/Redaction.ts"
import * as Render from "../Render.ts"

/** How much a finding matters. `skipped`: it was not checked. Only a `problem` keeps tokens from being had. */
export type Level = "ok" | "note" | "skipped" | "warning" | "problem"

/** One finding. Nothing in it is secret. */
export interface Finding {
  readonly level: Level
  readonly message: string
  /** What to do. */
  readonly hint: string | null
}

export const finding = (level: Level, message: string, hint: string | null = null): Finding => ({
  level,
  message,
  hint
})

export const because = (level: Level, reason: { readonly message: string; readonly hint: string }): Finding =>
  finding(level, reason.message, reason.hint)

/** The level of what stops a source: a problem if tokens depend on it, else a warning. */
export const severity = (needed: boolean): Level => needed ? "problem" : "warning"

/** Whether a finding is more than information. */
export const matters = ({ level }: Finding): boolean => level === "problem" || level === "warning"

/** Says that all is well before findings of which none matters. */
export const orOk = (findings: ReadonlyArray<Finding>, ok: string): ReadonlyArray<Finding> =>
  findings.some(matters) ? findings : [finding("ok", ok), ...findings]

/** A sign and a word, so that a level reads without colour too. */
const signs: Readonly<Record<Level, readonly [sign: string, paint: Render.Paint]>> = {
  ok: ["✓", "green"],
  note: ["·", "dim"],
  skipped: ["-", "dim"],
  warning: ["!", "yellow"],
  problem: ["✗", "red"]
}

/** The sign and the word of a level, as wide as `width` at least. */
export const label = (level: Level, colors: boolean, width: number = 0): string => {
  const [sign, paint] = signs[level]
  return Render.painted(`${sign} ${level}`.padEnd(width), paint, colors)
}

export const lines = (
  { hint, level, message }: Finding,
  colors: boolean,
  indent: number = 0
): ReadonlyArray<string> => [
  `${" ".repeat(indent)}${label(level, colors)} ${shown(message)}`,
  ...(hint === null ? [] : [Render.hint(hint, indent + 2, colors)])
]
