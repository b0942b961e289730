/**
 * The tables of threats, of faults and of the rules name tests; a table that names a test that is gone is wrong.
 */
import { describe, expect, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { hasTest, rowsOf } from "./NamedTests.ts"

const root = new URL("../../", import.meta.url)

/** The pages, and how a row begins that is to name a test. */
const pages: ReadonlyArray<readonly [page: string, row: RegExp]> = [
  ["docs/threats.md", /^/],
  ["docs/faults.md", /^/],
  ["ARCHITECTURE.md", /^\| \d+\. /]
]

describe("a page that names tests", () => {
  it.each(pages)("%s has a test in each row, and each test is there", (name, row) => {
    const page = new URL(name, root)
    const rows = rowsOf(readFileSync(page, "utf8")).filter(({ text }) => row.test(text))
    expect(rows.length).toBeGreaterThan(9)
    expect(rows.filter(({ tests }) => tests.length === 0).map(({ text }) => text)).toEqual([])
    const gone = rows.flatMap(({ tests }) => tests).filter(({ file, title }) => {
      const path = fileURLToPath(new URL(file, page))
      return !existsSync(path) || !hasTest(readFileSync(path, "utf8"), title)
    })
    expect(gone).toEqual([])
  })
})

describe("the reader of such pages", () => {
  it("finds rows and what they name, and neither heads nor other links", () => {
    const page = "text\n| a | b |\n| - | - |\n| x | [`one \\| two`](../test/a.test.ts), [guide](a.md) |\n| y | none |\n"
    expect(rowsOf(page).map(({ tests }) => tests)).toEqual([[{ title: "one | two", file: "../test/a.test.ts" }], []])
  })

  it("takes titles of tests and groups only, whole ones", () => {
    const code =
      "it.live(\n  \"does this\", () => {})\ndescribe(`over ${name}`, f)\nit.each([1])(\"%s is odd\", f)\n// does that\n"
    expect(["does this", "over ${name}", "%s is odd", "does", "does that", "his"].map((title) => hasTest(code, title)))
      .toEqual([true, true, true, false, false, false])
  })
})
