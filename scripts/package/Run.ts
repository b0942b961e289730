/**
 * Commands and temp projects for the check of the package.
 */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("../..", import.meta.url))

export const bin = join(root, "node_modules", ".bin")

/** Runs a command and answers what it printed on stdout; says which command it was. */
export const run = (
  command: string,
  args: ReadonlyArray<string>,
  cwd: string,
  env: NodeJS.ProcessEnv = process.env
): string => {
  const shown = [command.replace(`${bin}/`, ""), ...args].join(" ")
  console.log(`$ ${shown.length > 160 ? `${shown.slice(0, 160)}…` : shown}`)
  return execFileSync(command, args, { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] })
}

/** A folder with an empty project; gone when the work is done. */
export const inProject = async (work: (project: string) => void | Promise<void>): Promise<void> => {
  const project = mkdtempSync(join(tmpdir(), "fly-tokens-package-"))
  try {
    writeFileSync(join(project, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }))
    await work(project)
  } finally {
    rmSync(project, { recursive: true, force: true })
  }
}

export const install = (project: string, ...args: ReadonlyArray<string>): void => {
  run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", ...args], project)
}

/** All files below a folder, by their paths in it. */
export const filesBelow = (directory: string): ReadonlyArray<string> =>
  readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => statSync(join(directory, name)).isFile())

export const kilobytes = (bytes: number): string => `${Math.round(bytes / 1024).toLocaleString("en")} kB`

/** How much the files below a folder hold. */
export const sizeOf = (directory: string): number =>
  filesBelow(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0)
