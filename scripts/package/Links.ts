/**
 * Links between the pages of the package. Pages are written for the repository, and lead to tests and workflows too, which
 * are not shipped.
 */
import { readFileSync } from "node:fs"
import { join, posix } from "node:path"
import { filesBelow } from "./Run.ts"

/** An inline link or image: what stands before the bracket, what is shown, where it leads. Code blocks hold none. */
const link = /^```[\s\S]*?^```|(!?)\[((?:`[^`]*`|\[[^\]]*\]|[^\]`[])*)\]\(([^)\s]+)\)/gm

/** The file or folder in the package that a link leads to; nothing if it leads elsewhere, or within its page. */
const targetOf = (page: string, to: string | undefined): string | undefined =>
  to === undefined || /^(?:[a-z][a-z+.-]*:|#|\/\/)/i.test(to)
    ? undefined
    : posix.join(posix.dirname(page), decodeURI(to.replace(/[?#].*$/s, "")))

const isThere = (target: string, files: ReadonlySet<string>): boolean =>
  files.has(target) || [...files].some((file) => file.startsWith(`${target.replace(/\/$/, "")}/`))

/** The links of a page that lead to nothing among these files. */
export const deadLinks = (page: string, text: string, files: ReadonlySet<string>): ReadonlyArray<string> =>
  [...text.matchAll(link)].flatMap(([, , , to]) => {
    const target = targetOf(page, to)
    return target === undefined || isThere(target, files) ? [] : [target]
  })

/** The page with the words of its dead links, and without the links. */
export const withoutDeadLinks = (page: string, text: string, files: ReadonlySet<string>): string =>
  text.replaceAll(link, (whole: string, image: string | undefined, shown: string, to: string | undefined) => {
    const target = targetOf(page, to)
    if (target === undefined || isThere(target, files)) return whole
    return image === "!" ? "" : shown
  })

/** The pages among files. */
export const pagesOf = (files: Iterable<string>): ReadonlyArray<string> =>
  [...files].filter((file) => file.endsWith(".md"))

/** Every link of every page in the package leads to something in it. */
export const checkLinks = (folder: string): void => {
  const files = new Set(filesBelow(folder))
  const pages = pagesOf(files)
  if (pages.length < 10) throw new Error("the package has no docs")
  const dead = pages.flatMap((page) =>
    deadLinks(page, readFileSync(join(folder, page), "utf8"), files).map((target) => `${page} leads to ${target}`)
  )
  if (dead.length > 0) throw new Error(`not in the package:\n${dead.join("\n")}`)
  console.log(`${pages.length} pages, each of their links to something that is shipped`)
}
