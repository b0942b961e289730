/**
 * Searches long for a text from outside that breaks its reader: `npm run fuzz`, a million inputs for each target.
 *
 * From the environment: `FUZZ_RUNS` inputs (also the first argument), `FUZZ_SEED`, `FUZZ_TARGETS` by name with commas, and
 * `FUZZ_PATH`, with which a failure is seen again. Each target has a thread of its own: one that does not come back from
 * an input is told too, with the input's number.
 */
import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads"
import { again, fuzz } from "../test/fuzz/Fuzzing.ts"
import { targets } from "../test/fuzz/Targets.ts"

interface Job {
  readonly name: string
  readonly runs: number
  readonly seed: number
  readonly path: string | undefined
  /** How many inputs were begun. */
  readonly begun: Int32Array<SharedArrayBuffer>
}

/** An input that takes a second of the processor is a failure; one that takes this long never ends. */
const hangsAfter = 60_000

const work = (job: Job): void => {
  const target = targets.find(({ name }) => name === job.name)!
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origins
  parentPort!.postMessage(fuzz(target, { ...job, begin: () => void Atomics.add(job.begun, 0, 1) }))
}

/** Runs a target in a thread; the answer is whether it held. */
const search = (name: string, runs: number, seed: number, path: string | undefined): Promise<boolean> =>
  new Promise((resolve) => {
    const start = performance.now()
    const begun = new Int32Array(new SharedArrayBuffer(4))
    const job: Job = { name, runs, seed, path, begun }
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: job })
    let seen = -1
    const watch = setInterval(() => {
      const now = Atomics.load(begun, 0)
      if (now === seen && now > 0) end(`${name} hangs in input ${now}\n  again: ${again(name, seed, now - 1)}`)
      seen = now
    }, hangsAfter)
    const end = (failure: string | undefined) => {
      clearInterval(watch)
      void worker.terminate()
      const seconds = (performance.now() - start) / 1000
      const count = Atomics.load(begun, 0)
      console.log(
        failure ??
          `${name}: ${count} inputs in ${seconds.toFixed(1)} s (${
            Math.round(count / seconds)
          }/s), seed ${seed}, nothing found`
      )
      resolve(failure === undefined)
    }
    worker.once("message", end)
    worker.once("error", (error) => end(`${name} ended its thread: ${String(error)}\n  again: FUZZ_SEED=${seed}`))
  })

const main = async (): Promise<void> => {
  const runs = Number(process.argv[2] ?? process.env["FUZZ_RUNS"] ?? 1_000_000)
  const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31)
  const path = process.env["FUZZ_PATH"]
  const wanted = process.env["FUZZ_TARGETS"]?.split(",") ?? targets.map(({ name }) => name)
  if (!(Number.isSafeInteger(runs) && runs > 0 && Number.isSafeInteger(seed))) throw new Error("not a number of inputs")
  for (const name of wanted) {
    if (!targets.some((target) => target.name === name)) throw new Error(`no target ${name}`)
  }
  const queue = [...wanted]
  let held = true
  const lane = async (): Promise<void> => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      if (!(await search(name, runs, seed, path))) held = false
    }
  }
  await Promise.all(Array.from({ length: Math.min(wanted.length, availableParallelism()) }, lane))
  process.exitCode = held ? 0 : 1
}

if (isMainThread) await main()
else work(workerData as Job)
