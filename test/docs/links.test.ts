/**
 * Every link of every page in the repository leads to a file or folder that is there, and to a heading of it.
 */
import { expect, it } from "@effect/vitest"
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../", import.meta.url))

const pagesIn = (folder: string) =>
  readdirSync(join(root, folder)).filter((name) => name.endsWith(".md")).map((name) => join(folder, name))

const pages = [...pagesIn("."), ...pagesIn("docs"), ...pagesIn("bench")]

/** Code in the page is no link, but in the words of one it may have brackets. */
const linksOf = (page: string): ReadonlyArray<string> =>
  [...page.replaceAll(/^```[\s\S]*?^```/gm, "").matchAll(/\[(?:`[^`]*`|[^\]`])*\]\(([^)\s]+)\)/g)]
    .flatMap(([, to = ""]) => /^[a-z]+:/.test(to) ? [] : [to])

/** The anchors that GitHub gives the headings of a page. */
const anchorsOf = (page: string): ReadonlyArray<string> =>
  [...page.replaceAll(/^```[\s\S]*?^```/gm, "").matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
  )

const isThere = (page: string, link: string): boolean => {
  const [path = "", anchor] = link.split("#")
  const file = path === "" ? join(root, page) : join(root, dirname(page), decodeURI(path))
  if (!existsSync(file)) return false
  return anchor === undefined || statSync(file).isDirectory() || !file.endsWith(".md") ||
    anchorsOf(readFileSync(file, "utf8")).includes(anchor)
}

it.each(pages)("%s leads to what is there", (page) => {
  const links = linksOf(readFileSync(join(root, page), "utf8"))
  expect(links.filter((link) => !isThere(page, link))).toEqual([])
})
