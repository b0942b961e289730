/**
 * Tokens for tests: real macaroons that decode as Fly's do, with a life of your choice and keys that nobody has.
 *
 * **Details**
 *
 * Every function here is an effect that makes another token each time it is run, with its times from the `Clock`
 * (`TestClock`, in a test). As an outcome of a script it makes a token per call.
 *
 * With a `seed` the token depends on it and on the time alone; without, its bytes come from Effect's `Random`, so that
 * `Random.withSeed` around a test makes all of them the same each time.
 *
 * **Example** (A token with a life of ten minutes)
 *
 * ```ts
 * import { TestToken } from "effect-fly-tokens/testing"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function*() {
 *   const token = yield* TestToken.make({ life: "10 minutes" })
 *   return [token.expiresAt, token.readOnly]
 * })
 * ```
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Random from "effect/Random"
import { FlyToken } from "../../token/FlyToken.ts"
import { permissionLocation } from "../../token/Macaroon.ts"
import * as TestMacaroon from "./TestMacaroon.ts"

/**
 * What a token is made from.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface Seeded {
  /** The same seed at the same time gives the same token. Default: another token each time. */
  readonly seed?: string | number | undefined
}

/**
 * How long a token lives.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type Life =
  | {
    /** How long it lives from now on; `Duration.infinity`: it does not end. Default 24 hours. */
    readonly life?: Duration.Input | undefined
    readonly expiresAt?: undefined
  }
  | {
    readonly life?: undefined
    /** When it ends, in epoch milliseconds; in the past too. */
    readonly expiresAt: number
  }

/**
 * What a token of macaroons allows.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface Grant extends Seeded {
  /** Fly's internal number of the organization. Default 4721. */
  readonly org?: number | undefined
  /** Fly's internal number of the one app that it is for. Default: all apps of the organization. */
  readonly app?: number | undefined
  /** Whether it only reads. Default: a token of an organization does, one of an app does not, as flyctl mints them. */
  readonly readOnly?: boolean | undefined
}

/**
 * What a token allows, how long it lives, and whether it is whole.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type TestTokenOptions = Grant & Life & {
  /** Whether it has its discharge, without which Fly refuses it. Default true. */
  readonly discharged?: boolean | undefined
}

const authLocation = "https://api.fly.io/aaa/v1"

const seedOf = (seed: Seeded["seed"]): Effect.Effect<string> =>
  seed === undefined
    ? Effect.map(Effect.all([Random.next, Random.next]), (numbers) => numbers.join("/"))
    : Effect.succeed(`${typeof seed}/${seed}`)

const secondsOf = (millis: number): number => Math.floor(millis / 1000)

const textOf = (options: TestTokenOptions, seed: string, now: number): string => {
  const { app, discharged = true, org = 4721, readOnly = app === undefined } = options
  const ends = options.expiresAt ?? now + Duration.toMillis(options.life ?? Duration.hours(24))
  const bytes = (label: string, length: number) => TestMacaroon.bytesOf(seed, label, length)
  const ticket = bytes("ticket", 40)

  const permission = TestMacaroon.piece({
    key: bytes("key", 32),
    kid: bytes("kid", 8),
    rnd: bytes("rnd", 16),
    proof: false,
    location: permissionLocation,
    caveats: [
      TestMacaroon.organization(org, TestMacaroon.maskAll),
      TestMacaroon.thirdParty(authLocation, bytes("verifier", 48), ticket),
      ...(app === undefined ? [] : [TestMacaroon.app(app, TestMacaroon.maskAll)]),
      ...(readOnly ? [app === undefined ? TestMacaroon.organization(org, 1) : TestMacaroon.action(1)] : [])
    ]
  })
  if (!discharged) return `FlyV1 ${permission}`

  const begins = secondsOf(Math.min(now, ends))
  const discharge = TestMacaroon.piece({
    key: bytes("discharge key", 32),
    kid: ticket,
    rnd: bytes("discharge rnd", 16),
    proof: true,
    location: authLocation,
    caveats: Number.isFinite(ends) ? [TestMacaroon.validityWindow(begins, secondsOf(ends))] : []
  })
  return `FlyV1 ${permission},${discharge}`
}

/**
 * A token as flyctl mints it.
 *
 * **Gotchas**
 *
 * Macaroons count in whole seconds, so its end is rounded down to one.
 *
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const make = (options: TestTokenOptions = {}): Effect.Effect<FlyToken> =>
  Effect.gen(function*() {
    const seed = yield* seedOf(options.seed)
    return FlyToken.make(textOf(options, seed, yield* Clock.currentTimeMillis))
  })

/**
 * A token that came to its end an hour ago.
 *
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const expired = (options: Grant = {}): Effect.Effect<FlyToken> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => make({ ...options, expiresAt: now - 3_600_000 }))

/**
 * A token without its discharge, as it stands after a careless copy.
 *
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const undischarged = (options: Grant = {}): Effect.Effect<FlyToken> => make({ ...options, discharged: false })

/**
 * A token whose end was cut off.
 *
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const malformed = (options: Grant = {}): Effect.Effect<FlyToken> =>
  // Nine characters of base64 are more than its padding: bytes of the tail are gone.
  Effect.map(make(options), (token) => FlyToken.make(token.value.slice(0, -9)))

/**
 * A user's OAuth token, `fo1_…`, which does not tell when it ends.
 *
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const user = (options: Seeded = {}): Effect.Effect<FlyToken> =>
  Effect.map(
    seedOf(options.seed),
    (seed) => FlyToken.make(`fo1_${Base64Url.encode(TestMacaroon.bytesOf(seed, "user", 32))}`)
  )
