/** Dropping an app's cached token in memory and in the store. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Background from "../concurrency/Background.ts"
import { PersistFailed } from "../services/TokenError.ts"
import type { ResolvedToken } from "../services/TokenProvider.ts"
import type { AppName } from "../token/AppName.ts"
import type { FlyToken } from "../token/FlyToken.ts"
import * as AppResolver from "./AppResolver.ts"
import type { Shared } from "./Shared.ts"
import * as TokenCache from "./TokenCache.ts"

export interface Invalidation {
  readonly invalidate: (
    app: AppName,
    rejected: FlyToken | undefined
  ) => Effect.Effect<Option.Option<ResolvedToken>, PersistFailed>
}

export const make = (shared: Shared): Invalidation => {
  const { background, cache, live, mintedTokens, writes } = shared

  /** One synchronous step in memory; a run that is under way cannot bring the token back. */
  const clear = (app: AppName, identity: string | undefined, isCurrent: boolean, now: number) => {
    if (isCurrent) cache.entries.delete(app)
    shared.forgetPlace(app)
    const resolver = live.get(app)
    if (resolver !== undefined) AppResolver.onInvalidated(resolver)
    if (identity === undefined) return
    // Until the store has confirmed, its copy is not believed.
    TokenCache.drop(cache, app, identity, now)
    mintedTokens.forget(identity, now)
  }

  const invalidate = Effect.fnUntraced(function*(app: AppName, rejected: FlyToken | undefined) {
    const now = yield* Clock.currentTimeMillis
    const entry = cache.entries.get(app)
    const current = entry !== undefined && now < entry.expiresAt ? entry : undefined
    if (rejected !== undefined) {
      shared.reject(app, rejected, now)
      if (current !== undefined && current.resolved.token.identity !== rejected.identity) return current.some
    }
    const known = rejected?.identity ?? current?.resolved.token.identity
    // A rejected token that is not the current one is refused by every run anyway: nothing under way is disturbed.
    if (rejected === undefined || current !== undefined) clear(app, known, true, now)
    else TokenCache.drop(cache, app, rejected.identity, now)
    shared.telemetry.announce(() => ({ _tag: "Invalidated", app, at: now }))

    const deleted = yield* writes.drop(app, "cached", rejected?.identity)
    // A call that came while the store was slow may have taken what was still stored.
    if (known === undefined && deleted !== undefined) {
      const taken = cache.entries.get(app)?.resolved.token.identity === deleted
      clear(app, deleted, taken, yield* Clock.currentTimeMillis)
    }
    const identities = [known, deleted].filter((identity) => identity !== undefined)
    yield* Effect.forEach(new Set(identities), mintedTokens.forgetStored, { discard: true })
    TokenCache.undrop(cache, app, identities)
    return Option.none<ResolvedToken>()
  })

  return {
    invalidate: (app, rejected) =>
      Background.finishing(background, invalidate(app, rejected)).pipe(
        Effect.mapError((reason) => new PersistFailed({ app, operation: "invalidate", reason }))
      )
  }
}
