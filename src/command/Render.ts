/** What the command prints: plain functions from values to text. */
import { hintOf } from "../services/AttemptHint.ts"
import type { StorageKey } from "../services/Storage.ts"
import type { NoTokenAvailable } from "../services/TokenError.ts"
import type { ResolvedToken } from "../services/TokenProvider.ts"
import type { ApiTarget } from "../token/FlyToken.ts"
import { shown } from "../token/Redaction.ts"
import { visibleJson } from "../token/Visible.ts"

const bold = (text: string) => `\u001b[1m${text}\u001b[0m`
const dim = (text: string) => `\u001b[2m${text}\u001b[0m`

/** Columns aligned by their longest cell; the last one is as long as it is. */
export const table = (
  head: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  options: { readonly colors: boolean }
): string => {
  const shownRows = rows.map((row) => row.map(shown))
  const widths = head.map((title, column) =>
    shownRows.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), title.length)
  )
  const line = (cells: ReadonlyArray<string>) =>
    cells.map((cell, column) => column === cells.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)).join("  ")
  return [options.colors ? bold(line(head)) : line(head), ...shownRows.map(line)].join("\n")
}

/** The reasons of a failed `get` as a table, each hint below its reason. */
export const reasons = (error: NoTokenAvailable, options: { readonly colors: boolean }): string => {
  if (!options.colors) return error.message
  return error.message.split("\n").map((line, index) =>
    index === 0 ? bold(line) : line.trimStart().startsWith("→") ? dim(line) : line
  ).join("\n")
}

/** A moment as ISO time, `null` if there is none or it is beyond what a date can say. */
export const isoTime = (millis: number | null): string | null => {
  if (millis === null) return null
  const date = new Date(millis)
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}

/** How far away a moment is, in the largest unit that fits. */
export const fromNow = (millis: number, now: number): string => {
  const distance = Math.abs(millis - now)
  if (distance < 1_000) return "now"
  const units = [["d", 86_400_000], ["h", 3_600_000], ["min", 60_000], ["s", 1_000]] as const
  const [unit, size] = units.find(([, size]) => distance >= size) ?? ["s", 1_000]
  const amount = `${Math.floor(distance / size)} ${unit}`
  return millis >= now ? `in ${amount}` : `${amount} ago`
}

/** A token as `get --json` prints it, or its header. Holds the secret. */
export const resolvedJson = (resolved: ResolvedToken, header: ApiTarget | undefined): string =>
  visibleJson({
    app: resolved.app,
    ...(header === undefined ? { token: resolved.token.value } : { header: resolved.authorization(header) }),
    source: resolved.source,
    expiresAt: isoTime(resolved.expiresAt)
  })

/** A failure as `get --json` prints it on stderr. */
export const failureJson = (error: NoTokenAvailable): string =>
  visibleJson({
    error: error._tag,
    app: error.app,
    attempts: error.attempts.map((attempt) => ({
      source: attempt.source,
      reason: attempt.reason._tag,
      message: attempt.reason.message,
      hint: hintOf(attempt)
    }))
  })

/** What `list` tells of a record. Never the token. */
export type ListedRecord =
  & { readonly name: string; readonly kept: StorageKey }
  & (
    | {
      readonly source: string
      readonly fingerprint: string
      readonly savedAt: number
      readonly expiresAt: number | null
    }
    | { readonly problem: string }
  )

/** The records of `list` as a table. */
export const records = (
  list: ReadonlyArray<ListedRecord>,
  options: { readonly now: number; readonly colors: boolean }
): string => {
  if (list.length === 0) return "nothing is stored"
  const rows = list.map((record) =>
    "problem" in record
      ? [record.name, record.kept, "-", "-", "-", record.problem]
      : [
        record.name,
        record.kept,
        record.source,
        record.fingerprint,
        fromNow(record.savedAt, options.now),
        record.expiresAt === null
          ? "unknown"
          : `${isoTime(record.expiresAt)} (${
            record.expiresAt <= options.now ? "expired" : fromNow(record.expiresAt, options.now)
          })`
      ]
  )
  return table(["NAME", "KEPT AS", "SOURCE", "TOKEN", "SAVED", "EXPIRES"], rows, options)
}

/** The records of `list` as JSON. */
export const recordsJson = (list: ReadonlyArray<ListedRecord>): string =>
  visibleJson(
    list.map((record) =>
      "problem" in record
        ? record
        : { ...record, savedAt: isoTime(record.savedAt), expiresAt: isoTime(record.expiresAt) }
    )
  )
