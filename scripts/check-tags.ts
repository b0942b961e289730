/**
 * Documentation tags stand only in files that an entry names: what nobody can import has no release and no category.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { namedFiles, root } from "../tools/api/Entries.ts"

const wrong = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).filter((file) => {
  const path = join(root, "src", file)
  return file.endsWith(".ts") && !namedFiles.has(path) &&
    /^[ /*]*\* *@(?:since|category|stability)\b/m.test(readFileSync(path, "utf8"))
})
for (const file of wrong) console.error(`src/${file} has documentation tags, and no entry names it`)
if (wrong.length > 0) process.exitCode = 1
