/**
 * The gate before the store.
 *
 * @since 0.1.0
 */
import type * as Background from "./Background.ts"
import * as Gate from "./Gate.ts"

/**
 * For reads, and as many for writes: together the ten connections that a pool has by default, so that nothing waits in
 * the pool, where its time would count.
 */
const places = 5

/**
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const make = (options: {
  readonly fork: Background.Background["fork"]
  readonly limitMillis: number
}): Gate.Gate =>
  Gate.make({ fork: options.fork, places, limit: { option: "storageTimeout", millis: options.limitMillis } })
