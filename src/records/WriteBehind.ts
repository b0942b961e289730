/** Writes to the store behind the callers' backs, in order per record. */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Background from "../concurrency/Background.ts"
import type * as Gate from "../concurrency/Gate.ts"
import { type Defect, StorageFailed, TimedOut } from "../services/MissReason.ts"
import * as RecordKey from "../services/RecordKey.ts"
import type { Storage, StoredToken } from "../services/Storage.ts"
import type { StorageError } from "../services/TokenError.ts"
import { FlyToken } from "../token/FlyToken.ts"
import * as StoreGate from "./StoreGate.ts"

/** Why a write was not done. */
export type WriteReason = StorageFailed | TimedOut | Defect

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
  readonly put: (key: RecordKey.RecordKey, record: StoredToken) => Effect.Effect<boolean, WriteReason>
  /** Deletes a record, with `identity` only if it holds that token. Answers the identity of what it deleted. */
  readonly drop: (key: RecordKey.RecordKey, identity?: string) => Effect.Effect<string | undefined, WriteReason>
  /** What writes go through, for reads that a write needs: the end of the layer waits for them too. */
  readonly gate: Gate.Gate
}

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
  /** `drop` is one token, `clear` whichever is stored, `again` a write that is repeated. */
  readonly kind: "put" | "drop" | "clear" | "again"
  /** The token that is dropped. */
  readonly identity: string | undefined
  begun: boolean
  readonly started: Deferred.Deferred<void>
  readonly done: Deferred.Deferred<Outcome, WriteReason>
  /** Jobs that waited before this one and are left out, because it replaces what they would have done. */
  overtaken: ReadonlyArray<Job>
}

interface Line {
  /** The first is under way. */
  readonly jobs: Array<Job>
  /** Writes that did not end when they were interrupted. */
  abandoned: number
  /** The last write that was done. */
  newest: Job | undefined
}

/** The reason that a failing store is. */
export const storageFailed = (error: StorageError): StorageFailed =>
  new StorageFailed({ why: error.why, ...(error.path === undefined ? {} : { path: error.path }) })

