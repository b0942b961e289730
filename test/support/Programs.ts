/**
 * Programs that tests start, and modules that such programs import, each in one file, as bundles.ts makes them before
 * the tests. Without that a start reads some 400 modules, and takes six times as long.
 */
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("../..", import.meta.url))

/** By their paths below the root. */
export const programs = [
  "src/index.ts",
  "src/promise.ts",
  "test/support/effect.ts",
  "test/support/leaseHolder.ts",
  "test/support/listMachines.ts",
  "test/support/manyApps.ts",
  "test/support/signalled.ts",
  "test/support/storeWriter.ts",
  "test/support/tokenGetter.ts"
] as const

export const nameOf = (program: string): string => program.replaceAll("/", "-").replace(/\.ts$/, "")

const folder = process.env["FLY_TOKENS_PROGRAMS"]

/** The stand-in for flyctl. */
export const standIn = process.env["FLY_TOKENS_STAND_IN"] ?? join(root, "test/stand-in/fly.mjs")

/** The file of a program: its source where coverage is measured. */
export const fileOf = (program: typeof programs[number]): string =>
  folder === undefined ? join(root, program) : join(folder, `${nameOf(program)}.js`)
