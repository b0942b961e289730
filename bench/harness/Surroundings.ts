/**
 * Where it is measured, and with which versions.
 */
import { readFileSync } from "node:fs"
import { cpus, totalmem } from "node:os"
import { join } from "node:path"
import { arch, platform, version } from "node:process"
import type { Surroundings } from "./Report.ts"

const manifest = (folder: string): { readonly version: string; readonly dependencies?: Record<string, string> } =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))

export const look = (root: string, bench: string): Surroundings => {
  const processors = cpus()
  const peers = Object.keys(manifest(bench).dependencies ?? {}).toSorted()
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${processors.length} × ${processors[0]?.model.trim() ?? "unknown"}, ${
      Math.round(totalmem() / 2 ** 30)
    } GiB, ${platform} ${arch}`,
    node: `Node ${version.slice(1)}`,
    versions: {
      "effect-fly-tokens": manifest(root).version,
      effect: manifest(join(root, "node_modules", "effect")).version,
      ...Object.fromEntries(peers.map((name) => [name, manifest(join(bench, "node_modules", name)).version]))
    }
  }
}
