/** Asking flyctl for the organizations of apps, with one credential. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import type { Background } from "../concurrency/Background.ts"
import * as CliReasons from "../policy/CliReasons.ts"
import * as OrgRecord from "../policy/OrgRecord.ts"
import { Malformed, type MissReason } from "../services/MissReason.ts"
import { type AppName, isAppName } from "../token/AppName.ts"

/** The slug of an app's organization. */
export type AppLookup = (app: AppName) => Effect.Effect<string, MissReason>

/** A list pages through the whole account: with so many apps unanswered at one moment it is worth that. */
const many = 4

/** A list that ended, however, says for so long all that it has to say. */
const listedFor = Duration.toMillis(Duration.minutes(1))

/** One list at a time, and none for a while after one that ended. */
const makeLister = (list: Effect.Effect<void>, fork: Background["fork"]) => {
  let underWay: Fiber.Fiber<void> | undefined
  let endedAt: bigint | undefined

  const run = Effect.flatMap(Effect.andThen(list, Clock.monotonicTimeNanos), (now) =>
    Effect.sync(() => {
      endedAt = now
    }))

  const begin = () => {
    const fiber = fork(run)
    underWay = fiber
    fiber.addObserver(() => {
      underWay = undefined
    })
    return fiber
  }

  return {
    isUnderWay: () => underWay !== undefined,
    /** Ends when there is nothing to be learned from a list any more. */
    listed: Effect.flatMap(
      Clock.monotonicTimeNanos,
      (now): Effect.Effect<unknown> =>
        underWay === undefined && endedAt !== undefined && Number(now - endedAt) < listedFor * 1e6
          ? Effect.void
          : Fiber.await(underWay ?? begin())
    )
  }
}

type Question = Deferred.Deferred<string, MissReason>

/**
 * **Details**
 *
 * Each app is asked for by itself, so many at once as flyctl may run. When many wait, a list is asked for as well:
 * whichever answers first serves. An app for which the question failed waits for the list, if that may know it. When a
 * question failed by its time, those that are not asked yet fail with it: one by one they would wait for minutes. What
 * comes is checked before it is kept: a slug has the form of an app name, anything else could be a flag to flyctl.
 */
export const make = (options: {
  readonly askOne: AppLookup
  readonly askAll: Effect.Effect<ReadonlyMap<string, string>, MissReason>
  readonly concurrency: number
  readonly fork: Background["fork"]
  /** Where answers are kept, but those that mean something else for each login. */
  readonly known: Map<string, string>
}): AppLookup => {
  const { askAll, askOne, concurrency, fork, known } = options
  /** The questions without an answer. */
  const open = new Map<string, Question>()
  /** Those that are not asked yet. */
  const waiting = new Set<string>()
  let asking = 0

  const answer = (app: string, question: Question, exit: Exit.Exit<string, MissReason>) => {
    if (open.get(app) === question) {
      open.delete(app)
      waiting.delete(app)
    }
    Deferred.doneUnsafe(question, exit)
  }

  const keep = (app: string, org: string) => {
    if (!OrgRecord.isByLogin(org)) known.set(app, org)
  }

  const { isUnderWay, listed } = makeLister(
    Effect.match(askAll, {
      onFailure: () => {},
      onSuccess: (apps) => {
        for (const [app, org] of apps) {
          if (!isAppName(app) || !isAppName(org)) continue
          if (!known.has(app)) keep(app, org)
          const question = open.get(app)
          if (question !== undefined) answer(app, question, Exit.succeed(known.get(app) ?? org))
        }
      }
    }),
    fork
  )

  /** Answers those that are not asked yet, for nothing but a list that is under way. */
  const letGo = (reason: MissReason) => {
    const left = [...waiting].map((app) => [app, open.get(app)] as const)
    waiting.clear()
    fork(isUnderWay() ? listed : Effect.void).addObserver(() => {
      for (const [app, question] of left) {
        if (question !== undefined) answer(app, question, Exit.fail(reason))
      }
    })
  }

  const learned = (app: string, asked: Result.Result<string, MissReason>): Effect.Effect<string, MissReason> => {
    if (Result.isSuccess(asked)) return Effect.succeed(asked.success)
    const reason = asked.failure
    // A list that is under way is waited for, and none is asked for that would take its time too.
    const waits = CliReasons.isByTime(reason) ? isUnderWay() : CliReasons.mayBeListed(reason)
    if (!waits) return Effect.fail(reason)
    return Effect.flatMap(listed, () => {
      const org = known.get(app)
      return org === undefined ? Effect.fail(reason) : Effect.succeed(org)
    })
  }

  const ask = Effect.gen(function*() {
    for (const app of waiting) {
      waiting.delete(app)
      const question = open.get(app)
      if (question === undefined) continue
      const asked = yield* Effect.result(Effect.flatMap(askOne(app as AppName), (org) =>
        isAppName(org)
          ? Effect.succeed<string>(org)
          : Effect.fail(new Malformed({ why: "flyctl printed something else than the status of an app" }))))
      if (Result.isSuccess(asked)) keep(app, asked.success)
      else if (CliReasons.isByTime(asked.failure)) letGo(asked.failure)
      fork(learned(app, asked)).addObserver((exit) => answer(app, question, exit))
    }
  })

  const start = () => {
    while (asking < concurrency && waiting.size > 0) {
      asking++
      fork(ask).addObserver((exit) => {
        asking--
        // It fails only by being interrupted: the layer has closed.
        if (Exit.isSuccess(exit)) return
        for (const [app, question] of open) answer(app, question, Exit.failCause(exit.cause))
      })
    }
  }

  return (app) =>
    Effect.suspend(() => {
      const org = known.get(app)
      if (org !== undefined) return Effect.succeed(org)
      const before = open.get(app)
      if (before !== undefined) return Deferred.await(before)
      const question: Question = Deferred.makeUnsafe()
      open.set(app, question)
      waiting.add(app)
      if (open.size >= many && !isUnderWay()) fork(listed)
      start()
      return Deferred.await(question)
    })
}
