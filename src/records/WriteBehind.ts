/** Writes to the store behind the callers' backs, in order per record. */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Background from "../concurrency/Background.ts"
import type * as Gate from "../concurrency/Gate.ts"
import { type StorageFailed, TimedOut } from "../services/MissReason.ts"
import * as RecordKey from "../services/RecordKey.ts"
import type { Storage, StoredToken } from "../services/Storage.ts"
import { FlyToken } from "../token/FlyToken.ts"
import * as StoreAccess from "./StoreAccess.ts"
import { type AccessReason, storageFailed } from "./StoreAccess.ts"

/**
 * **Details**
 *
 * One record has one line of writes: the next begins when the one before has ended, so an older token never lands on a
 * newer one. A write that passes its limit is interrupted; if it does not end by that either, the line goes on without
 * it, and should it end one day, the newest write is done once more. Records do not wait for each other. A write stands
 * in its line when the function is called; the effect that it returns only waits for the outcome.
 */
export interface WriteBehind {
  /**
   * Writes a record; writes of this record that wait before it are left out, because it replaces them. `false` if the
   * store has a newer one, of another process.
   */
  readonly put: (key: RecordKey.RecordKey, record: StoredToken) => Effect.Effect<boolean, AccessReason>
  /** Deletes a record, with `identity` only if it holds that token. Answers the identity of what it deleted. */
  readonly drop: (key: RecordKey.RecordKey, identity?: string) => Effect.Effect<string | undefined, AccessReason>
  /** What writes go through, for reads that a write needs: the end of the layer waits for them too. */
  readonly gate: Gate.Gate
}

/** Runs a write behind the callers' backs and reports its failure, with `undefined` then. */
export type InBackground = <A>(name: string, write: Effect.Effect<A, AccessReason>) => Fiber.Fiber<A | undefined>

/** What a write came to. */
interface Outcome {
  /** `false`: the store refused it, because it has a newer record. */
  readonly written: boolean
  /** The identity of what was deleted. */
  readonly deleted?: string
}

type Write = Effect.Effect<Outcome, StorageFailed>

interface Job {
  readonly write: Write
  /** `again` is a write that is repeated. */
  readonly kind: "put" | "drop" | "again"
  /** The token that is dropped, if not whichever is stored. */
  readonly identity: string | undefined
  readonly begun: Deferred.Deferred<void>
  readonly done: Deferred.Deferred<Outcome, AccessReason>
  /** Jobs that waited before this one and are left out, because it replaces what they would have done. */
  overtaken: ReadonlyArray<Job>
}

interface Line {
  /** The record's key as a text. */
  readonly name: string
  /** The first is under way. */
  readonly jobs: Array<Job>
  /** Writes that did not end when they were interrupted. */
  abandoned: number
  /** The last write that was done. */
  newest: Job | undefined
}

interface Lines {
  readonly byName: Map<string, Line>
  readonly gate: Gate.Gate
  readonly background: Background.Background
  readonly limitMillis: number
}

const jobOf = (kind: Job["kind"], write: Write, identity?: string): Job => ({
  kind,
  identity,
  write,
  begun: Deferred.makeUnsafe(),
  done: Deferred.makeUnsafe(),
  overtaken: []
})

const begin = (job: Job) => Deferred.doneUnsafe(job.begun, Exit.void)

const hasBegun = (job: Job) => Deferred.isDoneUnsafe(job.begun)

const timedOut = ({ limitMillis }: Lines) => Exit.fail(new TimedOut({ option: "storageTimeout", limitMillis }))

/** With those that it overtook, or that asked for the same. */
const end = (job: Job, exit: Exit.Exit<Outcome, AccessReason>) => {
  for (const each of [...job.overtaken, job]) Deferred.doneUnsafe(each.done, exit)
}

/** A put that the store refused has replaced nothing: the tokens that it overtook are to be deleted still. */
const settle = (line: Line, job: Job, exit: Exit.Exit<Outcome, AccessReason>) => {
  if (Exit.isSuccess(exit) && !exit.value.written) {
    const isOfToken = ({ identity }: Job) => identity !== undefined
    // Behind the job itself, which is the first, and before those that came later.
    line.jobs.splice(1, 0, ...job.overtaken.filter(isOfToken))
    job.overtaken = job.overtaken.filter((each) => !isOfToken(each))
  }
  end(job, exit)
}

/** A write that was given up and ended after all may have put an old token there. */
const onLateEnd = (lines: Lines, line: Line) => {
  line.abandoned--
  // A write that waits replaces it anyway.
  if (line.newest === undefined || line.jobs.some((job) => job.kind === "put" && !hasBegun(job))) return
  const again = jobOf("again", line.newest.write)
  if (line.jobs.length === 0) enqueue(lines, line.name, again)
  else line.jobs.splice(1, 0, again)
}

/** Whoever waits for a write that will never begin is interrupted, as in a run that the closing ends. */
const abandon = (lines: Lines, line: Line) => {
  lines.byName.delete(line.name)
  for (const job of line.jobs.splice(0)) {
    begin(job)
    end(job, Exit.failCause(Cause.interrupt()))
  }
}

