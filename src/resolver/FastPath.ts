/**
 * What the resolver layer's `FlyTokens` can do besides, for the other entries of this package: answering a hit without
 * running an effect. It is no operation of the service, so that other implementations need not have it.
 */
import type * as Context from "effect/Context"
import type { ResolvedToken, TokenProvider } from "../services/TokenProvider.ts"

export interface FastPath {
  /** What `get` would answer from memory, by the layer's clock, noted as a use; `undefined` if `get` has to run. */
  readonly cachedNow: (app: string) => Promise<ResolvedToken> | undefined
  /** Which run a `get` would wait for now; `undefined` if it would not wait for one that is under way. */
  readonly runNow: (app: string) => object | undefined
  /** What the layer runs in: its clock, its loggers, its tracer. */
  readonly context: Context.Context<never>
}

const fastPaths = new WeakMap<TokenProvider, FastPath>()

export const register = (tokens: TokenProvider, fastPath: FastPath): void => {
  fastPaths.set(tokens, fastPath)
}

/** The fast path of a service that was made by the resolver layer of this copy of the package. */
export const of = (tokens: TokenProvider): FastPath | undefined => fastPaths.get(tokens)
