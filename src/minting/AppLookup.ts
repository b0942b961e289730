/** Asking flyctl for the organizations of apps, with one credential. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as SingleFlight from "../concurrency/SingleFlight.ts"
import { Malformed, type MissReason } from "../services/MissReason.ts"
import { type AppName, isAppName } from "../token/AppName.ts"

/** The slug of an app's organization. */
export type AppLookup = (app: AppName) => Effect.Effect<string, MissReason>

/** A list pages through the whole account: with so many apps unanswered at one moment it is worth that. */
const many = 4

/** A list that ended, however, says for so long all that it has to say. */
const listedFor = Duration.toMillis(Duration.minutes(1))

/**
 * By reason: whether a list may know an app for which the question failed. `status` asks the Machines API too, which may
 * fail alone.
 */
const mayBeListed: Readonly<Record<MissReason["_tag"], boolean>> = {
  NotAuthenticated: true,
  Forbidden: true,
  RateLimited: true,
  HttpFailed: true,
  Malformed: true,
  OutputTooLarge: true,
  ExitCode: true,
  Unreachable: true,

  // Fly said that there is no such app.
  AppUnknown: false,
  OrgUnknown: false,

  // flyctl cannot ask anything, or not with this credential.
  Disabled: false,
  BinaryNotFound: false,
  NotExecutable: false,
  NotFlyctl: false,
  OutdatedFlyctl: false,
  NotLoggedIn: false,
  SignOnRequired: false,
  Expired: false,
  Undischarged: false,
  HomeUnusable: false,
  ConfigLocked: false,
  Panicked: false,
  Killed: false,

  // Said of other questions, or of other sources.
  MintRefused: false,
  OrgRequired: false,
  InvalidExpiry: false,
  Unreadable: false,
  NotFound: false,
  NotNewer: false,
  Rejected: false,
  Insufficient: false,
  StorageFailed: false,
  Defect: false,

  // A list that is under way is waited for, and none is asked for.
  TimedOut: false
}

/** Nobody answered: the next question would only find out the same. */
const isByTime = (reason: MissReason): boolean =>
  reason._tag === "TimedOut" || (reason._tag === "Unreachable" && reason.by === "timedOut")

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
  readonly fork: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  /** Where answers are kept. */
  readonly known: Map<string, string>
}): AppLookup => {
  const { askAll, askOne, concurrency, fork, known } = options
  type Question = Deferred.Deferred<string, MissReason>
  /** The questions without an answer. */
  const open = new Map<string, Question>()
  /** Those that are not asked yet. */
  const waiting = new Set<AppName>()
  let asking = 0
  let starting = false
  let listing = false
  let listedAt: bigint | undefined

  const answer = (app: string, question: Question, exit: Exit.Exit<string, MissReason>) => {
    if (open.get(app) === question) open.delete(app)
    Deferred.doneUnsafe(question, exit)
  }

  const keep = (apps: ReadonlyMap<string, string>) => {
    for (const [app, org] of apps) {
      if (isAppName(app) && isAppName(org) && !known.has(app)) known.set(app, org)
    }
    for (const [app, question] of open) {
      const org = known.get(app)
      if (org === undefined) continue
      waiting.delete(app as AppName)
      answer(app, question, Exit.succeed(org))
    }
  }

  const flight = SingleFlight.make<void, never>({ fork })
  const ask = Effect.flatMap(Effect.result(askAll), (listed) =>
    Effect.map(Clock.monotonicTimeNanos, (now) => {
      listedAt = now
      if (listed._tag === "Success") keep(listed.success)
    }))
  /** Ends when there is nothing to be learned from a list any more. */
  const list = Effect.flatMap(
    Clock.monotonicTimeNanos,
    (now) => listedAt !== undefined && Number(now - listedAt) < listedFor * 1e6 ? Effect.void : flight("apps list", ask)
  )

  const free = Effect.sync(() => {
    asking--
    start()
  })

  /** Answers those that are not asked yet, for nothing but a list that is under way. */
  const letGo = (reason: MissReason) => {
    const left = [...waiting].map((app) => [app, open.get(app)] as const)
    waiting.clear()
    fork(listing ? list : Effect.void).addObserver(() => {
      for (const [app, question] of left) {
        if (question !== undefined) answer(app, question, Exit.fail(reason))
      }
    })
  }

  const asked = (app: AppName): Effect.Effect<string, MissReason> =>
    askOne(app).pipe(
      Effect.tapError((reason) => Effect.sync(() => isByTime(reason) && letGo(reason))),
      Effect.onExit(() => free),
      Effect.flatMap((org) =>
        isAppName(org)
          ? Effect.succeed<string>(org)
          : Effect.fail(new Malformed({ why: "flyctl printed something else than the status of an app" }))
      ),
      Effect.tap((org) => Effect.sync(() => known.set(app, org))),
      Effect.catchIf((reason) => isByTime(reason) ? listing : mayBeListed[reason._tag], (reason) =>
        Effect.flatMap(list, () => {
          const org = known.get(app)
          return org === undefined ? Effect.fail(reason) : Effect.succeed(org)
        }))
    )

  const start = () => {
    // What is answered at once comes back here.
    if (starting) return
    starting = true
    try {
      for (const app of waiting) {
        if (asking >= concurrency) break
        waiting.delete(app)
        const question = open.get(app)
        if (question === undefined) continue
        asking++
        fork(asked(app)).addObserver((exit) => answer(app, question, exit))
      }
    } finally {
      starting = false
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
      if (open.size >= many && !listing) {
        listing = true
        fork(list).addObserver(() => {
          listing = false
        })
      }
      start()
      return Deferred.await(question)
    })
}
