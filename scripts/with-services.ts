/**
 * Runs a command with a Redis and a PostgreSQL of its own: `node scripts/with-services.ts npm test`. They are in a temp
 * folder, on free ports, and gone afterwards.
 */
import { spawn } from "node:child_process"
import * as Servers from "../test/support/Servers.ts"

const [command, ...args] = process.argv.slice(2)
if (command === undefined) throw new Error("which command?")

const redis = await Servers.redis()
const postgres = await Servers.postgres()
try {
  await Promise.all([redis.start(), postgres.start()])
  const environment = { ...process.env, REDIS_URL: redis.url, DATABASE_URL: postgres.url }
  const child = spawn(command, args, { stdio: "inherit", env: environment })
  // It ends the command, whose end ends the servers.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal))
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.once("error", reject)
    child.once("exit", (code) => resolve(code ?? 1))
  })
} finally {
  await Promise.all([redis.remove(), postgres.remove()])
}
