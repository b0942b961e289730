/**
 * Around `npm pack` and `npm publish`: takes the links to what is not shipped out of the pages that are, and with
 * `--restore` puts the pages back as they were. Where packing was broken off in between, the next run begins with that.
 */
import { execFileSync } from "node:child_process"
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { pagesOf, withoutDeadLinks } from "./package/Links.ts"
import { root } from "./package/Run.ts"

/** The pages as they were, by their paths. */
const kept = join(root, ".pack-docs")

const restore = (): void => {
  if (!existsSync(kept)) return
  cpSync(kept, root, { recursive: true })
  rmSync(kept, { recursive: true })
}

const shipped = (): ReadonlySet<string> => {
  const [packed] = JSON.parse(
    execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"]
    })
  )
  return new Set(packed.files.map(({ path }: { readonly path: string }) => path))
}

restore()
if (!process.argv.includes("--restore")) {
  const files = shipped()
  for (const page of pagesOf(files)) {
    const text = readFileSync(join(root, page), "utf8")
    const packed = withoutDeadLinks(page, text, files)
    if (packed === text) continue
    mkdirSync(dirname(join(kept, page)), { recursive: true })
    writeFileSync(join(kept, page), text)
    writeFileSync(join(root, page), packed)
  }
}
