/**
 * Valid Fly.io tokens for programs without Effect: promises, plain errors, listeners.
 *
 * **Example** (A token)
 *
 * ```ts
 * import { createFlyTokens } from "effect-fly-tokens/promise"
 *
 * const tokens = createFlyTokens()
 * const { source, token } = await tokens.get("my-app")
 * ```
 *
 * @since 0.1.0
 */
export { createFlyTokens, fromLayer } from "./promise/createFlyTokens.ts"
export {
  type CallOptions,
  type ClientOptions,
  type CreateFlyTokensOptions,
  type DurationLike,
  type EventOf,
  type FlyTokensClient,
  FlyTokensClosed,
  type RefreshOptions
} from "./promise/FlyTokensClient.ts"
export * as MissReason from "./services/MissReason.ts"
export type { SourceName } from "./services/SourceName.ts"
export {
  type Attempt,
  InvalidAppName,
  InvalidOption,
  NoTokenAvailable,
  PersistFailed,
  UnusableToken
} from "./services/TokenError.ts"
export type { TokenEvent } from "./services/TokenEvent.ts"
export { ResolvedToken, type TokenStatus } from "./services/TokenProvider.ts"
export { type ApiTarget, FlyToken } from "./token/FlyToken.ts"
