/**
 * Whatever ends a program ends its children, and what ends it in order loses no write and leaves no lease.
 *
 * Programs, kinds of flyctl, signals and moments are drawn at random, in so many rounds as `SIGNAL_ROUNDS` says;
 * `SIGNAL_SEED` draws the same again.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { setTimeout as after } from "node:timers/promises"
import { environmentOf, main } from "../support/Command.ts"
import { fileOf } from "../support/Programs.ts"
import * as Sandbox from "../support/Sandbox.ts"
import { signalRounds as rounds } from "../support/sizes.ts"

const seed = Number(process.env["SIGNAL_SEED"] ?? Date.now() % 2 ** 32)

/** Most of a round is waiting. */
const atOnce = 6

const signalled = fileOf("test/support/signalled.ts")

const programs = {
  get: { args: () => [main, "get", "my-app"], orderly: () => true },
  exec: {
    args: (
      { bin }: Sandbox.Sandbox
    ) => [main, "exec", "my-app", "--", "sh", "-c", `echo got; exec tail -f ${bin}/flyctl`],
    orderly: () => true
  },
  promise: { args: () => [signalled, "promise"], orderly: (end: string) => end === "SIGTERM" },
  effect: { args: () => [signalled, "effect"], orderly: (end: string) => end === "SIGTERM" || end === "SIGINT" }
} as const

const flyctls = ["ok", "hang", "slow-end", "stubborn"] as const
const signals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGALRM", "SIGUSR2"] as const

interface Round {
  readonly program: keyof typeof programs
  readonly flyctl: typeof flyctls[number]
  readonly end: typeof signals[number] | "exit" | "throw"
  /** What the moment is counted from: the program's start, the start of its first child, or its answer. */
  readonly from: "start" | "child" | "answer"
  readonly millis: number
}

/** The generator mulberry32. */
const random = (state: number) => () => {
  state = (state + 0x6d2b79f5) | 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

const drawn = (count: number): ReadonlyArray<Round> => {
  const next = random(seed)
  const oneOf = <A>(all: ReadonlyArray<A>): A => all[Math.floor(next() * all.length)]!
  return Array.from({ length: count }, () => {
    const program = oneOf(Object.keys(programs) as Array<keyof typeof programs>)
    const flyctl = oneOf(flyctls)
    const ends = program === "promise" || program === "effect" ? [...signals, "exit", "throw"] as const : signals
    const from = oneOf(flyctl === "ok" ? ["start", "child", "answer"] as const : ["start", "child"] as const)
    return {
      program,
      flyctl,
      end: oneOf<Round["end"]>(ends),
      from,
      millis: Math.floor(next() * (from === "start" ? 1_500 : 200))
    }
  })
}

/** Processes that name something of the sandbox: its flyctl, and what `exec` started. */
const processesOf = (sandbox: Sandbox.Sandbox): ReadonlyArray<string> =>
  readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")
      // One that has ended has no command line, though nobody may have reaped it.
      return command.includes(dirname(sandbox.home)) ? [`${pid}: ${command}`] : []
    } catch {
      return []
    }
  })

/** Leases that were not given back: those have a time of long ago. */
const leasesHeld = ({ store }: Sandbox.Sandbox): ReadonlyArray<string> => {
  const directory = join(store, "lease")
  if (!existsSync(directory)) return []
  const generation = (name: string) => Number(name.slice(name.lastIndexOf(".") + 1))
  const newest = readdirSync(directory).sort((a, b) => generation(b) - generation(a))[0]
  return newest !== undefined && statSync(join(directory, newest)).mtimeMs > 10_000 ? [newest] : []
}

const begin = (sandbox: Sandbox.Sandbox, { program }: Round) => {
  const child = spawn(process.execPath, programs[program].args(sandbox), { env: environmentOf(sandbox), stdio: "pipe" })
  const state = { stdout: "", ended: false }
  child.stdout.on("data", (chunk) => state.stdout += chunk)
  child.stdin.on("error", () => {})
  for (const stream of [child.stdout, child.stderr]) stream.resume()
  const ended = new Promise<void>((resolve) => child.on("exit", () => (state.ended = true, resolve())))
  return { child, state, ended }
}

const send = (child: ChildProcess, end: Round["end"]): void => {
  if (end === "exit" || end === "throw") child.stdin?.write(end)
  else child.kill(end)
}

/** Rounds whose first signal did nothing. */
const unheard: Array<Round> = []

/** What was wrong with a round. */
const play = async (sandbox: Sandbox.Sandbox, round: Round): Promise<ReadonlyArray<string>> => {
  await sandbox.settings({ mode: round.flyctl, modes: { status: round.flyctl, apps: round.flyctl } })
  const { child, ended, state } = begin(sandbox, round)
  const reached = {
    start: () => true,
    child: () => existsSync(join(sandbox.bin, "calls.jsonl")),
    answer: () => state.stdout !== ""
  }[round.from]
  while (!reached() && !state.ended) await after(5)
  await after(round.millis)
  send(child, round.end)
  // Node drops a signal that comes in the moment in which its last listener goes: then a person sends it again.
  if (await Promise.race([ended.then(() => false), after(20_000, true, { ref: false })])) {
    unheard.push(round)
    send(child, round.end)
  }
  await ended
  // The end of `exec` is the end of its command, and not of those that it started.
  const found: Array<string> = []
  const alive = processesOf(sandbox)
  // One that was killed a moment ago may be seen still.
  if (alive.length > 0) await after(300)
  for (const each of processesOf(sandbox).filter((left) => alive.includes(left))) {
    found.push(`orphan ${each}`)
    process.kill(Number.parseInt(each, 10), "SIGKILL")
  }
  if (programs[round.program].orderly(round.end)) {
    if (/^(got|FlyV1)/.test(state.stdout) && !existsSync(join(sandbox.store, "cached", "my-app.json"))) {
      found.push("a lost write")
    }
    for (const lease of leasesHeld(sandbox)) found.push(`a held lease ${lease}`)
  }
  return found.map((what) => `${what} after ${JSON.stringify(round)}`)
}

describe("random signals at random moments", () => {
  it.live.skipIf(process.platform !== "linux")(
    "leave no process behind, and no write undone where the end is in order",
    () =>
      Effect.gen(function*() {
        const faults = yield* Effect.forEach(
          drawn(rounds),
          (round) =>
            Effect.scoped(Effect.flatMap(Sandbox.make, (sandbox) => Effect.promise(() => play(sandbox, round)))),
          { concurrency: atOnce }
        )
        console.log(`${rounds} rounds with SIGNAL_SEED=${seed}: ${faults.flat().length} faults`)
        assert.deepStrictEqual(faults.flat(), [])
        assert.isAtMost(unheard.length, 1, `unheard: ${JSON.stringify(unheard)}`)
      }),
    60_000 + rounds * 10_000
  )
})
