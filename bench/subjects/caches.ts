import { createCache } from "async-cache-dedupe"
import { LRUCache } from "lru-cache"
import { keyed, type Subject } from "./Client.ts"
import * as Source from "./Source.ts"

const tokenOf = (answer: unknown): string => (answer as Source.Token).value

export const lruCache: Subject = {
  name: "lru-cache fetch",
  open: async (source, { movable = false } = {}) => {
    const cache = new LRUCache<string, Source.Token>({
      max: 20_000,
      ttl: 86_400_000,
      // Its clock is `performance`, which it asks once in a millisecond.
      ...(movable ? { perf: { now: () => Date.now() }, ttlResolution: 0 } : {}),
      fetchMethod: async (_key, _stale, { options }) => {
        const token = await Source.call(source)
        options.ttl = token.life
        return token
      }
    })
    return {
      ...keyed((key) => cache.fetch(key)),
      tokenOf,
      replace: (key) => cache.fetch(key, { forceRefresh: true })
    }
  }
}

export const asyncCacheDedupe: Subject = {
  name: "async-cache-dedupe",
  open: async (source) => {
    const cache = createCache({
      storage: { type: "memory", options: { size: 20_000 } },
      ttl: (token) => (token as Source.Token).life / 1000
    }).define("token", (_key: string) => Source.call(source))
    return {
      ...keyed((key) => cache.token(key)),
      tokenOf,
      replace: async (key) => {
        await cache.clear("token", key)
        return cache.token(key)
      }
    }
  }
}
