/**
 * Makes the next version out of the changesets: the numbers in package.json and package-lock.json, the section in
 * CHANGELOG.md. Publishes nothing.
 */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { released } from "./changelog.ts"

const root = fileURLToPath(new URL("..", import.meta.url))
const changeset = (...args: ReadonlyArray<string>) =>
  execFileSync(join(root, "node_modules", ".bin", "changeset"), args, { cwd: root, stdio: "inherit" })
const read = (file: string) => readFileSync(join(root, file), "utf8")

const folder = mkdtempSync(join(tmpdir(), "fly-tokens-version-"))
try {
  const plan = join(folder, "plan.json")
  changeset("status", `--output=${plan}`)
  const { changesets, releases } = JSON.parse(readFileSync(plan, "utf8"))
  const version: string | undefined = releases[0]?.newVersion
  if (version === undefined) throw new Error("no changeset moves the version")
  const date = new Date().toISOString().slice(0, 10)
  const texts = changesets.map(({ summary }: { readonly summary: string }) => summary)
  // Before the changesets are gone.
  const changelog = released(read("CHANGELOG.md"), { version, date, texts })
  changeset("version")
  writeFileSync(join(root, "CHANGELOG.md"), changelog)
  const lock = JSON.parse(read("package-lock.json"))
  lock.version = version
  lock.packages[""].version = version
  writeFileSync(join(root, "package-lock.json"), `${JSON.stringify(lock, null, 2)}\n`)
  console.log(`${version}: ${texts.length} changesets`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
