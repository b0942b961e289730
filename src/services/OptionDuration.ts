/** Durations in options: as Effect writes them, and as Go and so flyctl does. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { InvalidOption } from "./TokenError.ts"

/**
 * A duration as flyctl takes it, `24h`, `12h30m`, `90s`, `1h30m0s`, and with days before it, `1d`, `1d12h`.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type GoDuration =
  | `${number}${"d" | "h" | "m" | "s" | "ms" | "us" | "ns"}`
  | `${number}d${number}h`
  | `${number}d${number}h${number}m`
  | `${number}h${number}m`
  | `${number}h${number}m${number}s`
  | `${number}m${number}s`

/**
 * A duration of Effect (`"5 seconds"`, a number of milliseconds, …), or as flyctl takes it (`"12h30m"`).
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type DurationInput = Duration.Input | GoDuration

/** What Go's `time.ParseDuration` knows, and days; as Effect calls them. */
const units: Readonly<Record<string, string>> = {
  d: "days",
  h: "hours",
  m: "minutes",
  s: "seconds",
  ms: "millis",
  us: "micros",
  "µs": "micros",
  ns: "nanos"
}

/** Longer than all pieces together, with digits as no computer counts. */
const longest = 128

const piece = "(\\d+(?:\\.\\d+)?)(ns|us|µs|ms|s|m|h|d)"
const whole = new RegExp(`^(?:${piece})+$`)

const fromGo = (text: string): Option.Option<Duration.Duration> => {
  // As in Go the one number that needs no unit.
  if (text === "0") return Option.some(Duration.zero)
  if (text.length > longest || !whole.test(text)) return Option.none()
  const parts = [...text.matchAll(new RegExp(piece, "g"))].map(([, amount, unit = ""]) =>
    Duration.fromInputUnsafe(`${amount} ${units[unit]}` as Duration.Input)
  )
  return Option.some(parts.reduce(Duration.sum, Duration.zero))
}

/** Reads a duration; nothing if it is none. */
export const read = (input: DurationInput): Option.Option<Duration.Duration> =>
  typeof input === "string"
    ? Option.orElse(fromGo(input.trim()), () => Duration.fromInput(input.trim() as Duration.Input))
    : Duration.fromInput(input)

/** The shortest and the longest that an option takes. */
export interface Range {
  readonly least: Duration.Duration
  readonly most: Duration.Duration
  /** What there can be: `from 1 second to 1 hour`. */
  readonly words: string
}

/** Reads the duration of an option, or fails with what there can be. */
export const within = (
  option: string,
  input: DurationInput,
  { least, most, words }: Range
): Effect.Effect<Duration.Duration, InvalidOption> =>
  Effect.mapError(
    Effect.fromOption(Option.filter(read(input), Duration.between({ minimum: least, maximum: most }))),
    () => new InvalidOption({ option, expected: `a duration ${words}, for example "90s", "12h30m" or "5 minutes"` })
  )
