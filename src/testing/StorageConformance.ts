/**
 * The contract of `Storage` as checks that run against any implementation.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { Storage, StorageKey } from "../services/Storage.ts"
import * as Conformance from "./Conformance.ts"
import * as CorruptionChecks from "./storage/CorruptionChecks.ts"
import * as RecordChecks from "./storage/RecordChecks.ts"
import * as WriterChecks from "./storage/WriterChecks.ts"

/**
 * What the storage under test promises, and how to reach behind it.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface StorageConformanceOptions {
  /** Whether a second build of the layer sees what the first one stored. Default true. */
  readonly persistent?: boolean | undefined
  /** Whether an older fence is refused also when two write at the same moment. Default true. */
  readonly atomic?: boolean | undefined
  /** Puts a text where a record's text is, behind the storage's back: checks of corrupt records need it. */
  readonly plant?: ((name: string, key: StorageKey, text: string) => Effect.Effect<void, unknown>) | undefined
  /** How many apps the largest check has. Default 1,000. */
  readonly apps?: number | undefined
}

/**
 * The checks, for a runner of your own; {@link suite} registers them with a common one.
 *
 * @category checks
 * @since 0.1.0
 * @stability stable
 */
export const checks = <E>(
  layer: Layer.Layer<Storage, E>,
  options: StorageConformanceOptions = {}
): ReadonlyArray<Conformance.Check> => {
  const { apps = 1_000, atomic = true, persistent = true, plant } = options
  return [
    ...RecordChecks.checks(layer, apps),
    ...WriterChecks.checks(layer, { atomic, persistent }),
    ...(plant === undefined ? [] : CorruptionChecks.checks(layer, plant))
  ]
}

/**
 * Registers the checks with a test runner.
 *
 * @category checks
 * @since 0.1.0
 * @stability stable
 */
export const suite = <E>(
  test: Conformance.Test,
  layer: Layer.Layer<Storage, E>,
  options?: StorageConformanceOptions
): void => Conformance.register(test, checks(layer, options))
