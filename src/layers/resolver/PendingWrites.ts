/**
 * Writes to the store behind the callers' backs, in order per record.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { type Defect, StorageFailed, TimedOut } from "../../services/MissReason.ts"
import type { Storage, StorageKey, StoredToken } from "../../services/Storage.ts"
import type { StorageError } from "../../services/TokenError.ts"
import { FlyToken } from "../../token/FlyToken.ts"
import * as Background from "./Background.ts"

/**
 * Why a write was not done.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type WriteReason = StorageFailed | TimedOut | Defect

/**
 * **Details**
 *
 * One record has one line of writes: the next begins when the one before has ended, so an older token never lands on a
 * newer one. A write that passes its limit is interrupted; if it does not end by that either, the line goes on without
 * it, and should it end one day, the newest write is done once more. Records do not wait for each other. A write stands
 * in its line when the function is called; the effect that it returns only waits for the outcome.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface PendingWrites {
  /** Writes a record; writes of this record that wait before it are left out, because it replaces them. */
  readonly put: (name: string, key: StorageKey, record: StoredToken) => Effect.Effect<void, WriteReason>
  /** Deletes a record, with `identity` only if it holds that token. Answers the identity of what it deleted. */
  readonly drop: (name: string, key: StorageKey, identity?: string) => Effect.Effect<string | undefined, WriteReason>
}

type Write = Effect.Effect<string | undefined, StorageFailed>

interface Job {
  readonly write: Write
  /** Jobs of the same kind that follow each other are one. */
  readonly kind: string
  begun: boolean
  readonly started: Deferred.Deferred<void>
  readonly done: Deferred.Deferred<string | undefined, WriteReason>
}

interface Line {
  /** The first is under way. */
  readonly jobs: Array<Job>
  /** Writes that did not end when they were interrupted. */
  abandoned: number
  /** The last write that was done. */
  newest: Job | undefined
}

/** How long a write that was interrupted may take to end before the line goes on without it. */
const endingGraceMillis = 5_000

/**
 * The reason that a failing store is.
 *
 * @category conversions
 * @since 0.1.0
 * @stability stable
 */
export const storageFailed = (error: StorageError): StorageFailed =>
  new StorageFailed({ why: error.why, ...(error.path === undefined ? {} : { path: error.path }) })

/**
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const make = (
  background: Background.Background,
  storage: Storage["Service"],
  limitMillis: number
): PendingWrites => {
  const lines = new Map<string, Line>()
  const timedOut = () => new TimedOut({ option: "storageTimeout", limitMillis })

  const jobOf = (kind: string, write: Write): Job => ({
    kind,
    write,
    begun: false,
    started: Deferred.makeUnsafe(),
    done: Deferred.makeUnsafe()
  })

  /** A write that was given up and ended after all may have put an old token there. */
  const onLateEnd = (name: string, line: Line) => {
    line.abandoned--
    // A write that waits replaces it anyway.
    if (line.newest === undefined || line.jobs.some(({ begun, kind }) => !begun && kind === "put")) return
    const again = jobOf("again", line.newest.write)
    if (line.jobs.length === 0) enqueue(name, again)
    else line.jobs.splice(1, 0, again)
  }

  const work = Effect.fnUntraced(function*(name: string, line: Line) {
    for (let job = line.jobs[0]; job !== undefined; job = line.jobs[0]) {
      job.begun = true
      Deferred.doneUnsafe(job.started, Exit.void)
      const fiber = background.forkWrite(job.write)
      const exit = yield* Background.exitWithin(fiber, limitMillis)
      if (exit === undefined) {
        fiber.interruptUnsafe()
        Deferred.doneUnsafe(job.done, Exit.fail(timedOut()))
        if ((yield* Background.exitWithin(fiber, endingGraceMillis)) === undefined) {
          line.abandoned++
          fiber.addObserver(() => onLateEnd(name, line))
        }
      } else {
        if (Exit.isSuccess(exit)) line.newest = job
        Deferred.doneUnsafe(job.done, Background.typed(exit))
      }
      line.jobs.shift()
    }
    if (line.abandoned === 0) lines.delete(name)
  })

  const enqueue = (name: string, job: Job): Job => {
    const line = lines.get(name) ?? { jobs: [], abandoned: 0, newest: undefined }
    lines.set(name, line)
    const last = line.jobs.at(-1)
    if (last !== undefined && !last.begun && last.kind === job.kind && job.kind !== "put") return last
    // Those that wait are overtaken by a put, which answers for them.
    const overtaken = job.kind === "put" ? line.jobs.splice(1) : []
    line.jobs.push(job)
    for (const each of overtaken) {
      each.begun = true
      Deferred.doneUnsafe(each.started, Exit.void)
      background.fork(Deferred.into(Deferred.await(job.done), each.done))
    }
    if (line.jobs.length === 1) background.forkWrite(work(name, line))
    return job
  }

  /** The outcome. A job that has not begun within its limit, behind others, is given up: then it never will. */
  const outcomeOf = (name: string, job: Job): Effect.Effect<string | undefined, WriteReason> =>
    Effect.timeoutOrElse(Deferred.await(job.started), {
      duration: Duration.millis(limitMillis + endingGraceMillis),
      orElse: () => {
        if (job.begun) return Effect.void
        const jobs = lines.get(name)?.jobs
        const place = jobs?.indexOf(job) ?? -1
        if (place > 0) jobs?.splice(place, 1)
        // Also for those that it overtook, or that asked for the same.
        Deferred.doneUnsafe(job.done, Exit.fail(timedOut()))
        return Effect.void
      }
    }).pipe(Effect.andThen(Deferred.await(job.done)))

  const inLine = (name: string, key: StorageKey, kind: string, write: Write) => {
    const line = `${key}/${name}`
    return outcomeOf(line, enqueue(line, jobOf(kind, write)))
  }

  const remove = (name: string, key: StorageKey, identity: string | undefined): Write =>
    Effect.gen(function*() {
      const read = Effect.map(
        Effect.suspend(() => storage.get(name, key)),
        Option.map((record) => FlyToken.make(record.token).identity)
      )
      if (identity === undefined) {
        // What is there is only of interest; it is deleted unread too.
        const stored = yield* Effect.orElseSucceed(read, () => Option.none<string>())
        yield* storage.delete(name, key)
        return Option.getOrUndefined(stored)
      }
      if (Option.getOrUndefined(yield* read) !== identity) return undefined
      yield* storage.delete(name, key)
      return identity
    }).pipe(Effect.mapError(storageFailed))

  return {
    put: (name, key, record) =>
      Effect.asVoid(inLine(
        name,
        key,
        "put",
        Effect.mapError(Effect.as(Effect.suspend(() => storage.put(name, key, record)), undefined), storageFailed)
      )),
    drop: (name, key, identity) => inLine(name, key, `drop ${identity ?? "any"}`, remove(name, key, identity))
  }
}
