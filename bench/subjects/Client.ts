/**
 * A cache of tokens as a comparison uses it, whoever made it.
 */
import type * as Effect from "effect/Effect"
import type { Source } from "./Source.ts"

export interface Client {
  /** As its users call it: nothing is put around its promise. */
  readonly get: (key: string) => Promise<unknown>
  /** The same for programs that have one key only. */
  readonly one: (key: string) => () => Promise<unknown>
  /** The token's text in what `get` answered. */
  readonly tokenOf: (answer: unknown) => string
  /** Says that the token in the answer was refused, and gets another one; not there if it has no such call. */
  readonly replace?: (key: string, answer: unknown) => Promise<unknown>
  /** Moves its clock, in milliseconds, if that is not `Date`. */
  readonly advance?: (by: number) => Promise<void>
  readonly close: () => Promise<void>
}

/** One that runs in fibers. */
export interface EffectClient extends Client {
  readonly effect: (key: string) => Effect.Effect<unknown, unknown>
  readonly run: <A, E>(effect: Effect.Effect<A, E>) => Promise<A>
}

export interface Subject<C extends Client = Client> {
  readonly name: string
  /** Whose clock it goes by, if not by `Date`. */
  readonly clock?: "Effect"
  /** `movable`: on a clock that the comparison moves. */
  readonly open: (source: Source, options?: { readonly movable?: boolean }) => Promise<C>
}

/** For libraries whose provider is of one identity: a program with many of them has a map. */
export const byKey = (
  make: (key: string) => () => Promise<unknown>
): Pick<Client, "get" | "one" | "close"> => {
  const providers = new Map<string, () => Promise<unknown>>()
  return {
    one: make,
    get: (key) => {
      const provider = providers.get(key)
      if (provider !== undefined) return provider()
      const made = make(key)
      providers.set(key, made)
      return made()
    },
    close: async () => {}
  }
}

/** For caches by key. */
export const keyed = (get: (key: string) => Promise<unknown>): Pick<Client, "get" | "one" | "close"> => ({
  get,
  one: (key) => () => get(key),
  close: async () => {}
})
