/** The gate before the store. */
import type * as Background from "../concurrency/Background.ts"
import * as Gate from "../concurrency/Gate.ts"

/**
 * For reads, and as many for writes: together the ten connections that a pool has by default, so that nothing waits in
 * the pool, where its time would count.
 */
const places = 5

export const make = (options: {
  readonly fork: Background.Background["fork"]
  readonly limitMillis: number
}): Gate.Gate =>
  Gate.make({ fork: options.fork, places, limit: { option: "storageTimeout", millis: options.limitMillis } })
