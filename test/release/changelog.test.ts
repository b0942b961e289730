/**
 * What a release writes into CHANGELOG.md.
 */
import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { entryOf, released } from "../../scripts/changelog.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))

const intro = "# Changelog\n\nAll notable changes.\n\n"
const older = "## [0.1.0] - 2026-11-24\n\n### Added\n\n- Everything.\n"

const release = (changelog: string, ...texts: ReadonlyArray<string>) =>
  released(changelog, { version: "0.2.0", date: "2026-12-01", texts })

describe("a release", () => {
  it("puts the texts of changesets below their headings, in the order of Keep a Changelog", () => {
    assert.strictEqual(
      release(`${intro}## [Unreleased]\n\n${older}`, "Fixed: `list` says so.", "Added: a thing,\nin two lines."),
      `${intro}## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n\n`
        + "### Added\n\n- a thing,\n  in two lines.\n\n### Fixed\n\n- `list` says so.\n\n"
        + older
    )
  })

  it("keeps what was written below Unreleased by hand", () => {
    const changelog = `${intro}## [Unreleased]\n\n### Fixed\n\n- By hand,\n  in two lines.\n`
    assert.strictEqual(
      release(changelog, "Fixed: by a changeset."),
      `${intro}## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n\n`
        + "### Fixed\n\n- By hand,\n  in two lines.\n- by a changeset.\n"
    )
  })

  it("of nothing, or of what has no place, is none", () => {
    const changelog = `${intro}## [Unreleased]\n\n${older}`
    assert.throws(() => release(changelog), /nothing is unreleased/)
    assert.throws(() => release(changelog, "Mended: `list`."), /not so: Mended/)
    assert.throws(() => release(changelog, "Fixed"), /not so: Fixed/)
    assert.throws(() => release(intro, "Fixed: `list`."), /no heading \[Unreleased\]/)
    assert.throws(() => release(`${intro}## [Unreleased]\n\nLoose.\n`, "Fixed: `list`."), /not so: Loose/)
    assert.throws(
      () => release(`${intro}## [Unreleased]\n\n### Mended\n\n- x\n`),
      /no heading of Keep a Changelog: Mended/
    )
  })
})

describe("this repository", () => {
  it("has changesets that a release can take, and a changelog that it can take them into", () => {
    const texts = readdirSync(`${root}.changeset`)
      .filter((name) => name.endsWith(".md") && name !== "README.md")
      .map((name) => readFileSync(`${root}.changeset/${name}`, "utf8").split(/^---$/m).slice(2).join("---"))
      .filter((text) => text.trim() !== "")
    for (const text of texts) entryOf(text)
    assert.include(release(readFileSync(`${root}CHANGELOG.md`, "utf8"), "Added: a test."), "## [0.2.0] - 2026-12-01")
  })
})
