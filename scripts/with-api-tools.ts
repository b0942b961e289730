/**
 * Runs a script of `tools/api`, which has dependencies of its own: TypeDoc wants TypeScript 6. They are installed when
 * they are not there, or not those of its lock file.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const folder = fileURLToPath(new URL("../tools/api", import.meta.url))
const [script = "", ...args] = process.argv.slice(2)

const lock = readFileSync(join(folder, "package-lock.json"), "utf8")
const installed = join(folder, "node_modules", ".installed-lock.json")
if (!existsSync(installed) || readFileSync(installed, "utf8") !== lock) {
  execFileSync("npm", ["ci", "--silent"], { cwd: folder, stdio: "inherit" })
  writeFileSync(installed, lock)
}

const { status } = spawnSync(process.execPath, [join(folder, script), ...args], { stdio: "inherit" })
process.exitCode = status ?? 1
