/**
 * Small programs, bundled with all that they need: how large they are, and that they work. `sideEffects: false` lets a
 * bundler leave out what nobody imports by name; what is needed must not be among it.
 */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { gzipSync } from "node:zlib"
import { rolldown } from "rolldown"
import { kilobytes, root, run } from "./Run.ts"

const programs: Readonly<Record<string, string>> = {
  "hello with Effect": `
    import * as Effect from "effect/Effect"
    import { FlyTokens } from "effect-fly-tokens"
    import { FlyTokensNode } from "effect-fly-tokens/node"

    const program = Effect.gen(function*() {
      const tokens = yield* FlyTokens
      console.log((yield* tokens.get("my-app")).token.value)
    })
    await Effect.runPromise(Effect.provide(program, FlyTokensNode.layer({ org: "acme" })))
  `,
  "hello with promises": `
    import { createFlyTokens } from "effect-fly-tokens/promise"

    const tokens = createFlyTokens({ org: "acme" })
    console.log((await tokens.get("my-app")).token.value)
    await tokens.close()
  `
}

/** Bundles the programs, minified, and runs each where nothing is installed, with the stand-in as flyctl. */
export const checkBundles = async (project: string): Promise<void> => {
  for (const [name, code] of Object.entries(programs)) {
    const folder = join(project, name.replaceAll(" ", "-"))
    const home = join(folder, "home")
    mkdirSync(home, { recursive: true })
    const entry = join(project, `${name.replaceAll(" ", "-")}.js`)
    writeFileSync(entry, code)
    const bundle = await rolldown({ input: entry, cwd: project, platform: "node", logLevel: "warn" })
    const { output } = await bundle.write({ dir: folder, minify: true, entryFileNames: "bundle.mjs" })
    const chunks = output.filter(({ type }) => type === "chunk")
    const texts = chunks.map(({ fileName }) => readFileSync(join(folder, fileName)))
    const bytes = texts.reduce((sum, text) => sum + text.length, 0)
    const zipped = texts.reduce((sum, text) => sum + gzipSync(text).length, 0)
    console.log(`${name}: ${kilobytes(bytes)} minified, ${kilobytes(zipped)} gzipped, in ${chunks.length} files`)
    symlinkSync(join(root, "test", "stand-in", "fly.mjs"), join(home, "flyctl"))
    const printed = run("node", [join(folder, "bundle.mjs")], home, {
      HOME: home,
      PATH: `${home}:${dirname(process.execPath)}:/usr/bin:/bin`
    })
    if (!printed.startsWith("FlyV1 fm2_")) throw new Error(`${name}, bundled, does not print a token`)
  }
}
