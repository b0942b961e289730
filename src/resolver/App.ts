/** An app as the book has it, with its resolver while there is one. */
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type * as Semaphore from "effect/Semaphore"
import type { NoTokenAvailable } from "../services/TokenError.ts"
import type { ResolvedToken } from "../services/TokenProvider.ts"
import type * as TokenKey from "../token/TokenKey.ts"
import type { Run } from "./AppState.ts"
import * as TokenBook from "./TokenBook.ts"

/** What the `RcMap` holds of an app: what its runs need. */
export interface Resolver {
  /** What the runs live in; made by the first that does not end at once. */
  work: Scope.Closeable | undefined
  /** Orders the runs; there while there are any. */
  turn: Semaphore.Semaphore | undefined
  /** Runs that have not ended, those of older generations too. */
  runs: number
}

export interface Running {
  readonly run: Run
  /** Ends with `undefined` if there is no answer for those who wait. */
  readonly fiber: Fiber.Fiber<ResolvedToken | undefined, NoTokenAvailable>
  /** How a `get` waits for it: for its answer, or the token that is there still, or another try. */
  readonly waiting: Effect.Effect<ResolvedToken, NoTokenAvailable>
}

export interface App extends TokenBook.Entry {
  resolver: Resolver | undefined
  /** The newest run. */
  running: Running | undefined
  /** How many calls hold the resolver. */
  callers: number
}

export const make = (key: TokenKey.TokenKey): App => ({
  ...TokenBook.entryOf(key),
  resolver: undefined,
  running: undefined,
  callers: 0
})
