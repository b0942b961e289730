/**
 * The command as a user runs it, in a sandbox.
 */
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Sandbox } from "./Sandbox.ts"

const main = fileURLToPath(new URL("../../src/command/main.ts", import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export const run = (sandbox: Sandbox, args: ReadonlyArray<string>): Effect.Effect<Ended> =>
  Effect.promise(() =>
    new Promise((resolve) => {
      const variables = Object.entries(sandbox.environment).filter(([, value]) => value !== undefined)
      const child = spawn(process.execPath, [main, ...args], {
        env: Object.fromEntries(variables) as never,
        stdio: ["ignore", "pipe", "pipe"]
      })
      let stdout = ""
      let stderr = ""
      child.stdout.on("data", (chunk) => stdout += chunk)
      child.stderr.on("data", (chunk) => stderr += chunk)
      child.on("close", (code) => resolve({ code, stdout, stderr }))
    })
  )
