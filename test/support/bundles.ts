/**
 * Before the tests: the command in few files, as users have it, the stand-in for flyctl, and the other programs that the
 * tests start.
 */
import { chmod, rm } from "node:fs/promises"
import { join } from "node:path"
import type { TestProject } from "vitest/node"
import { nameOf, programs, root } from "./Programs.ts"

const command = "src/command/main.ts"

const bundle = async (input: Record<string, string>, dir: string): Promise<void> => {
  const { rolldown } = await import("rolldown")
  const bundle = await rolldown({ cwd: root, input, platform: "node" })
  await bundle.write({
    dir,
    format: "esm",
    entryFileNames: "[name].js",
    minify: { mangle: false, compress: true, codegen: true }
  })
  await bundle.close()
}

/** `FLY_TOKENS_MAIN` names another command: the built one. Coverage is measured of the sources. */
export default async ({ vitest }: TestProject): Promise<(() => Promise<void>) | undefined> => {
  // Each project comes here.
  if (process.env["FLY_TOKENS_PROGRAMS"] !== undefined) return undefined
  if (vitest.config.coverage.enabled) {
    process.env["FLY_TOKENS_MAIN"] ??= command
    return undefined
  }
  // As deep below the root as the built one, which looks for package.json there. One folder a run: several may go on.
  const folder = join(root, "dist", `test-${process.pid}`)
  const bundles = [
    bundle(Object.fromEntries(programs.map((program) => [nameOf(program), program])), join(folder, "programs")),
    bundle({ flyctl: "test/stand-in/fly.mjs" }, folder).then(() => chmod(join(folder, "flyctl.js"), 0o755))
  ]
  process.env["FLY_TOKENS_PROGRAMS"] = join(folder, "programs")
  process.env["FLY_TOKENS_STAND_IN"] = join(folder, "flyctl.js")
  if (process.env["FLY_TOKENS_MAIN"] === undefined) {
    process.env["FLY_TOKENS_MAIN"] = join(folder, "fly-tokens.js")
    process.env["FLY_TOKENS_BUNDLED"] = "1"
    bundles.push(bundle({ "fly-tokens": command }, folder))
  }
  await Promise.all(bundles)
  return () => rm(folder, { recursive: true, force: true })
}
