import { beforeAll, describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { builtinModules } from "node:module"
import { fileURLToPath } from "node:url"
import { FlyTokens } from "../src/index.ts"
import * as World from "./support/World.ts"

const root = fileURLToPath(new URL("..", import.meta.url))

const entries = ["index", "node", "redis", "sql", "http", "promise", "testing", "command/FlyTokensCommand"] as const

type Entry = typeof entries[number]

interface Import {
  readonly specifier: string
  readonly by: string
  readonly url: string
}

const urlOf = (entry: Entry): string => new URL(`../src/${entry}.ts`, import.meta.url).href

/** Imports all entries, in a process of its own, and tells which modules were asked for, by whom, and where they are. */
const imports = (): ReadonlyArray<Import> => {
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
    for (const entry of ${JSON.stringify(entries.map(urlOf))}) await import(entry)
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

const byImporter = new Map<string, Array<Import>>()
beforeAll(() => {
  for (const each of imports()) byImporter.set(each.by, [...(byImporter.get(each.by) ?? []), each])
})

/** What an entry imports, and all that this imports. */
const importsOf = (entry: Entry): ReadonlyArray<Import> => {
  const seen = new Set([urlOf(entry)])
  for (const url of seen) for (const { url: imported } of byImporter.get(url) ?? []) seen.add(imported)
  return [...seen].flatMap((url) => byImporter.get(url) ?? [])
}

const builtinsOf = (entry: Entry): ReadonlyArray<string> =>
  importsOf(entry)
    .filter(({ specifier }) => specifier.startsWith("node:") || builtinModules.includes(specifier))
    .map(({ by, specifier }) => `${specifier} by ${by}`)

describe("the entries", () => {
  it("the root entry imports nothing of Node, its dependencies included", () => {
    expect(builtinsOf("index")).toEqual([])
  })

  it("the entry for tests imports nothing of Node either", () => {
    expect(builtinsOf("testing")).toEqual([])
  })

  it("the entry of the HTTP client imports nothing of Node either", () => {
    expect(builtinsOf("http")).toEqual([])
  })

  it("the Node entry does, so the test above can fail", () => {
    expect(builtinsOf("node").length).toBeGreaterThan(0)
  })

  it("nothing writes into the cache but the resolver: the service has no other operations", async () => {
    const world = await Effect.runPromise(World.make)
    const tokens = await Effect.runPromise(Effect.provide(FlyTokens, world.layer()))
    expect(Object.keys(tokens).sort()).toEqual([
      "events",
      "get",
      "invalidate",
      "keep",
      "peek",
      "refresh",
      "removeManual",
      "setManual",
      "status",
      "statuses"
    ])
  })

  it("what is for tests is in the entry for tests alone", () => {
    const testing = (entry: Entry) => importsOf(entry).filter(({ url }) => url.includes("/src/testing"))
    for (const entry of entries.filter((entry) => entry !== "testing")) expect(testing(entry), entry).toEqual([])
    expect(testing("testing").length).toBeGreaterThan(1)
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
