/**
 * CHANGELOG.md in the form of Keep a Changelog, from the texts of changesets.
 */

/** The headings of Keep a Changelog, in its order. */
export const headings = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"] as const

const isHeading = (text: string): text is (typeof headings)[number] =>
  (headings as ReadonlyArray<string>).includes(text)

/** The heading that the text of a changeset begins with, and the list item that the rest of it is. */
export const entryOf = (text: string): { readonly heading: (typeof headings)[number]; readonly item: string } => {
  const [, heading = "", rest = ""] = /^(\w+):\s+(\S[\s\S]*)$/.exec(text.trim()) ?? []
  if (!isHeading(heading)) {
    throw new Error(`a changeset begins with one of ${headings.join(", ")} and a colon, not so: ${text.trim()}`)
  }
  return { heading, item: `- ${rest.trim().replaceAll(/\n(?=.)/g, "\n  ")}` }
}

/**
 * Makes a version of what is unreleased: what stands below `Unreleased` already, and the texts of changesets behind it,
 * each below its heading.
 */
export const released = (
  changelog: string,
  release: { readonly version: string; readonly date: string; readonly texts: ReadonlyArray<string> }
): string => {
  const begin = "## [Unreleased]\n"
  const at = changelog.indexOf(begin)
  if (at < 0) throw new Error("CHANGELOG.md has no heading [Unreleased]")
  const rest = changelog.slice(at + begin.length)
  const end = /^## /m.exec(rest)?.index ?? rest.length

  const [free = "", ...written] = rest.slice(0, end).split(/^### /m)
  if (free.trim() !== "") throw new Error(`what is unreleased stands below a heading, not so: ${free.trim()}`)
  const items = new Map<string, Array<string>>()
  const add = (heading: string, item: string) => items.set(heading, [...items.get(heading) ?? [], item])
  for (const section of written) {
    const [heading = "", ...lines] = section.split("\n")
    if (!isHeading(heading)) throw new Error(`no heading of Keep a Changelog: ${heading}`)
    add(heading, lines.join("\n").trim())
  }
  for (const { heading, item } of release.texts.map(entryOf)) add(heading, item)
  if (items.size === 0) throw new Error("nothing is unreleased")

  const sections = headings.flatMap((heading) => {
    const list = items.get(heading)
    return list === undefined ? [] : [`### ${heading}\n\n${list.join("\n")}\n`]
  })
  return [
    changelog.slice(0, at) + begin,
    `## [${release.version}] - ${release.date}\n`,
    ...sections,
    ...(end < rest.length ? [rest.slice(end)] : [])
  ].join("\n")
}
