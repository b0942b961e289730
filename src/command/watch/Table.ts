/** The table that `watch` draws on a terminal. */
import type { TokenStatus } from "../../services/TokenProvider.ts"
import * as Render from "../Render.ts"
import * as Report from "./Report.ts"

/** How an app stands: what the resolver says of it, and how the last run failed. */
export interface Row {
  readonly status: TokenStatus
  readonly failure: Report.LastFailure | undefined
}

/** In the two largest units that there are: to the second in the last hour, to the minute before. */
const left = (millis: number): string => {
  const seconds = Math.max(0, Math.floor(millis / 1_000))
  const units = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"]
  ] as const
  const first = units.findIndex(([amount]) => amount > 0)
  return units.slice(first).slice(0, 2).map(([amount, unit]) => `${amount} ${unit}`).join(" ")
}

const isDown = ({ status }: Row): boolean => status.source === null

const head = ["APP", "SOURCE", "TOKEN", "TIME LEFT", "NEXT REFRESH", "LAST FAILURE"]

export const cells = (row: Row, now: number): ReadonlyArray<string> => {
  const { failure, status } = row
  const nextAt = status.refreshAt
  return [
    status.app,
    status.source ?? (failure === undefined ? "…" : "none"),
    status.fingerprint ?? "-",
    isDown(row) ? "-" : status.expiresAt === null ? "no end" : left(status.expiresAt - now),
    status.inFlight ? "now" : nextAt !== null ? `in ${left(nextAt - now)}` : isDown(row) ? "-" : "never",
    failure === undefined
      ? "-"
      : `${Render.fromNow(failure.at, Math.max(now, failure.at + 1))}: ${Report.summary(failure.error)}`
  ]
}

/** No more characters than there are columns. */
const cut = (line: string, columns: number): string => {
  const characters = [...line]
  return characters.length <= columns ? line : `${characters.slice(0, Math.max(0, columns - 1)).join("")}…`
}

/**
 * The lines of a table that fits into a terminal of this size: as many apps as there is room for, those without a token
 * first if there is not room for all.
 */
export const lines = (
  rows: ReadonlyArray<Row>,
  { colors, columns, now, ...size }: Render.Style & { readonly columns: number; readonly rows: number }
): ReadonlyArray<string> => {
  const room = Math.max(1, size.rows - 1)
  const fits = rows.length <= room
  const shown = fits
    ? rows
    : [...rows.filter(isDown), ...rows.filter((row) => !isDown(row))].slice(0, Math.max(0, room - 1))
  const table = Render.table(head, shown.map((row) => cells(row, now)), false).split("\n").map((line, index) => {
    const row = shown[index - 1]
    const text = cut(line, columns)
    if (row === undefined) return Render.painted(text, "bold", colors)
    return row.failure !== undefined && isDown(row) ? Render.painted(text, "red", colors) : text
  })
  return fits ? table : [...table, cut(`and ${rows.length - shown.length} more`, columns)]
}

/** The other screen, so that what was on the terminal before comes back; without a cursor. */
export const enter = "\u001b[?1049h\u001b[?25l"

export const leave = "\u001b[?25h\u001b[?1049l"

/** Draws over what was there, line by line, so that nothing flickers. */
export const draw = (lines: ReadonlyArray<string>): string =>
  `\u001b[H${lines.map((line) => `${line}\u001b[K`).join("\r\n")}\u001b[J`
