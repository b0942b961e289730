/** `FlyTokens` for tests: the real resolver over sources that do what the test says. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { FlyTokens } from "../../FlyTokens.ts"
import type { FlyTokensOptions } from "../../policy/Options.ts"
import type { ConfigFile } from "../../services/ConfigFile.ts"
import type { Environment } from "../../services/Environment.ts"
import type { FlyCli } from "../../services/FlyCli.ts"
import type { Storage } from "../../services/Storage.ts"
import type { InvalidOption } from "../../services/TokenError.ts"
import type { RefreshOptions } from "../../services/TokenProvider.ts"
import { FlyToken } from "../../token/FlyToken.ts"
import { type ConfigFileScript, TestConfigFile } from "./TestConfigFile.ts"
import { TestEnvironment, type Variables } from "./TestEnvironment.ts"
import { type FlyCliScript, TestFlyCli } from "./TestFlyCli.ts"
import { TestStorage, type TestStorageOptions } from "./TestStorage.ts"

/**
 * What each source does, by the source's name, and the options of the resolver.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface TestFlyTokensOptions extends FlyTokensOptions {
  /** Default: nothing is set. */
  readonly env?: Variables | undefined
  /** Records and behaviour of the store, manual tokens too. Default: empty, and it works. */
  readonly storage?: TestStorageOptions | undefined
  /** Default: there is no config file. */
  readonly config?: ConfigFileScript | undefined
  /** Default: each mint is answered at once with a new token. */
  readonly cli?: FlyCliScript | undefined
  /** By which part of its lead chance makes a refresh earlier. Default 0: in a test it comes at an exact time. */
  readonly softExpiryJitter?: number | undefined
}

/**
 * One call of `FlyTokens` by the program under test.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface FlyTokensCall {
  /** Which member was called. */
  readonly operation: "get" | "refresh" | "invalidate" | "setManual" | "removeManual" | "peek"
  /** As it was given. */
  readonly app: string
  /** Epoch milliseconds. */
  readonly at: number
  /** The token that the program says was refused, if it said so. */
  readonly rejected?: FlyToken
}

/**
 * All services of {@link TestFlyTokens.layer}: the one under test, its sources, and what steers them.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type TestServices =
  | FlyTokens
  | Environment
  | Storage
  | ConfigFile
  | FlyCli
  | TestFlyTokens
  | TestEnvironment
  | TestStorage
  | TestConfigFile
  | TestFlyCli

/** The resolver, with a list of what was asked of it. */
const recording = Effect.gen(function*() {
  const tokens = yield* FlyTokens
  const clock = yield* Clock.Clock
  const calls: Array<FlyTokensCall> = []
  const note = (operation: FlyTokensCall["operation"], app: string, options?: RefreshOptions) => {
    const rejected = options?.rejected === undefined ? {} : { rejected: FlyToken.make(options.rejected) }
    calls.push({ operation, app, at: clock.currentTimeMillisUnsafe(), ...rejected })
  }
  const noted = <A, E>(effect: Effect.Effect<A, E>, ...call: Parameters<typeof note>): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      note(...call)
      return effect
    })

  return Context.make(TestFlyTokens, Effect.sync(() => [...calls])).pipe(
    Context.add(FlyTokens, {
      ...tokens,
      get: (app) => noted(tokens.get(app), "get", app),
      refresh: (app, options) => noted(tokens.refresh(app, options), "refresh", app, options),
      invalidate: (app, options) => noted(tokens.invalidate(app, options), "invalidate", app, options),
      setManual: (app, token) => noted(tokens.setManual(app, token), "setManual", app),
      removeManual: (app) => noted(tokens.removeManual(app), "removeManual", app),
      peek: (app) => {
        note("peek", app)
        return tokens.peek(app)
      }
    })
  )
})

/**
 * `FlyTokens` for tests.
 *
 * **Details**
 *
 * Nothing in it is pretended but the sources: caching, refreshing, time limits, rejections and events are those of
 * `FlyTokens`. The services of the sources are there too, so that a second `FlyTokens.layer()` provided inside
 * of a test is another process on the same sources.
 *
 * **Example** (A new token after a 401)
 *
 * ```ts
 * import { FlyTokens } from "effect-fly-tokens"
 * import { TestFlyCli, TestFlyTokens } from "effect-fly-tokens/testing"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function*() {
 *   const tokens = yield* FlyTokens
 *   const refused = yield* tokens.get("my-app")
 *   const other = yield* tokens.refresh("my-app", { rejected: refused.token })
 *   const mints = yield* TestFlyCli.mints
 *   return { different: other.token !== refused.token, mints: mints.length }
 * })
 *
 * Effect.runPromise(Effect.provide(program, TestFlyTokens.layer())).then(console.log)
 * ```
 *
 * @category services
 * @since 0.1.0
 * @stability stable
 */
export class TestFlyTokens extends Context.Service<TestFlyTokens, Effect.Effect<ReadonlyArray<FlyTokensCall>>>()(
  "effect-fly-tokens/testing/TestFlyTokens"
) {
  /** The resolver over scripted sources. Without options every app gets a minted token. */
  static layer(options: TestFlyTokensOptions = {}): Layer.Layer<TestServices, InvalidOption> {
    const { cli, config, env, storage, ...resolver } = options
    return Layer.effectContext(recording).pipe(
      Layer.provide(FlyTokens.layer({ softExpiryJitter: 0, ...resolver })),
      Layer.provideMerge(
        Layer.mergeAll(
          TestEnvironment.layer(env),
          TestStorage.layer(storage),
          TestConfigFile.layer(config),
          TestFlyCli.layer(cli)
        )
      )
    )
  }

  /** What the program under test asked of `FlyTokens` so far. */
  static readonly calls: Effect.Effect<ReadonlyArray<FlyTokensCall>, never, TestFlyTokens> = TestFlyTokens.use((
    calls
  ) => calls)
}
