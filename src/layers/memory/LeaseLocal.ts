/**
 * Leases within one process.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Fence from "../../services/Fence.ts"
import { type Acquisition, Lease, type LeaseOptions } from "../../services/Lease.ts"
import type { InvalidOption } from "../../services/TokenError.ts"

interface Entry {
  owner: string | undefined
  /** Of the clock that nobody sets. */
  until: bigint
  fence: number
  failed: boolean
}

const nanos = (millis: number): bigint => BigInt(Math.ceil(millis * 1e6))

const make = Effect.fnUntraced(function*(options: LeaseOptions) {
  const entries = new Map<string, Entry>()
  const clock = yield* Clock.Clock

  const acquire = (scope: string, owner: string, ttlMillis: number): Acquisition => {
    const time = clock.monotonicTimeNanosUnsafe()
    const entry = entries.get(scope)
    if (entry?.owner !== undefined && entry.owner !== owner && time < entry.until) {
      return { _tag: "Busy", freeIn: Number(entry.until - time) / 1e6 }
    }
    const fence = Fence.after(entry?.fence, clock.currentTimeMillisUnsafe())
    entries.set(scope, { owner, until: time + nanos(ttlMillis), fence, failed: false })
    return { _tag: "Acquired", fence, afterFailure: entry?.failed ?? false }
  }

  return yield* Lease.make({
    acquire: (scope, owner, ttlMillis) => Effect.sync(() => acquire(scope, owner, ttlMillis)),
    renew: (scope, owner, ttlMillis) =>
      Effect.sync(() => {
        const entry = entries.get(scope)
        if (entry?.owner !== owner) return false
        entry.until = clock.monotonicTimeNanosUnsafe() + nanos(ttlMillis)
        return true
      }),
    release: (scope, owner, outcome) =>
      Effect.sync(() => {
        const entry = entries.get(scope)
        if (entry?.owner !== owner) return
        entry.owner = undefined
        entry.failed = outcome === "failed"
      })
  }, options)
})

/**
 * Leases for the layers of one process, for instance several `FlyTokens` that share a store in memory. One `FlyTokens`
 * alone needs none: its apps share a mint anyway. Each build of the layer keeps leases of its own.
 *
 * @category layers
 * @since 0.1.0
 * @stability stable
 */
export const layer = (options: LeaseOptions = {}): Layer.Layer<never, InvalidOption> =>
  Layer.effect(Lease, make(options))
