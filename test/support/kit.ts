/**
 * Looks at `FlyTokens` over the sources of the test kit.
 */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { FlyTokens, NoTokenAvailable } from "../../src/index.ts"
import { TestFlyTokens, type TestFlyTokensOptions } from "../../src/testing.ts"

export const get = (app: string) => FlyTokens.use((tokens) => tokens.get(app))

/** The reason of each source, by its tag. */
export const missed = (app: string) =>
  Effect.map(Effect.flip(get(app)), (error) => {
    assert.instanceOf(error, NoTokenAvailable)
    return Object.fromEntries(error.attempts.map(({ reason, source }) => [source, reason._tag]))
  })

export const within = <A, E, R>(options: TestFlyTokensOptions, effect: Effect.Effect<A, E, R>) =>
  Effect.provide(effect, TestFlyTokens.layer(options))
