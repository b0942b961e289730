/**
 * Writes to the store behind the callers' backs, in order per record.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
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
 * One record has one line of writes: the next begins when the one before has really ended, also one that passed its
 * limit and was interrupted, so an older token never lands on a newer one. Records do not wait for each other. A write
 * stands in its line when the function is called; the effect that it returns only waits for the outcome.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface PendingWrites {
  /** Writes a record; writes of this record that wait before it are left out, because it replaces them. */
  readonly put: (name: string, key: StorageKey, record: StoredToken) => Effect.Effect<void, WriteReason>
  /** Deletes a record; with `identity` only if it holds that token. */
  readonly drop: (name: string, key: StorageKey, identity?: string) => Effect.Effect<void, WriteReason>
}

interface Job {
  readonly effect: Effect.Effect<void, StorageError>
  readonly replaces: boolean
  readonly done: Deferred.Deferred<void, WriteReason>
}

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
  const lines = new Map<string, Array<Job>>()
  const timedOut = () => new TimedOut({ option: "storageTimeout", limitMillis })

  const work = Effect.fnUntraced(function*(line: string, jobs: Array<Job>) {
    for (let job = jobs[0]; job !== undefined; job = jobs[0]) {
      const fiber = background.forkWrite(Effect.mapError(job.effect, storageFailed))
      const exit = yield* Background.exitWithin(fiber, limitMillis)
      if (exit === undefined) {
        fiber.interruptUnsafe()
        Deferred.doneUnsafe(job.done, Exit.fail(timedOut()))
        yield* Fiber.await(fiber)
      } else {
        Deferred.doneUnsafe(job.done, Background.typed(exit))
      }
      jobs.shift()
    }
    lines.delete(line)
  })

  const enqueue = (
    name: string,
    key: StorageKey,
    effect: Effect.Effect<void, StorageError>,
    replaces: boolean
  ): Effect.Effect<void, WriteReason> => {
    const line = `${key}/${name}`
    const job: Job = { effect, replaces, done: Deferred.makeUnsafe() }
    const jobs = lines.get(line)
    if (jobs === undefined) {
      const started = [job]
      lines.set(line, started)
      background.forkWrite(work(line, started))
    } else {
      // The first is under way. Those that wait are overtaken by a put, which answers for them.
      const waiting = replaces ? jobs.splice(1) : []
      jobs.push(job)
      for (const overtaken of waiting) {
        background.fork(Deferred.into(Deferred.await(job.done), overtaken.done))
      }
    }
    return answerOf(job, line)
  }

  /** A job that waits behind one that never ends is given up: it has not begun, so it never will. */
  const answerOf = (job: Job, line: string): Effect.Effect<void, WriteReason> =>
    Effect.timeoutOrElse(Deferred.await(job.done), {
      duration: Duration.millis(2 * limitMillis),
      orElse: () => {
        const jobs = lines.get(line)
        const place = jobs?.indexOf(job) ?? -1
        if (place > 0) jobs?.splice(place, 1)
        return Effect.fail(timedOut())
      }
    })

  return {
    put: (name, key, record) => enqueue(name, key, Effect.suspend(() => storage.put(name, key, record)), true),
    drop: (name, key, identity) =>
      enqueue(
        name,
        key,
        identity === undefined
          ? Effect.suspend(() => storage.delete(name, key))
          : Effect.flatMap(Effect.suspend(() => storage.get(name, key)), (record) =>
            Option.isSome(record) && FlyToken.make(record.value.token).identity === identity
              ? storage.delete(name, key)
              : Effect.void),
        false
      )
  }
}
