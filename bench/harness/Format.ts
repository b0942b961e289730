/**
 * Figures and tables as text.
 */

/** Three digits that matter, with commas: 0.0512, 7.25, 186, 12,400. */
export const number = (figure: number): string => {
  if (!Number.isFinite(figure)) return "–"
  if (Number.isInteger(figure)) return figure.toLocaleString("en-US")
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(figure))))
  return figure.toLocaleString("en-US", { maximumFractionDigits: Math.min(digits, 6) })
}

/** A number with its unit, if that is one that is read aloud. */
export const measure = (figure: number, unit: string): string =>
  unit === "" ? number(figure) : `${number(figure)} ${unit}`

/** A Markdown table with its columns padded; all but the first are to the right. */
export const table = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const cells = [header, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")))
  const widths = header.map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)))
  const line = (row: ReadonlyArray<string>) =>
    `| ${
      widths.map((width, column) =>
        column === 0 ? (row[column] ?? "").padEnd(width) : (row[column] ?? "").padStart(width)
      ).join(" | ")
    } |`
  const rule = `| ${widths.map((width, n) => n === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`).join(" | ")} |`
  return [line(cells[0]!), rule, ...cells.slice(1).map(line)].join("\n")
}

/** For texts within SVG. */
export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\"", "&quot;")
