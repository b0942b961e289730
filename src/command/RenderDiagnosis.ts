/** What `doctor` prints: plain functions from checks to text. */
import { shown } from "../token/Redaction.ts"
import { visibleJson } from "../token/Visible.ts"
import type { Check } from "./diagnosis/Checks.ts"
import type { Level } from "./diagnosis/Finding.ts"
import * as RenderFinding from "./RenderFinding.ts"

const count = (checks: ReadonlyArray<Check>, level: Level): number =>
  checks.flatMap(({ findings }) => findings).filter((finding) => finding.level === level).length

const plural = (count: number, what: string) => `${count === 0 ? "no" : count} ${what}${count === 1 ? "" : "s"}`

/** How many problems there are. */
export const problems = (checks: ReadonlyArray<Check>): number => count(checks, "problem")

/** A line per finding, what to do below it, and the sum. */
export const diagnosis = (checks: ReadonlyArray<Check>, options: { readonly colors: boolean }): string => {
  const width = Math.max(...checks.map(({ name }) => name.length)) + 2
  return [
    ...checks.flatMap(({ findings, name }) =>
      findings.flatMap((finding) => [
        `${RenderFinding.label(finding.level, options.colors, 11)}${name.padEnd(width)}${shown(finding.message)}`,
        ...(finding.hint === undefined ? [] : [RenderFinding.hint(finding.hint, 11 + width, options.colors)])
      ])
    ),
    "",
    `${plural(problems(checks), "problem")}, ${plural(count(checks, "warning"), "warning")}`
  ].join("\n")
}

/** The same as JSON. */
export const diagnosisJson = (checks: ReadonlyArray<Check>): string =>
  visibleJson({
    problems: problems(checks),
    warnings: count(checks, "warning"),
    findings: checks.flatMap(({ findings, name }) =>
      findings.map(({ hint, level, message }) => ({ check: name, level, message, hint: hint ?? null }))
    )
  })
