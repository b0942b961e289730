/**
 * Tables in docs that name tests: a cell has links of the form `` [`title of the test`](../test/path.test.ts) ``.
 */

export interface NamedTest {
  readonly title: string
  /** As it stands in the link. */
  readonly file: string
}

export interface Row {
  readonly text: string
  readonly tests: ReadonlyArray<NamedTest>
}

const link = /\[`((?:[^`]|\\`)+)`\]\(([^)\s]+\.test\.ts)\)/g

/** The rows of all tables of a page, without the heads. */
export const rowsOf = (page: string): ReadonlyArray<Row> => {
  const lines = page.split("\n")
  return lines.flatMap((text, n) => {
    const isRow = text.startsWith("|") && !isRule(text) && !isRule(lines[n + 1] ?? "")
    if (!isRow) return []
    const tests = [...text.matchAll(link)].map(([, title = "", file = ""]) => ({
      title: title.replaceAll("\\|", "|"),
      file
    }))
    return [{ text, tests }]
  })
}

const isRule = (line: string): boolean => /^\|[\s|:-]+\|$/.test(line)

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")

/** Whether a file of tests has one, or a group of them, of this title: a text that is handed to a call. */
export const hasTest = (code: string, title: string): boolean =>
  new RegExp(`\\(\\s*(["\`])${escaped(title)}\\1`).test(code.replaceAll("\\\"", "\""))
