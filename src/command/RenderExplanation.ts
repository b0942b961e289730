/** What `explain` prints: plain functions from a diagnosis to text. */
import { hintOf } from "../services/AttemptHint.ts"
import { shown, told } from "../token/Redaction.ts"
import { visibleJson } from "../token/Visible.ts"
import type { AppDiagnosis, Row } from "./diagnosis/AppDiagnosis.ts"
import type { Finding } from "./diagnosis/Finding.ts"
import * as Render from "./Render.ts"
import * as RenderFinding from "./RenderFinding.ts"

const plural = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`

const hasOf = ({ from, organization, state, token }: Row): string => {
  if (state === "mint") {
    return organization === undefined ? "nothing yet for this app" : `nothing yet for organization ${organization}`
  }
  if (token === undefined) return "-"
  const { macaroons, userTokens } = token.size
  const parts = [
    ...(macaroons > 0 ? [plural(macaroons, "macaroon")] : []),
    ...(userTokens > 0 ? [plural(userTokens, "user token")] : [])
  ]
  return [`token ${token.fingerprint} (${parts.join(", ") || "empty"})`, ...(from === undefined ? [] : [from])].join(
    ", "
  )
}

const whyNot = (row: Row): string => {
  if (row.reason !== undefined) return row.reason.message
  return row.state === "mint" ? "would mint a read-only token (not tried)" : ""
}

const expiry = (row: Row, now: number): string => {
  if (row.token === undefined) return "-"
  const time = Render.isoTime(row.expiresAt)
  if (row.expiresAt === null || time === null) return "unknown"
  return `${time} (${row.expiresAt <= now ? "expired" : Render.fromNow(row.expiresAt, now)})`
}

/** The reason's own hint first; what says nothing new is left out. */
const below = ({ findings, reason, source }: Row, colors: boolean): ReadonlyArray<string> => {
  const said = new Set<string>()
  const hint = (text: string | undefined) => {
    if (text === undefined || said.has(text)) return []
    said.add(text)
    return [text]
  }
  return [
    ...(reason === undefined || reason._tag === "NotFound" ? [] : hint(hintOf({ source, reason }))).map((text) =>
      RenderFinding.hint(text, 11, colors)
    ),
    ...findings.flatMap((finding) => [
      `           ${RenderFinding.label(finding.level, colors)} ${shown(finding.message)}`,
      ...hint(finding.hint).map((text) => RenderFinding.hint(text, 13, colors))
    ])
  ]
}

const verdict = ({ app, rows, taken }: AppDiagnosis): string => {
  if (taken === undefined) return told`a get of ${app} would fail: no source has a usable token`
  return rows.some(({ source, state }) => source === taken && state === "mint")
    ? told`a get of ${app} would ask flyctl to mint a token`
    : told`a get of ${app} would take the token of ${taken}`
}

/** The sources as a table, what to do below each of them. */
export const explanation = (
  diagnosis: AppDiagnosis,
  options: { readonly now: number; readonly colors: boolean }
): string => {
  const rows = diagnosis.rows.map((
    row
  ) => [row.source.padEnd(7), row.state, hasOf(row), expiry(row, options.now), whyNot(row)])
  const [head, ...lines] = Render.table(["SOURCE", "STATE", "HAS", "EXPIRES", "WHY NOT"], rows, options).split("\n")
  return [
    verdict(diagnosis),
    "",
    `  ${head}`,
    ...lines.flatMap((line, index) => [`  ${line}`.trimEnd(), ...below(diagnosis.rows[index]!, options.colors)]),
    ...(diagnosis.findings.length === 0 ? [] : [""]),
    ...diagnosis.findings.flatMap((finding) => RenderFinding.lines(finding, options.colors))
  ].join("\n")
}

const findingJson = ({ hint, level, message }: Finding) => ({ level, message, hint: hint ?? null })

/** The same as JSON. */
export const explanationJson = ({ app, findings, rows, taken }: AppDiagnosis): string =>
  visibleJson({
    app,
    taken: taken ?? null,
    sources: rows.map((row) => ({
      source: row.source,
      state: row.state,
      fingerprint: row.token?.fingerprint ?? null,
      from: row.from ?? null,
      organization: row.organization ?? null,
      expiresAt: Render.isoTime(row.expiresAt),
      reason: row.reason?._tag ?? null,
      message: row.reason?.message ?? null,
      hint: row.reason === undefined ? null : hintOf({ source: row.source, reason: row.reason }),
      findings: row.findings.map(findingJson)
    })),
    findings: findings.map(findingJson)
  })
