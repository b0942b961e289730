/** What a diagnosis finds: a cause, and what to do about it. */

/** How much a finding matters. `skipped`: it was not checked. Only a `problem` keeps tokens from being had. */
export type Level = "ok" | "note" | "skipped" | "warning" | "problem"

/** One finding. Nothing in it is secret. */
export interface Finding {
  readonly level: Level
  readonly message: string
  /** What to do. */
  readonly hint?: string | undefined
}

export const finding = (level: Level, message: string, hint?: string): Finding => ({ level, message, hint })

/** The level of what stops a source: a problem if tokens depend on it, else a warning. */
export const severity = (needed: boolean): Level => needed ? "problem" : "warning"

/** Whether a finding is more than information. */
export const matters = ({ level }: Finding): boolean => level === "problem" || level === "warning"

/** Says that all is well before findings of which none matters. */
export const orOk = (findings: ReadonlyArray<Finding>, ok: () => string): ReadonlyArray<Finding> =>
  findings.some(matters) ? findings : [finding("ok", ok()), ...findings]
