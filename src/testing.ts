/**
 * What your own tests need: the contracts of `Storage` and `Lease` as checks for your implementations.
 *
 * @since 0.1.0
 */
export { type Check, ConformanceError, type Test } from "./testing/Conformance.ts"
export * as LeaseConformance from "./testing/LeaseConformance.ts"
export * as StorageConformance from "./testing/StorageConformance.ts"
