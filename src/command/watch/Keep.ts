/** Keeping the tokens of apps, and what is to be told of them. */
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

export interface Kept {
  /** How each app stands, in the order in which they were given. */
  readonly rows: Effect.Effect<ReadonlyArray<Row>, InvalidAppName>
  /** From the beginning, to one reader. */
  readonly reports: Stream.Stream<Report>
}

/** Keeps tokens until the scope closes. */
export const start = Effect.fnUntraced(function*(
  apps: ReadonlyArray<AppName>
): Effect.fn.Return<Kept, InvalidAppName, FlyTokens | Scope.Scope> {
  const tokens = yield* FlyTokens
  const failures = new Map<AppName, LastFailure>()
  const reports = yield* Queue.sliding<Report>(1_024)

  const note = (event: Report) =>
    Effect.sync(() => {
      if (event._tag === "RefreshFailed") failures.set(event.app, event)
      Queue.offerUnsafe(reports, event)
    })

  const at = yield* Clock.currentTimeMillis
  for (const app of apps) Queue.offerUnsafe(reports, { _tag: "Watching", app, at })
  // It subscribes at once, so before anything happens.
  yield* Effect.forkScoped(Stream.runForEach(tokens.events, note), { startImmediately: true })
  yield* Effect.forEach(apps, tokens.keep, { discard: true })

  return {
    rows: Effect.forEach(apps, (app) =>
      Effect.map(tokens.status(app), (status) => {
        // A run that gave a token since has ended the failure.
        if (status.lastFailure === null) failures.delete(app)
        return { status, failure: failures.get(app) }
      })),
    reports: Stream.fromQueue(reports)
  }
})
