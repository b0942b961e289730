/** How values look: tables, moments, colours, JSON. */
import { shown, told } from "../token/Redaction.ts"
import { visible } from "../token/Visible.ts"

/** What a text for people depends on. */
export interface Style {
  /** Epoch milliseconds. */
  readonly now: number
  readonly colors: boolean
}

/** The numbers by which terminals know them. */
const styles = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const

export type Paint = keyof typeof styles

export const painted = (text: string, paint: Paint, colors: boolean): string =>
  colors ? `\u001b[${styles[paint]}m${text}\u001b[0m` : text

/** Columns aligned by their longest cell; the last one is as long as it is. */
export const table = (
  head: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  colors: boolean
): string => {
  const shownRows = rows.map((row) => row.map(shown))
  const widths = head.map((title, column) =>
    shownRows.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), title.length)
  )
  const line = (cells: ReadonlyArray<string>) =>
    cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()
  return [painted(line(head), "bold", colors), ...shownRows.map(line)].join("\n")
}

/** What to do about it, on a line of its own. */
export const hint = (text: string, indent: number, colors: boolean): string =>
  " ".repeat(indent) + painted(told`→ ${text}`, "dim", colors)

/** A moment as ISO time, `null` if there is none or it is beyond what a date can say. */
export const isoTime = (millis: number | null): string | null => {
  const date = new Date(millis ?? Number.NaN)
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

export const expiry = (millis: number | null, now: number): string => {
  const time = isoTime(millis)
  return millis === null || time === null
    ? "unknown"
    : `${time} (${millis <= now ? "expired" : fromNow(millis, now)})`
}

/** A value as JSON, its moments (`at`, `expiresAt` and so on) as ISO times. */
export const json = (value: unknown): string =>
  visible(
    JSON.stringify(value, (key, field) => typeof field === "number" && /^at$|At$/.test(key) ? isoTime(field) : field)
  )

export const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`
