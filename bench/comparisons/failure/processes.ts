/**
 * Many processes that start at once, on one store in which there is nothing.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { createInterface } from "node:readline"
import * as Comparison from "../../harness/Comparison.ts"
import { ours } from "../../harness/Result.ts"
import * as Sandbox from "../../subjects/sandbox.ts"

const processes = 16
const program = join(import.meta.dirname, "..", "..", "subjects", "getOnce.ts")

const figures = await Sandbox.use(async (sandbox) => {
  // Long enough for all of them to find that one of them is at it.
  await sandbox.settings({ delay: 300 })
  const children = await Promise.all(Array.from({ length: processes }, async (_, n) => {
    const child = spawn(process.execPath, [program, `app-${n % 4}`], {
      env: sandbox.environment as NodeJS.ProcessEnv,
      stdio: ["pipe", "pipe", "inherit"]
    })
    const ended = once(child, "exit")
    const lines = createInterface({ input: child.stdout })
    await once(lines, "line")
    return { ended, lines, go: () => child.stdin.write("go\n") }
  }))
  const hashes = Promise.all(children.map(async ({ lines }) => String((await once(lines, "line"))[0])))
  for (const { go } of children) go()
  const different = new Set(await hashes)
  // They write to the store still, and the home is gone afterwards.
  await Promise.all(children.map(({ ended }) => ended))
  return { mints: (await sandbox.mints()).length, "different tokens": different.size }
})

Comparison.report({
  comparison: "failure/processes",
  title: "16 processes, one cold store",
  about: `
${processes} processes of Node, each with this library over the same empty directory, ask at once for tokens of 4 apps of one
organization. The stand-in for flyctl takes 0.3 s. The others have no store that processes could share: each process mints.
  `,
  tasks: [],
  counts: [{ group: `${processes} processes`, name: ours, figures }]
})
