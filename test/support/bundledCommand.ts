/**
 * Before the tests: the command in one file, as users have it. A start of the sources reads some 400 modules, and takes
 * four times as long.
 */
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))

/** `FLY_TOKENS_MAIN` names another one: the built one, or the sources when coverage is measured. */
export default async (): Promise<(() => Promise<void>) | undefined> => {
  if (process.env["FLY_TOKENS_MAIN"] !== undefined) return undefined
  const { rolldown } = await import("rolldown")
  // As deep below the root as the built one, which looks for package.json there. One folder a run: several may go on.
  const folder = join(root, "dist", `test-${process.pid}`)
  const bundle = await rolldown({ input: join(root, "src", "command", "main.ts"), platform: "node" })
  await bundle.write({ dir: folder, format: "esm", entryFileNames: "fly-tokens.js", sourcemap: true })
  await bundle.close()
  process.env["FLY_TOKENS_MAIN"] = join(folder, "fly-tokens.js")
  process.env["FLY_TOKENS_BUNDLED"] = "1"
  return () => rm(folder, { recursive: true, force: true })
}
