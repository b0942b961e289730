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

interface Options {
  readonly askOne: AppLookup
  readonly askAll: Effect.Effect<ReadonlyMap<string, string>, MissReason>
  readonly concurrency: number
  readonly fork: Background["fork"]
  /** Where answers are kept, but those that mean something else for each login. */
  readonly known: Map<string, string>
}

type Question = Deferred.Deferred<string, MissReason>

interface Lookup extends Options {
  /** The questions without an answer. */
  readonly open: Map<AppName, Question>
  /** Those that are not asked yet. */
  readonly waiting: Set<AppName>
  /** How many fibers ask. */
  asking: number
  /** The list that is under way. */
  list: Fiber.Fiber<void> | undefined
  /** When the last one ended, by the monotonic clock. */
  listedAt: bigint | undefined
}

const answer = ({ open, waiting }: Lookup, app: AppName, question: Question, exit: Exit.Exit<string, MissReason>) => {
  if (open.get(app) === question) {
    open.delete(app)
    waiting.delete(app)
  }
  Deferred.doneUnsafe(question, exit)
}

/** What comes is checked before it is kept: a slug has the form of an app name, anything else could be a flag to flyctl. */
const keep = (lookup: Lookup, apps: ReadonlyMap<string, string>) => {
  const { known, open } = lookup
  for (const [app, org] of apps) {
    if (!isAppName(app) || !isAppName(org)) continue
    if (!known.has(app) && !OrgRecord.isByLogin(org)) known.set(app, org)
    const question = open.get(app)
    if (question !== undefined) answer(lookup, app, question, Exit.succeed(known.get(app) ?? org))
  }
}

/** Ends when there is nothing to be learned from a list: one at a time, and none for a while after one that ended. */
const listed = (lookup: Lookup): Effect.Effect<unknown> =>
  Effect.flatMap(Clock.monotonicTimeNanos, (now): Effect.Effect<unknown> => {
    if (lookup.list !== undefined) return Fiber.await(lookup.list)
    if (lookup.listedAt !== undefined && Number(now - lookup.listedAt) < listedFor * 1e6) return Effect.void
    const list = lookup.fork(Effect.gen(function*() {
      const apps = yield* Effect.result(lookup.askAll)
      lookup.listedAt = yield* Clock.monotonicTimeNanos
      if (Result.isSuccess(apps)) keep(lookup, apps.success)
    }))
    lookup.list = list
    list.addObserver(() => {
      lookup.list = undefined
    })
    return Fiber.await(list)
  })

/** One by one those that are not asked yet would wait for minutes: they fail at once, or when a list has ended. */
const letGo = (lookup: Lookup, reason: MissReason) => {
  const { fork, list, open, waiting } = lookup
  const left = [...open].filter(([app]) => waiting.has(app))
  waiting.clear()
  fork(list === undefined ? Effect.void : Fiber.await(list)).addObserver(() => {
    for (const [app, question] of left) answer(lookup, app, question, Exit.fail(reason))
  })
}

/** The question failed: an app that the list may know waits for that. */
const fallBack = (lookup: Lookup, app: AppName, reason: MissReason): Effect.Effect<string, MissReason> => {
  // A list that is under way is waited for, and none is asked for that would take its time too.
  const waits = CliReasons.isByTime(reason) ? lookup.list !== undefined : CliReasons.mayBeListed(reason)
  if (!waits) return Effect.fail(reason)
  return Effect.flatMap(listed(lookup), () => {
    const org = lookup.known.get(app)
    return org === undefined ? Effect.fail(reason) : Effect.succeed(org)
  })
}

/** Asks one after another, until none waits. */
const ask = Effect.fnUntraced(function*(lookup: Lookup) {
  const { askOne, fork, known, open, waiting } = lookup
  for (const app of waiting) {
    waiting.delete(app)
    const question = open.get(app)
    if (question === undefined) continue
    const asked = yield* Effect.result(
      Effect.filterOrFail(
        askOne(app),
        isAppName,
        () => new Malformed({ why: "flyctl printed something else than the status of an app" })
      )
    )
    if (Result.isSuccess(asked)) {
      if (!OrgRecord.isByLogin(asked.success)) known.set(app, asked.success)
      answer(lookup, app, question, Exit.succeed(asked.success))
      continue
    }
    if (CliReasons.isByTime(asked.failure)) letGo(lookup, asked.failure)
    fork(fallBack(lookup, app, asked.failure)).addObserver((exit) => answer(lookup, app, question, exit))
  }
})

const start = (lookup: Lookup) => {
  while (lookup.asking < lookup.concurrency && lookup.waiting.size > 0) {
    lookup.asking++
    lookup.fork(ask(lookup)).addObserver((exit) => {
      lookup.asking--
      // It fails only by being interrupted: the layer has closed.
      if (Exit.isSuccess(exit)) return
      for (const [app, question] of lookup.open) answer(lookup, app, question, Exit.failCause(exit.cause))
    })
  }
}

/**
 * **Details**
 *
 * Each app is asked for by itself, so many at once as flyctl may run. When many wait, a list is asked for as well:
 * whichever answers first serves.
 */
export const make = (options: Options): AppLookup => {
  const { fork, known } = options
  const lookup: Lookup = {
    ...options,
    open: new Map(),
    waiting: new Set(),
    asking: 0,
    list: undefined,
    listedAt: undefined
  }

  return (app) =>
    Effect.suspend(() => {
      const org = known.get(app)
      if (org !== undefined) return Effect.succeed(org)
      const before = lookup.open.get(app)
      if (before !== undefined) return Deferred.await(before)
      const question: Question = Deferred.makeUnsafe()
      lookup.open.set(app, question)
      lookup.waiting.add(app)
      if (lookup.open.size >= many && lookup.list === undefined) fork(listed(lookup))
      start(lookup)
      return Deferred.await(question)
    })
}