export const make = (
  background: Background.Background,
  storage: Storage["Service"],
  limitMillis: number
): WriteBehind => {
  const gate = StoreGate.make({ fork: background.forkWrite, limitMillis })
  const lines = new Map<string, Line>()
  const timedOut = () => new TimedOut({ option: "storageTimeout", limitMillis })

  const jobOf = (kind: Job["kind"], write: Write, identity?: string): Job => ({
    kind,
    identity,
    write,
    begun: false,
    started: Deferred.makeUnsafe(),
    done: Deferred.makeUnsafe(),
    overtaken: []
  })

  /**
   * Answers for those that a job overtook. A put that the store refused has replaced nothing: the tokens that they were
   * to delete are to be deleted still.
   */
  const settle = (line: Line, job: Job, exit: Exit.Exit<Outcome, WriteReason>) => {
    const refused = Exit.isSuccess(exit) && !exit.value.written
    const again = refused ? job.overtaken.filter(({ kind }) => kind === "drop") : []
    for (const each of job.overtaken) {
      if (!again.includes(each)) Deferred.doneUnsafe(each.done, exit)
    }
    // Behind the job itself, which is the first, and before those that came later.
    line.jobs.splice(1, 0, ...again)
    Deferred.doneUnsafe(job.done, exit)
  }

  /** A write that was given up and ended after all may have put an old token there. */
  const onLateEnd = (name: string, line: Line) => {
    line.abandoned--
    // A write that waits replaces it anyway.
    if (line.newest === undefined || line.jobs.some(({ begun, kind }) => !begun && kind === "put")) return
    const again = jobOf("again", line.newest.write)
    if (line.jobs.length === 0) enqueue(name, again)
    else line.jobs.splice(1, 0, again)
  }

  /** Whoever waits for a write that will never begin is interrupted, as in a run that the closing ends. */
  const abandonLine = (name: string, line: Line) => {
    const interrupted = Exit.failCause(Cause.interrupt())
    lines.delete(name)
    for (const job of line.jobs.splice(0)) {
      for (const each of [...job.overtaken, job]) {
        Deferred.doneUnsafe(each.started, Exit.void)
        Deferred.doneUnsafe(each.done, interrupted)
      }
    }
  }

  const finish = Effect.fnUntraced(
    function*(name: string, line: Line, job: Job, { abandon, fiber }: Gate.Access<Outcome, StorageFailed>) {
      const exit = yield* Background.exitWithin(fiber, limitMillis)
      // It was interrupted by the closing, and so is this line: it says nothing of the store.
      if (background.closed()) return yield* Effect.interrupt
      if (exit !== undefined) {
        if (Exit.isSuccess(exit)) line.newest = job
        return settle(line, job, yield* Effect.exit(Background.typed(exit)))
      }
      settle(line, job, Exit.fail(timedOut()))
      if (yield* Background.endOrAbandon(fiber, abandon)) return
      line.abandoned++
      fiber.addObserver(() => onLateEnd(name, line))
    }
  )

  const work = Effect.fnUntraced(function*(name: string, line: Line) {
    for (let job = line.jobs[0]; job !== undefined; job = line.jobs[0]) {
      job.begun = true
      Deferred.doneUnsafe(job.started, Exit.void)
      // Other processes wait for what was minted for an organization, and a caller for a manual token.
      const begun = yield* Effect.result(gate.begin(job.write, !name.startsWith("cached/")))
      if (Result.isFailure(begun)) settle(line, job, Exit.fail(begun.failure))
      else yield* finish(name, line, job, begun.success)
      line.jobs.shift()
    }
    if (line.abandoned === 0) lines.delete(name)
  })

  const enqueue = (name: string, job: Job): Job => {
    const line = lines.get(name) ?? { jobs: [], abandoned: 0, newest: undefined }
    lines.set(name, line)
    const last = line.jobs.at(-1)
    // The same asked for twice is one job.
    const same = last?.kind === job.kind && last.identity === job.identity
    if (last !== undefined && !last.begun && same && job.kind !== "put") return last
    // Those that wait are overtaken by a put, which answers for them.
    if (job.kind === "put") {
      job.overtaken = line.jobs.splice(1).flatMap((each) => [...each.overtaken, each])
      for (const each of job.overtaken) {
        each.begun = true
        Deferred.doneUnsafe(each.started, Exit.void)
      }
    }
    line.jobs.push(job)
    // It fails only by being interrupted: the layer has closed.
    if (line.jobs.length === 1) {
      background.forkWrite(work(name, line)).addObserver((exit) => Exit.isFailure(exit) && abandonLine(name, line))
    }
    return job
  }

  const giveUp = (name: string, job: Job): void => {
    if (job.begun) return
    const jobs = lines.get(name)?.jobs
    const place = jobs?.indexOf(job) ?? -1
    if (place > 0) jobs?.splice(place, 1)
    // Also for those that it overtook, or that asked for the same.
    for (const each of [...job.overtaken, job]) Deferred.doneUnsafe(each.done, Exit.fail(timedOut()))
  }

  /** The outcome. A job that is behind others in its line while the store stands still is given up: it never begins. */
  const outcomeOf = (name: string, job: Job): Effect.Effect<Outcome, WriteReason> =>
    Effect.suspend(() => {
      if (job.begun) return Deferred.await(job.done)
      const standstill = gate.standstill(limitMillis + Background.endingGraceMillis)
      const givenUp = Effect.andThen(standstill, Effect.sync(() => giveUp(name, job)))
      return Effect.andThen(Effect.raceFirst(Deferred.await(job.started), givenUp), Deferred.await(job.done))
    })

  const inLine = (key: RecordKey.RecordKey, job: Job) => {
    const line = RecordKey.id(key)
    return outcomeOf(line, enqueue(line, job))
  }

  const remove = ({ kind, name }: RecordKey.RecordKey, identity: string | undefined): Write =>
    Effect.gen(function*() {
      const read = Effect.map(
        Effect.suspend(() => storage.get(name, kind)),
        Option.map((record) => FlyToken.make(record.token).identity)
      )
      if (identity === undefined) {
        // What is there is only of interest; it is deleted unread too.
        const stored = yield* Effect.orElseSucceed(read, () => Option.none<string>())
        yield* storage.delete(name, kind)
        return { written: true, ...(Option.isSome(stored) ? { deleted: stored.value } : {}) }
      }
      if (Option.getOrUndefined(yield* read) !== identity) return { written: true }
      yield* storage.delete(name, kind)
      return { written: true, deleted: identity }
    }).pipe(Effect.mapError(storageFailed))

  const put = (key: RecordKey.RecordKey, record: StoredToken): Write =>
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

  return {
    gate,
    put: (key, record) => Effect.map(inLine(key, jobOf("put", put(key, record))), ({ written }) => written),
    drop: (key, identity) => {
      const kind = identity === undefined ? "clear" : "drop"
      return Effect.map(inLine(key, jobOf(kind, remove(key, identity), identity)), ({ deleted }) => deleted)
    }
  }
}
