/**
 * Valid Fly.io tokens for programs without Effect: promises, plain errors, listeners.
 *
 * @since 0.1.0
 */
export { createFlyTokens } from "./promise/createFlyTokens.ts"
export {
  type CallOptions,
  type ClientOptions,
  type CreateFlyTokensOptions,
  type DurationLike,
  type FlyTokensClient,
  FlyTokensClosed,
  type RefreshOptions
} from "./promise/FlyTokensClient.ts"
export { fromLayer } from "./promise/fromLayer.ts"
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
