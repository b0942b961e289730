/**
 * Keeping the tokens of apps: each is got again and again, so that its resolver stays, and so that a failure is noticed to
 * be over.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { FlyTokens } from "../../FlyTokens.ts"
import type { InvalidAppName } from "../../services/TokenError.ts"
import type { AppName } from "../../token/AppName.ts"
import type { LastFailure, Report } from "./Report.ts"
import type { Row } from "./Table.ts"

const pace = 30_000
const slowestPace = 120_000

/** How long after so many failures in a row the sources are asked again: 30 s, doubling to 2 min. */
export const retryAfter = (failures: number): number =>
  Math.min(pace * 2 ** Math.max(0, Math.min(failures - 1, 10)), slowestPace)

export interface Kept {
  /** How each app stands, in the order in which they were given. */
  readonly rows: Effect.Effect<ReadonlyArray<Row>, InvalidAppName>
  /** From the beginning, to one reader. */
  readonly reports: Stream.Stream<Report>
}

/** Keeps tokens until the scope closes. */
export const start = Effect.fnUntraced(function*(
  apps: ReadonlyArray<AppName>
): Effect.fn.Return<Kept, never, FlyTokens | Scope.Scope> {
  const tokens = yield* FlyTokens
  const failures = new Map<AppName, LastFailure>()
  const reports = yield* Queue.sliding<Report>(1_024)

  const keep = Effect.fnUntraced(function*(app: AppName) {
    for (let failed = 0;;) {
      const error = yield* Effect.match(tokens.get(app), { onSuccess: () => undefined, onFailure: (error) => error })
      const at = yield* Clock.currentTimeMillis
      if (error === undefined || error._tag === "InvalidAppName") failed = 0
      else {
        const failure = { error, at, nextTryAt: at + retryAfter(++failed) }
        failures.set(app, failure)
        Queue.offerUnsafe(reports, { _tag: "GetFailed", app, ...failure })
      }
      yield* Effect.sleep(retryAfter(failed))
    }
  })

  const note = (event: Report) =>
    Effect.sync(() => {
      if (event._tag === "RefreshFailed") failures.set(event.app, { ...event, nextTryAt: null })
      Queue.offerUnsafe(reports, event)
    })

  const at = yield* Clock.currentTimeMillis
  for (const app of apps) Queue.offerUnsafe(reports, { _tag: "Watching", app, at })
  // It subscribes at once, so before anything happens.
  yield* Effect.forkScoped(Stream.runForEach(tokens.events, note), { startImmediately: true })
  yield* Effect.forEach(apps, (app) => Effect.forkScoped(keep(app)), { discard: true })

  return {
    rows: Effect.forEach(apps, (app) =>
      Effect.map(tokens.status(app), (status) => {
        // A run that gave a token since has ended the failure.
        if (status.source !== null && status.lastFailure === null) failures.delete(app)
        return { status, failure: failures.get(app) }
      })),
    reports: Stream.fromQueue(reports)
  }
})
