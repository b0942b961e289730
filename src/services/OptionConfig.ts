/**
 * Options from `Config`, each by itself or beside values that code gives.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import type { DurationInput } from "./OptionDuration.ts"

/**
 * Each field a value, or the `Config` of one; or it is left out.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type OrConfig<A> = { readonly [K in keyof A]?: A[K] | Config.Config<A[K]> }

/** Fields that are given come from there, the others from their readers. */
export const given = <A extends object>(
  readers: { readonly [K in keyof Required<A>]: Config.Config<A[K]> },
  options: OrConfig<A>
): Config.Config<A> => {
  const fields = Object.entries(options).filter(([, value]) => value !== undefined)
  const configs = fields.map(([name, value]) => [name, Config.isConfig(value) ? value : Config.succeed(value)])
  return Config.all({ ...readers, ...Object.fromEntries(configs) }) as unknown as Config.Config<A>
}

/** An option that may be left out. */
export const optional = <A>(config: Config.Config<A>): Config.Config<A | undefined> =>
  Config.withDefault(config, undefined)

/** A duration as text: whether it is one is decided with all other options, which say it in one way. */
export const duration = (name: string): Config.Config<DurationInput | undefined> =>
  Config.map(optional(Config.String(name)), (text) => text as DurationInput | undefined)

/** A number as text; what is none becomes `NaN`, which no option takes. */
export const number = (name: string): Config.Config<number | undefined> =>
  Config.map(optional(Config.String(name)), (text) => text === undefined ? undefined : Number(text))
