/** An environment whose variables the test sets. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Environment } from "../../services/Environment.ts"
import { FlyToken } from "../../token/FlyToken.ts"

/**
 * Variables by name: a text, a token, or an effect that makes a token when the variable is set. `undefined` is not set.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type Variables = Readonly<Record<string, string | FlyToken | Effect.Effect<FlyToken> | undefined>>

/**
 * Steers the environment of a test, in which nothing is set at first: the process's own is not looked at.
 *
 * @category services
 * @since 0.1.0
 * @stability stable
 */
export class TestEnvironment extends Context.Service<TestEnvironment, (variables: Variables) => Effect.Effect<void>>()(
  "effect-fly-tokens/testing/TestEnvironment"
) {
  /** An environment with these variables and no others. */
  static layer(variables: Variables = {}): Layer.Layer<Environment | TestEnvironment> {
    return Layer.effectContext(Effect.gen(function*() {
      const texts = new Map<string, string | undefined>()
      const set = Effect.fnUntraced(function*(variables: Variables) {
        for (const [name, given] of Object.entries(variables)) {
          const value = Effect.isEffect(given) ? yield* given : given
          texts.set(name, FlyToken.isFlyToken(value) ? value.value : value)
        }
      })
      yield* set(variables)
      return Context.make(TestEnvironment, set).pipe(Context.add(Environment, { get: (name) => texts.get(name) }))
    }))
  }

  /** Sets variables; `undefined` removes one, and those that are not named stay. */
  static setVariables(variables: Variables): Effect.Effect<void, never, TestEnvironment> {
    return TestEnvironment.use((set) => set(variables))
  }
}
