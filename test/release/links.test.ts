/**
 * The pages of the package have links to what is in it, and words where the repository has links to more.
 */
import { describe, expect, it } from "@effect/vitest"
import { deadLinks, withoutDeadLinks } from "../../scripts/package/Links.ts"

const files = new Set(["README.md", "docs/http.md", "docs/images/chain.svg", "src/index.ts", "LICENSE"])

const page = [
  "[a guide](http.md), [it](../README.md#options), [part](#part), [code](../src), ![chain](images/chain.svg)",
  "[`one \\| two`](../test/a.test.ts), [`with [brackets] (and these)`](../test/b.test.ts#x), [rules](faults.md)",
  "[Fly](https://fly.io/docs), <https://fly.io>, [mail](mailto:a@b.c), ![plot](../bench/plot.svg)[^1]",
  "```js",
  "const answer = handlers[name](../test)",
  "```",
  "[licence](../LICENSE)"
].join("\n")

describe("links that lead out of the package", () => {
  it("are found, and no others", () => {
    expect(deadLinks("docs/page.md", page, files)).toEqual([
      "test/a.test.ts",
      "test/b.test.ts",
      "docs/faults.md",
      "bench/plot.svg"
    ])
  })

  it("become their words; everything else stays, and nothing dead is left", () => {
    const packed = withoutDeadLinks("docs/page.md", page, files)
    expect(deadLinks("docs/page.md", packed, files)).toEqual([])
    expect(packed.split("\n")).toEqual([
      page.split("\n")[0],
      "`one \\| two`, `with [brackets] (and these)`, rules",
      "[Fly](https://fly.io/docs), <https://fly.io>, [mail](mailto:a@b.c), [^1]",
      ...page.split("\n").slice(3)
    ])
    expect(withoutDeadLinks("docs/page.md", packed, files)).toBe(packed)
  })
})
