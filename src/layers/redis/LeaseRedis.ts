/**
 * Leases in Redis, for many machines.
 *
 * @since 0.1.0
 * @stability stable
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import { Lease, type LeaseOptions } from "../../services/Lease.ts"
import type { InvalidOption } from "../../services/TokenError.ts"
import { whyOf } from "./RedisFailure.ts"

/**
 * The options of {@link layer}.
 *
 * @category models
 */
export interface LeaseRedisOptions extends LeaseOptions {
  /** Before each key. Default `fly-tokens:`. */
  readonly prefix?: string | undefined
}

/**
 * The last fence is kept for a day; after that the time is ahead of it anyway. A key without an expiry is none of ours:
 * it came out of a backup, and holds nobody up.
 */
const acquireScript = Redis.script(
  (keys: ReadonlyArray<string>, owner: string, ttlMillis: number) => [...keys, owner, Math.ceil(ttlMillis)],
  {
    numberOfKeys: 3,
    lua: `
local owner = redis.call('GET', KEYS[1])
local life = redis.call('PTTL', KEYS[1])
if owner and owner ~= ARGV[1] and life > 0 then
  return {0, life, 0}
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local fence = math.max(tonumber(redis.call('GET', KEYS[2]) or '0') + 1, now)
redis.call('SET', KEYS[2], string.format('%.0f', fence), 'PX', 86400000)
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {1, fence, redis.call('DEL', KEYS[3])}
`
  }
).withReturnType<readonly [acquired: 0 | 1, fenceOrLife: number, afterFailure: 0 | 1]>()

const renewScript = Redis.script(
  (key: string, owner: string, ttlMillis: number) => [key, owner, Math.ceil(ttlMillis)],
  {
    numberOfKeys: 1,
    lua: `return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('PEXPIRE', KEYS[1], ARGV[2]) or 0`
  }
).withReturnType<number>()

/** That it failed is told for a minute: to those who wait now. */
const releaseScript = Redis.script(
  (key: string, failedKey: string, owner: string, failed: boolean) => [key, failedKey, owner, failed ? 1 : 0],
  {
    numberOfKeys: 2,
    lua: `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
if ARGV[2] == '1' then
  redis.call('SET', KEYS[2], '1', 'PX', 60000)
end
return redis.call('DEL', KEYS[1])
`
  }
).withReturnType<number>()

const make = Effect.fnUntraced(function*(options: LeaseRedisOptions) {
  const redis = yield* Redis.Redis
  const place = (scope: string) => `${options.prefix ?? "fly-tokens:"}{lease/${scope}}`
  const failedKey = (scope: string) => `${place(scope)}:failed`
  return yield* Lease.make({
    why: whyOf,
    acquire: (scope, owner, ttlMillis) =>
      Effect.map(
        redis.eval(acquireScript)([place(scope), `${place(scope)}:fence`, failedKey(scope)], owner, ttlMillis),
        ([acquired, number, failed]) =>
          acquired === 1
            ? { _tag: "Acquired", fence: number, afterFailure: failed === 1 }
            : { _tag: "Busy", freeIn: number }
      ),
    renew: (scope, owner, ttlMillis) =>
      Effect.map(redis.eval(renewScript)(place(scope), owner, ttlMillis), (renewed) => renewed === 1),
    release: (scope, owner, outcome) =>
      Effect.asVoid(redis.eval(releaseScript)(place(scope), failedKey(scope), owner, outcome === "failed"))
  }, options)
})

/**
 * Leases as keys that expire, `fly-tokens:{lease/org/<slug>}`, on the clock of Redis.
 *
 * **Gotchas**
 *
 * A fail-over of Redis may lose a lease, and two processes mint then: both tokens work, and the one of the older fence
 * does not replace the other.
 *
 * @category layers
 */
export const layer = (options: LeaseRedisOptions = {}): Layer.Layer<never, InvalidOption, Redis.Redis> =>
  Layer.effect(Lease, make(options))
