import { describe, expect, it } from "@effect/vitest"
import { FlyToken, ResolvedToken } from "../../src/index.ts"
import * as TokenCache from "../../src/resolver/TokenCache.ts"
import type { AppName } from "../../src/token/AppName.ts"

const token = FlyToken.make("fo1_x")

const entryOf = (app: AppName, expiresAt: number, attended: boolean): TokenCache.CacheEntry => {
  const resolved = new ResolvedToken({ app, token, source: "cli", expiresAt })
  const entry = TokenCache.entryOf(resolved, { refreshAt: expiresAt, lastUsed: 0, since: 0 })
  entry.attended = attended
  return entry
}

const fill = (cache: TokenCache.TokenCache, from: number, count: number, expiresAt: number, attended: boolean) => {
  for (let n = from; n < from + count; n++) {
    const app = `app-${n}` as AppName
    TokenCache.set(cache, app, entryOf(app, expiresAt, attended), 100)
  }
}

describe("the cache", () => {
  it("sweeps out, when it has doubled, what has ended and has nobody who looks after it, and nothing else", () => {
    const cache = TokenCache.make(1_000)
    fill(cache, 0, 400, 100, false)
    fill(cache, 1_000, 300, 100, true)
    fill(cache, 2_000, 299, 101, false)
    expect(cache.entries.size).toBe(999)
    fill(cache, 3_000, 1, 101, false)
    expect(cache.entries.size).toBe(600)
    expect(cache.entries.has("app-0")).toBe(false)
    expect(cache.entries.has("app-1000")).toBe(true)
    expect(cache.entries.has("app-2000")).toBe(true)
    // The next one is due at 1,200: what ends meanwhile stays that long.
    fill(cache, 4_000, 599, 100, false)
    expect(cache.entries.size).toBe(1_199)
    fill(cache, 5_000, 1, 101, false)
    expect(cache.entries.size).toBe(601)
  })

  it("keeps nothing of the tokens that were dropped long ago, whether or not their apps are asked for", () => {
    const cache = TokenCache.make(1_000)
    for (let n = 0; n < 10_000; n++) TokenCache.drop(cache, `app-${n}` as AppName, "one", n)
    expect(cache.dropped.size).toBeLessThan(3_000)
    // None is forgotten too early.
    expect(TokenCache.droppedOf(cache, "app-9001" as AppName, 9_999)).toEqual(["one"])
    expect(TokenCache.droppedOf(cache, "app-9999" as AppName, 20_000)).toEqual([])
    expect(cache.dropped.has("app-9999" as AppName)).toBe(false)
  })
})
