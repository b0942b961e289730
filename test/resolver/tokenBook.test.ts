import { describe, expect, it } from "@effect/vitest"
import { FlyToken, ResolvedToken } from "../../src/index.ts"
import * as TokenBook from "../../src/resolver/TokenBook.ts"
import type { AppName } from "../../src/token/AppName.ts"
import * as TokenKey from "../../src/token/TokenKey.ts"

const token = FlyToken.make("fo1_x")
const numbered = (count: number) => Array.from({ length: count }, (_, n) => FlyToken.make(`fo1_token-${n}`))

const make = (spans: { readonly ttlMillis?: number; readonly rejectionTtlMillis?: number } = {}) =>
  TokenBook.make({ ttlMillis: 1_000, rejectionTtlMillis: 300_000, ...spans })

type Book = ReturnType<typeof make>

const fill = (book: Book, from: number, count: number, expiresAt: number, active: boolean) => {
  for (let n = from; n < from + count; n++) {
    const app = `app-${n}` as AppName
    const entry = book.app(TokenKey.of(app))
    const resolved = new ResolvedToken({ app, token, source: "cli", expiresAt })
    const current = { resolved, expiresAt, refreshAt: expiresAt, since: 0, lastResort: false }
    book.set(entry, { ...entry.state, token: current, active }, 100)
  }
}

describe("the book of tokens", () => {
  it("sweeps out, when it has doubled, what has ended and has nobody who looks after it, and nothing else", () => {
    const book = make()
    fill(book, 0, 400, 100, false)
    fill(book, 1_000, 300, 100, true)
    fill(book, 2_000, 299, 101, false)
    expect(book.apps.size).toBe(999)
    fill(book, 3_000, 1, 101, false)
    expect(book.apps.size).toBe(600)
    expect(book.apps.has("app-0")).toBe(false)
    expect(book.apps.has("app-1000")).toBe(true)
    expect(book.apps.has("app-2000")).toBe(true)
    // The next one is due at 1,200: what ends meanwhile stays that long.
    fill(book, 4_000, 599, 100, false)
    expect(book.apps.size).toBe(1_199)
    fill(book, 5_000, 1, 101, false)
    expect(book.apps.size).toBe(601)
  })

  it("keeps a rejected token for its time, however many more come", () => {
    const book = make()
    const tokens = numbered(20_000)
    for (const [n, token] of tokens.entries()) book.reject(token, n)
    expect(tokens.filter((token) => !book.isRejected(token, 20_000)).length).toBe(0)
    expect(book.isRejected(tokens[0]!, 299_999)).toBe(true)
    expect(book.isRejected(tokens[0]!, 300_000)).toBe(false)
  })

  it("says of the first report of a token that it is news, and of the others not", () => {
    const book = make()
    expect([0, 1, 2].map((now) => book.reject(token, now))).toEqual([true, false, false])
    expect(book.reject(token, 400_000)).toBe(true)
  })

  it("denies copies of a token where it was said, until they could not live any more, or are allowed again", () => {
    const book = make()
    book.deny(token.identity, "cached/app-1", 0)
    const denied = (where: string, now: number) => book.isDenied(token, where, now)
    expect([denied("cached/app-1", 999), denied("cached/app-2", 0), denied("minted", 0)]).toEqual([true, false, false])
    expect(denied("cached/app-1", 1_000)).toBe(false)
    book.deny(token.identity, "minted", 0)
    book.allow(token.identity, "minted")
    expect(denied("minted", 0)).toBe(false)
  })
})

describe("a key as a text", () => {
  it("is that of the key that is read from it", () => {
    const key = TokenKey.of("my-app" as AppName)
    expect(TokenKey.ofId(TokenKey.id(key))).toEqual(key)
  })
})
