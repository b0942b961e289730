/**
 * A valid Fly.io token per app, kept valid. Nothing here depends on Node.
 *
 * @since 0.1.0
 */
export { FlyTokens } from "./FlyTokens.ts"
export * as StorageEncrypted from "./layers/encrypted/StorageEncrypted.ts"
export * as StorageKeyValue from "./layers/keyvalue/StorageKeyValue.ts"
export * as LeaseLocal from "./layers/memory/LeaseLocal.ts"
export * as StorageMemory from "./layers/memory/StorageMemory.ts"
export * as Source from "./layers/Source.ts"
export type { FlyTokensConfig, FlyTokensOptions } from "./policy/Options.ts"
export { hintOf } from "./services/AttemptHint.ts"
export { ConfigFile, type ConfigFileReason } from "./services/ConfigFile.ts"
export { Environment } from "./services/Environment.ts"
export { type FlyCallOptions, FlyCli, type FlyCliReason } from "./services/FlyCli.ts"
export {
  type Acquisition,
  type HeldLease,
  Lease,
  type LeaseBacking,
  LeaseError,
  type LeaseOptions,
  type LeaseScope
} from "./services/Lease.ts"
export * as MissReason from "./services/MissReason.ts"
export type { OrConfig } from "./services/OptionConfig.ts"
export type { DurationInput, GoDuration } from "./services/OptionDuration.ts"
export { SourceName, sourceNames } from "./services/SourceName.ts"
export {
  type RecordMeta,
  Storage,
  type StorageBacking,
  type StorageKey,
  type StoredToken,
  type StoredTokens
} from "./services/Storage.ts"
export {
  Attempt,
  InvalidAppName,
  InvalidOption,
  NoTokenAvailable,
  PersistFailed,
  StorageError,
  UnusableToken
} from "./services/TokenError.ts"
export type { TokenEvent } from "./services/TokenEvent.ts"
export { type RefreshOptions, ResolvedToken, type TokenProvider, type TokenStatus } from "./services/TokenProvider.ts"
export { type Candidate, type Miss, NamedSources, type TokenRequest, type TokenSource } from "./services/TokenSource.ts"
export { AppName, isAppName } from "./token/AppName.ts"
export { AttenuationFailed, type Narrowing } from "./token/Attenuation.ts"
export { type ApiTarget, FlyToken } from "./token/FlyToken.ts"
export * as Macaroon from "./token/Macaroon.ts"
export type { Access, TokenKey } from "./token/TokenKey.ts"
