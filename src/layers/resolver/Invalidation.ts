/**
 * Dropping an app's cached token in memory and in the store.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ResolvedToken } from "../../services/FlyTokens.ts"
import type { Storage } from "../../services/Storage.ts"
import { PersistFailed } from "../../services/TokenError.ts"
import type { AppName } from "../../token/AppName.ts"
import { FlyToken } from "../../token/FlyToken.ts"
import type { Shared } from "./AppResolver.ts"
import * as Background from "./Background.ts"

/**
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface Invalidation {
  readonly invalidate: (
    app: AppName,
    rejected: FlyToken | undefined
  ) => Effect.Effect<Option.Option<ResolvedToken>, PersistFailed>
}

/**
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const make = (shared: Shared, storage: Storage["Service"]): Invalidation => {
  const { background, cache, live, orgTokens, settings, writes } = shared

  /** What an app's stored copy holds, for an app that this process never resolved. */
  const storedIdentity = (app: AppName): Effect.Effect<string | undefined> =>
    Background.within(background, Effect.suspend(() => storage.get(app, "cached")), {
      option: "storageTimeout",
      millis: settings.storageTimeoutMillis
    }).pipe(
      Effect.map(Option.match({
        onNone: () => undefined,
        onSome: (record) => FlyToken.make(record.token).identity
      })),
      Effect.orElseSucceed(() => undefined)
    )

  /** Memory first, in one step; then the store. */
  const invalidate = Effect.fnUntraced(function*(app: AppName, rejected: FlyToken | undefined) {
    const now = yield* Clock.currentTimeMillis
    const entry = cache.entries.get(app)
    if (rejected !== undefined) {
      shared.reject(app, rejected, now)
      if (entry !== undefined && now < entry.expiresAt && entry.resolved.token.identity !== rejected.identity) {
        return entry.some
      }
    }
    cache.entries.delete(app)
    shared.telemetry.announce({ _tag: "Invalidated", app, at: now })
    live.get(app)?.onInvalidated()
    const known = rejected?.identity ?? entry?.resolved.token.identity
    if (known !== undefined) {
      // Until the store has confirmed, its copy is not believed.
      cache.dropped.set(app, known)
      orgTokens.forget(known)
    }
    const identity = known ?? (yield* storedIdentity(app))
    const deletion = writes.drop(app, "cached", rejected?.identity)
    if (identity !== undefined) {
      orgTokens.forget(identity)
      yield* orgTokens.forgetStored(identity)
    }
    yield* Effect.mapError(deletion, (reason) => new PersistFailed({ app, operation: "invalidate", reason }))
    if (cache.dropped.get(app) === known) cache.dropped.delete(app)
    return Option.none<ResolvedToken>()
  })

  return {
    invalidate: (app, rejected) => Background.finishing(background, invalidate(app, rejected))
  }
}
