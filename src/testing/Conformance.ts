/** Checks of a service's contract, for any test runner. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"

/**
 * What the contract says and the service did not do.
 *
 * @category errors
 * @since 0.1.0
 * @stability stable
 */
export class ConformanceError extends Schema.TaggedError<ConformanceError>()("ConformanceError", {
  /** What has to hold. */
  rule: Schema.String,
  /** What was seen instead. */
  found: Schema.String
}) {
  override get message(): string {
    return `${this.rule}; found: ${this.found}`
  }
}

/**
 * One check. It builds the layer anew, uses names of its own and removes them.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface Check {
  readonly name: string
  /** Fails if the rule is broken. */
  readonly run: Effect.Effect<void, unknown>
}

/**
 * How a runner registers a test: `test` of Vitest, Jest, `node:test` and Bun.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type Test = (name: string, run: () => Promise<void>) => unknown

let counter = 0

/** Makes checks over a build of the layer each, and over so many names that nobody else uses. */
export const checksOf = <S, E>(
  layer: Layer.Layer<S, E>,
  clean: (names: ReadonlyArray<string>) => Effect.Effect<void, never, S> = () => Effect.void
) =>
(name: string, count: number, run: (...names: Array<string>) => Effect.fn.Return<void, unknown, S>): Check => ({
  name,
  run: Effect.suspend(() => {
    const stem = `conform-${Math.floor(Math.random() * 36 ** 8).toString(36)}-${counter++}`
    const names = Array.from({ length: count }, (_, n) => `${stem}-${n}`)
    return Effect.provide(Effect.ensuring(Effect.gen(() => run(...names)), clean(names)), layer)
  })
})

const longest = 400

const cut = (text: string): string => text.length <= longest ? text : `${text.slice(0, longest)}… (${text.length})`

const show = (value: unknown): string => typeof value === "string" ? value : JSON.stringify(value) ?? String(value)

export const hold = (rule: string, holds: boolean, found: unknown = "it does not hold") =>
  holds
    ? Effect.void
    : Effect.fail(new ConformanceError({ rule, found: typeof found === "string" ? found : cut(show(found)) }))

/** Compares as JSON, which has no order of fields where both sides are made by one function. */
export const same = (rule: string, found: unknown, expected: unknown) =>
  hold(rule, show(found) === show(expected), `${cut(show(found))} instead of ${cut(show(expected))}`)

/** The typed failure of an effect; a success breaks the rule, and so does a defect. */
export const failure = <A, E, R>(rule: string, effect: Effect.Effect<A, E, R>): Effect.Effect<E, ConformanceError, R> =>
  Effect.matchEffect(effect, {
    onSuccess: () => Effect.fail(new ConformanceError({ rule, found: "a success" })),
    onFailure: (error) => Effect.succeed(error)
  })

/** Runs with a build of the layer of its own, as another process would have one. */
export const apart = <A, E, R, Out, E2>(
  effect: Effect.Effect<A, E, R>,
  layer: Layer.Layer<Out, E2>
): Effect.Effect<A, E | E2, Exclude<R, Out>> => Effect.provide(effect, Layer.fresh(layer), { local: true })

export const register = (test: Test, checks: ReadonlyArray<Check>): void => {
  for (const { name, run } of checks) test(name, () => Effect.runPromise(run))
}
