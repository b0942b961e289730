/** Tokens that a person set: durable before it is said, at once, whatever a resolver is doing. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Background from "../concurrency/Background.ts"
import * as Usability from "../policy/Usability.ts"
import { PersistFailed, UnusableToken } from "../services/TokenError.ts"
import type { AppName } from "../token/AppName.ts"
import type { FlyToken } from "../token/FlyToken.ts"
import * as AppResolver from "./AppResolver.ts"
import * as Settlement from "./Settlement.ts"
import type { Shared } from "./Shared.ts"

export interface ManualTokens {
  readonly set: (app: AppName, token: FlyToken) => Effect.Effect<void, UnusableToken | PersistFailed>
  readonly remove: (app: AppName) => Effect.Effect<void, PersistFailed>
}

export const make = (shared: Shared): ManualTokens => {
  const { background, cache, live, telemetry, writes } = shared

  const invalidated = (app: AppName) => {
    const resolver = live.get(app)
    if (resolver !== undefined) AppResolver.onInvalidated(resolver)
  }

  const changed = (app: AppName, now: number) => {
    const resolver = live.get(app)
    if (resolver !== undefined) AppResolver.onManualChanged(resolver, now)
  }

  /** A manual token that is being served gives way to the new one; a better source's token stays. */
  const replaceServed = (app: AppName, token: FlyToken, now: number) => {
    cache.manual.delete(app)
    const served = cache.entries.get(app)
    if (served?.resolved.source !== "manual") return
    if (shared.isRejected(token, now)) {
      cache.entries.delete(app)
      invalidated(app)
      return
    }
    const taken = { token, source: "manual", acquiredAt: now, lastUsed: served.lastUsed } as const
    const entry = Settlement.entryFor({ app, shared }, taken, now)
    entry.attended = served.attended
    cache.entries.set(app, entry)
  }

  const set = Effect.fnUntraced(function*(app: AppName, token: FlyToken) {
    const now = yield* Clock.currentTimeMillis
    const unusable = Usability.defectOf(token, token.expiresAt ?? Number.POSITIVE_INFINITY, now)
    if (unusable !== undefined) return yield* new UnusableToken({ app, reason: unusable })
    yield* Effect.mapError(
      writes.put(app, "manual", { token: token.redacted, expiresAt: token.expiresAt, source: "manual", savedAt: now }),
      (reason) => new PersistFailed({ app, operation: "setManual", reason })
    )
    cache.manual.set(app, token)
    shared.mintedTokens.askAgain()
    replaceServed(app, token, now)
    changed(app, now)
    telemetry.announce(() => ({ _tag: "ManualSet", app, at: now, fingerprint: token.fingerprint }))
  })

  const remove = Effect.fnUntraced(function*(app: AppName) {
    yield* Effect.mapError(
      writes.drop(app, "manual"),
      (reason) => new PersistFailed({ app, operation: "removeManual", reason })
    )
    cache.manual.delete(app)
    const served = cache.entries.get(app)?.resolved.source === "manual"
    const now = yield* Clock.currentTimeMillis
    if (served) cache.entries.delete(app)
    changed(app, now)
    if (served) invalidated(app)
    telemetry.announce(() => ({ _tag: "ManualRemoved", app, at: now }))
  })

  return {
    set: (app, token) => Background.finishing(background, set(app, token)),
    remove: (app) => Background.finishing(background, remove(app))
  }
}
