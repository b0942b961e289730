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
 * @since 0.1.0
 */
import { encode } from "@msgpack/msgpack"
import { hmac } from "@noble/hashes/hmac.js"
import { sha256 } from "@noble/hashes/sha2.js"
import { utf8ToBytes } from "@noble/hashes/utils.js"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Random from "effect/Random"
import { FlyToken } from "../../token/FlyToken.ts"
import { permissionLocation } from "../../token/Macaroon.ts"

/**
 * What a token allows, and from what its bytes are made.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface Grant {
  /** The same seed at the same time gives the same token. Default: another token each time. */
  readonly seed?: string | number | undefined
  /** Fly's internal number of the organization. Default 4721. */
  readonly org?: number | undefined
  /** Fly's internal number of the one app that it is for. Default: all apps of the organization. */
  readonly app?: number | undefined
  /** Whether it only reads. Default: a token of an organization does, one of an app does not, as flyctl mints them. */
  readonly readOnly?: boolean | undefined
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

/** As many bytes as wanted, the same ones for the same label. */
type Bytes = (label: string, length: number) => Uint8Array

const bytesFrom = (seed: Grant["seed"]): Effect.Effect<Bytes> =>
  Effect.map(
    seed === undefined
      ? Effect.map(Effect.all([Random.next, Random.next]), (numbers) => numbers.join("/"))
      : Effect.succeed(`${typeof seed}/${seed}`),
    (seed) => (label, length) => {
      const bytes = new Uint8Array(length)
      for (let block = 0; block * 32 < length; block++) {
        const digest = sha256(utf8ToBytes(JSON.stringify([seed, label, block])))
        bytes.set(digest.subarray(0, Math.min(32, length - block * 32)), block * 32)
      }
      return bytes
    }
  )

/** The types of caveats, as superfly/macaroon v0.3.0 numbers them. */
const types = { organization: 0, apps: 3, validityWindow: 4, thirdParty: 11, action: 26 } as const

type Caveat = readonly [type: number, body: unknown]

/** Read; and read, write, create, delete, control. */
const masks = { read: 1, all: 31 } as const

/** One macaroon with its chain of HMACs. */
const piece = (
  key: Uint8Array,
  nonce: readonly [kid: Uint8Array, rnd: Uint8Array, proof: boolean],
  location: string,
  caveats: ReadonlyArray<Caveat>
): string => {
  const start = hmac(sha256, key, encode(nonce))
  const tail = caveats.reduce((tail, caveat) => hmac(sha256, tail, encode(caveat)), start)
  return `fm2_${Base64.encode(encode([nonce, location, caveats.flat(), tail]))}`
}

const authLocation = "https://api.fly.io/aaa/v1"

const secondsOf = (millis: number): number => Math.floor(millis / 1000)

const textOf = (options: TestTokenOptions, bytes: Bytes, now: number): string => {
  const { app, discharged = true, org = 4721, readOnly = app === undefined } = options
  const ends = options.expiresAt ?? now + Duration.toMillis(options.life ?? Duration.hours(24))
  const ticket = bytes("ticket", 40)

  const reading: Caveat = app === undefined ? [types.organization, [org, masks.read]] : [types.action, masks.read]
  const permission = piece(bytes("key", 32), [bytes("kid", 8), bytes("rnd", 16), false], permissionLocation, [
    [types.organization, [org, masks.all]],
    [types.thirdParty, [authLocation, bytes("verifier", 48), ticket]],
    ...(app === undefined ? [] : [[types.apps, [new Map([[app, masks.all]])]] as const]),
    ...(readOnly ? [reading] : [])
  ])
  if (!discharged) return `FlyV1 ${permission}`

  const begins = secondsOf(Math.min(now, ends))
  const discharge = piece(
    bytes("discharge key", 32),
    [ticket, bytes("discharge rnd", 16), true],
    authLocation,
    Number.isFinite(ends) ? [[types.validityWindow, [begins, secondsOf(ends)]]] : []
  )
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
    const bytes = yield* bytesFrom(options.seed)
    return FlyToken.make(textOf(options, bytes, yield* Clock.currentTimeMillis))
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
export const user = (options: Pick<Grant, "seed"> = {}): Effect.Effect<FlyToken> =>
  Effect.map(bytesFrom(options.seed), (bytes) => FlyToken.make(`fo1_${Base64Url.encode(bytes("user", 32))}`))
