/**
 * All that are compared.
 */
import { awsChain, awsMemoize } from "./aws.ts"
import { azure } from "./azure.ts"
import { asyncCacheDedupe, lruCache } from "./caches.ts"
import type { EffectClient, Subject } from "./Client.ts"
import { effectCache, rcMap } from "./effect.ts"
import { googleHandler, googleRefreshToken } from "./google.ts"
export { handWritten } from "./handWritten.ts"
import { handWritten } from "./handWritten.ts"
import { octokit } from "./octokit.ts"
import { ours } from "./ours.ts"

/** Those that answer with promises. */
export const promises: ReadonlyArray<Subject> = [
  handWritten,
  awsMemoize,
  awsChain,
  googleHandler,
  googleRefreshToken,
  azure,
  octokit,
  lruCache,
  asyncCacheDedupe
]

/** Those that run in fibers. */
export const fibers: ReadonlyArray<Subject<EffectClient>> = [effectCache, rcMap]

/** All that have a notion of expiry, for the comparisons that move the clock. */
export const onMovedClock: ReadonlyArray<Subject> = [...promises, effectCache, ours]
