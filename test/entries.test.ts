import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { builtinModules } from "node:module"
import { fileURLToPath } from "node:url"
import { FlyTokens } from "../src/index.ts"
import * as World from "./support/World.ts"

const root = fileURLToPath(new URL("..", import.meta.url))

/** Imports an entry in a process of its own and tells which modules were asked for, by whom, and where they are. */
const importsOf = (
  entry: string
): ReadonlyArray<{ readonly specifier: string; readonly by?: string; readonly url: string }> => {
  const script = `
    import { registerHooks } from "node:module"
    const asked = []
    registerHooks({
      resolve(specifier, context, next) {
        const found = next(specifier, context)
        asked.push({ specifier, by: context.parentURL, url: found.url })
        return found
      }
    })
    await import(${JSON.stringify(new URL(`../${entry}`, import.meta.url).href)})
    process.stdout.write(JSON.stringify(asked))
  `
  return JSON.parse(
    execFileSync(process.execPath, ["--input-type=module", "-e", script], {
      encoding: "utf8",
      cwd: root,
      maxBuffer: 64 * 1024 * 1024
    })
  )
}

const builtinsOf = (entry: string): ReadonlyArray<string> =>
  importsOf(entry)
    .filter(({ specifier }) => specifier.startsWith("node:") || builtinModules.includes(specifier))
    .map(({ by, specifier }) => `${specifier} by ${by}`)

describe("the entries", () => {
  it("the root entry imports nothing of Node, its dependencies included", () => {
    expect(builtinsOf("src/index.ts")).toEqual([])
  })

  it("the entry for tests imports nothing of Node either", () => {
    expect(builtinsOf("src/testing.ts")).toEqual([])
  })

  it("the entry of the HTTP client imports nothing of Node either", () => {
    expect(builtinsOf("src/http.ts")).toEqual([])
  })

  it("the Node entry does, so the test above can fail", () => {
    expect(builtinsOf("src/node.ts").length).toBeGreaterThan(0)
  })

  it("nothing writes into the cache but the resolver: the service has no other operations", async () => {
    const world = await Effect.runPromise(World.make)
    const tokens = await Effect.runPromise(Effect.provide(FlyTokens, world.layer()))
    expect(Object.keys(tokens).sort()).toEqual([
      "events",
      "get",
      "invalidate",
      "peek",
      "refresh",
      "removeManual",
      "setManual",
      "status",
      "statuses"
    ])
  })

  it("what is for tests is in the entry for tests alone", () => {
    const testing = (entry: string) => importsOf(entry).filter(({ url }) => url.includes("/src/testing"))
    for (const entry of ["index", "node", "redis", "sql", "http", "promise", "command/FlyTokensCommand"]) {
      expect(testing(`src/${entry}.ts`), entry).toEqual([])
    }
    expect(testing("src/testing.ts").length).toBeGreaterThan(1)
  })

  it("exports names what the build makes, and bin has the command", () => {
    const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))
    const targets = Object.entries<{ readonly default?: string; readonly types?: string }>(manifest.exports).filter(
      ([name]) => name !== "./package.json"
    )
    for (const [, { default: code, types }] of targets) {
      const source = code!.replace("./dist/", "src/").replace(/\.js$/, ".ts")
      expect(readFileSync(new URL(`../${source}`, import.meta.url), "utf8")).toContain("export")
      expect(types).toBe(code!.replace(/\.js$/, ".d.ts"))
    }
    expect(manifest.bin).toEqual({ "fly-tokens": "./dist/bin/fly-tokens.js" })
  })
})
