/**
 * What your own tests need: `FlyTokens` over sources that do what a test says, tokens with a life of your choice, and
 * the contracts of `Storage` and `Lease` as checks for your implementations. Nothing here depends on Node or on a test
 * runner.
 *
 * @since 0.1.0
 */
export { type Check, ConformanceError, type Test } from "./testing/Conformance.ts"
export type { Outcome, Outcomes, Script, Steering } from "./testing/kit/Script.ts"
export { type ConfigFileRead, type ConfigFileScript, TestConfigFile } from "./testing/kit/TestConfigFile.ts"
export { TestEnvironment, type Variables } from "./testing/kit/TestEnvironment.ts"
export { type FlyCliScript, type Mint, TestFlyCli } from "./testing/kit/TestFlyCli.ts"
export {
  type FlyTokensCall,
  TestFlyTokens,
  type TestFlyTokensOptions,
  type TestServices
} from "./testing/kit/TestFlyTokens.ts"
export {
  type StorageAccess,
  type StorageScript,
  TestStorage,
  type TestStorageOptions,
  type Tokens
} from "./testing/kit/TestStorage.ts"
export * as TestToken from "./testing/kit/TestToken.ts"
export * as LeaseConformance from "./testing/LeaseConformance.ts"
export * as StorageConformance from "./testing/StorageConformance.ts"