const finish = Effect.fnUntraced(
  function*(lines: Lines, line: Line, job: Job, { abandon, fiber }: Gate.Access<Outcome, StorageFailed>) {
    const exit = yield* Background.exitWithin(fiber, lines.limitMillis)
    // It was interrupted by the closing, and so is this line: it says nothing of the store.
    if (lines.background.closed()) return yield* Effect.interrupt
    if (exit !== undefined) {
      if (Exit.isSuccess(exit)) line.newest = job
      return settle(line, job, yield* Effect.exit(Background.typed(exit)))
    }
    settle(line, job, timedOut(lines))
    if (yield* Background.endOrAbandon(fiber, abandon)) return
    line.abandoned++
    fiber.addObserver(() => onLateEnd(lines, line))
  }
)

const work = Effect.fnUntraced(function*(lines: Lines, line: Line) {
  for (let job = line.jobs[0]; job !== undefined; job = line.jobs[0]) {
    begin(job)
    // Other processes wait for what was minted for an organization, and a caller for a manual token.
    const access = yield* Effect.result(lines.gate.begin(job.write, !line.name.startsWith("cached/")))
    if (Result.isFailure(access)) settle(line, job, Exit.fail(access.failure))
    else yield* finish(lines, line, job, access.success)
    line.jobs.shift()
  }
  if (line.abandoned === 0) lines.byName.delete(line.name)
})

/** Answers the job that does it: the same asked for twice is one. */
const enqueue = (lines: Lines, name: string, job: Job): Job => {
  const line = lines.byName.get(name) ?? { name, jobs: [], abandoned: 0, newest: undefined }
  lines.byName.set(name, line)
  const last = line.jobs.at(-1)
  const isSame = last?.kind === job.kind && last.identity === job.identity
  if (last !== undefined && isSame && job.kind !== "put" && !hasBegun(last)) return last
  if (job.kind === "put") {
    job.overtaken = line.jobs.splice(1).flatMap((each) => [...each.overtaken, each])
    for (const each of job.overtaken) begin(each)
  }
  line.jobs.push(job)
  // It fails only by being interrupted: the layer has closed.
  if (line.jobs.length === 1) {
    lines.background.forkWrite(work(lines, line)).addObserver((exit) => Exit.isFailure(exit) && abandon(lines, line))
  }
  return job
}

/** The outcome. A job that is behind others in its line while the store stands still is given up: it never begins. */
const outcomeOf = (lines: Lines, name: string, job: Job): Effect.Effect<Outcome, AccessReason> =>
  Effect.suspend(() => {
    if (hasBegun(job)) return Deferred.await(job.done)
    const giveUp = Effect.sync(() => {
      if (hasBegun(job)) return
      const jobs = lines.byName.get(name)?.jobs
      const place = jobs?.indexOf(job) ?? -1
      if (place > 0) jobs?.splice(place, 1)
      end(job, timedOut(lines))
    })
    const standstill = lines.gate.standstill(lines.limitMillis + Background.endingGraceMillis)
    return Effect.andThen(
      Effect.raceFirst(Deferred.await(job.begun), Effect.andThen(standstill, giveUp)),
      Deferred.await(job.done)
    )
  })

const put = (storage: Storage["Service"], key: RecordKey.RecordKey, record: StoredToken): Write =>
  Effect.suspend(() => storage.put(key.name, key.kind, record)).pipe(
    Effect.as<Outcome>({ written: true }),
    Effect.catchIf(
      (error) => error.kind === "Superseded",
      () =>
        Effect.as(Effect.logDebug(`fly-tokens: ${RecordKey.id(key)}: a newer token is stored already`), {
          written: false
        })
    ),
    Effect.mapError(storageFailed)
  )

const drop = (storage: Storage["Service"], { kind, name }: RecordKey.RecordKey, identity: string | undefined): Write =>
  Effect.gen(function*() {
    const read = Effect.map(
      Effect.suspend(() => storage.get(name, kind)),
      (found) => Option.isSome(found) ? FlyToken.make(found.value.token).identity : undefined
    )
    // Where any token is to go, what is there is only of interest; it is deleted unread too.
    const stored = yield* identity === undefined ? Effect.orElseSucceed(read, () => undefined) : read
    if (identity !== undefined && stored !== identity) return { written: true }
    yield* storage.delete(name, kind)
    return { written: true, ...(stored === undefined ? {} : { deleted: stored }) }
  }).pipe(Effect.mapError(storageFailed))

export const make = (
  background: Background.Background,
  storage: Storage["Service"],
  limitMillis: number
): WriteBehind => {
  const gate = StoreAccess.gate(background.forkWrite, limitMillis)
  const lines: Lines = { byName: new Map(), gate, background, limitMillis }
  const inLine = (key: RecordKey.RecordKey, job: Job) => {
    const name = RecordKey.id(key)
    return outcomeOf(lines, name, enqueue(lines, name, job))
  }
  return {
    gate,
    put: (key, record) => Effect.map(inLine(key, jobOf("put", put(storage, key, record))), ({ written }) => written),
    drop: (key, identity) =>
      Effect.map(inLine(key, jobOf("drop", drop(storage, key, identity), identity)), ({ deleted }) => deleted)
  }
}
