/** The picture that `watch` shows on a terminal. */
import * as Render from "../Render.ts"
import * as Row from "./Row.ts"

const bold = (text: string) => `\u001b[1m${text}\u001b[0m`
const red = (text: string) => `\u001b[31m${text}\u001b[0m`

/** No more characters than there are columns. */
const cut = (line: string, columns: number): string => {
  const characters = [...line.trimEnd()]
  return characters.length <= columns
    ? characters.join("")
    : `${characters.slice(0, Math.max(0, columns - 1)).join("")}…`
}

/**
 * The lines of a picture that fits into a terminal of this size: as many apps as there is room for, those without a
 * token first if there is not room for all.
 */
export const lines = (
  rows: ReadonlyArray<Row.Row>,
  options: { readonly now: number; readonly columns: number; readonly rows: number; readonly colors: boolean }
): ReadonlyArray<string> => {
  const { colors, columns, now } = options
  const room = Math.max(1, options.rows - 1)
  const fits = rows.length <= room
  const isDown = (row: Row.Row) => row.status.source === null
  const shown = fits
    ? rows
    : [...rows.filter(isDown), ...rows.filter((row) => !isDown(row))].slice(0, Math.max(0, room - 1))
  const [head = "", ...body] = Render.table(Row.head, shown.map((row) => Row.cells(row, now)), { colors: false })
    .split("\n")
    .map((line) => cut(line, columns))
  const styled = [
    colors ? bold(head) : head,
    ...body.map((line, index) => {
      const row = shown[index]
      return colors && row?.failure !== undefined && isDown(row) ? red(line) : line
    })
  ]
  return fits ? styled : [...styled, cut(`and ${rows.length - shown.length} more`, columns)]
}

/** The other screen, so that what was on the terminal before comes back; without a cursor. */
export const enter = "\u001b[?1049h\u001b[?25l"

export const leave = "\u001b[?25h\u001b[?1049l"

/** Draws over what was there, line by line, so that nothing flickers. */
export const draw = (picture: ReadonlyArray<string>): string =>
  `\u001b[H${picture.map((line) => `${line}\u001b[K`).join("\r\n")}\u001b[J`
