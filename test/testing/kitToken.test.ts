import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as TestClock from "effect/testing/TestClock"
import * as fc from "fast-check"
import { createHash, createHmac } from "node:crypto"
import type { FlyToken } from "../../src/index.ts"
import { TestToken } from "../../src/testing.ts"
import { printed } from "../support/Recorder.ts"

/** Where the MessagePack value that begins at an offset ends. Written by the format's page, not with the library. */
const endOf = (bytes: Buffer, at: number): number => {
  const first = bytes[at]!
  const items = (from: number, count: number): number => {
    let end = from
    for (let n = 0; n < count; n++) end = endOf(bytes, end)
    return end
  }
  if (first <= 0x7f || first >= 0xe0 || (first >= 0xc0 && first <= 0xc3)) return at + 1
  if (first <= 0x8f) return items(at + 1, 2 * (first & 0x0f))
  if (first <= 0x9f) return items(at + 1, first & 0x0f)
  if (first <= 0xbf) return at + 1 + (first & 0x1f)
  switch (first) {
    case 0xc4:
    case 0xd9:
      return at + 2 + bytes[at + 1]!
    case 0xc5:
    case 0xda:
      return at + 3 + bytes.readUInt16BE(at + 1)
    case 0xcc:
    case 0xd0:
      return at + 2
    case 0xcd:
    case 0xd1:
      return at + 3
    case 0xca:
    case 0xce:
    case 0xd2:
      return at + 5
    case 0xcb:
    case 0xcf:
    case 0xd3:
      return at + 9
    case 0xdc:
      return items(at + 3, bytes.readUInt16BE(at + 1))
    default:
      throw new Error(`a first byte 0x${first.toString(16)} is not expected here`)
  }
}

/** The values of an array, as they stand there. */
const itemsOf = (bytes: Buffer): ReadonlyArray<Buffer> => {
  const short = bytes[0]! >= 0x90 && bytes[0]! <= 0x9f
  assert.isTrue(short || bytes[0] === 0xdc)
  const items: Array<Buffer> = []
  let at = short ? 1 : 3
  while (at < bytes.length) {
    const end = endOf(bytes, at)
    items.push(bytes.subarray(at, end))
    at = end
  }
  assert.strictEqual(items.length, short ? bytes[0]! & 0x0f : bytes.readUInt16BE(1))
  return items
}

const hmac = (key: Buffer, message: Buffer) => createHmac("sha256", key).update(message).digest()

/** The chain as FACTS of superfly/macaroon have it: over the nonce, then over each caveat as `[type, body]`. */
const tailOf = (key: Buffer, nonce: Buffer, flat: ReadonlyArray<Buffer>): Buffer => {
  let tail = hmac(key, nonce)
  for (let n = 0; n < flat.length; n += 2) tail = hmac(tail, Buffer.concat([Buffer.of(0x92), flat[n]!, flat[n + 1]!]))
  return tail
}

/** What the kit says its keys are: the SHA-256 of the seed and a label. */
const keyOf = (seed: number, label: string) =>
  createHash("sha256").update(JSON.stringify([`number/${seed}`, label, 0])).digest()

const hasRightTail = (piece: string, key: Buffer) => {
  const [nonce, , caveats, tail] = itemsOf(Buffer.from(piece.slice(4), "base64"))
  // A tail is 32 bytes behind its two bytes of header.
  assert.strictEqual(tail!.length, 34)
  assert.strictEqual(
    tail!.subarray(2).toString("hex"),
    tailOf(key, nonce!, itemsOf(caveats!)).toString("hex")
  )
}

const piecesOf = (token: FlyToken) => token.value.replace("FlyV1 ", "").split(",")

interface Asked {
  readonly now: number
  readonly end: TestToken.Life
  readonly grant: TestToken.Grant & { readonly seed: number; readonly org: number; readonly discharged: boolean }
}

const end: fc.Arbitrary<TestToken.Life> = fc.oneof<Array<fc.Arbitrary<TestToken.Life>>>(
  fc.record({ life: fc.oneof(fc.integer({ min: 0, max: 4e12 }), fc.constant(Duration.infinity)) }),
  fc.record({ expiresAt: fc.integer({ min: -4e12, max: 8e12 }) }),
  fc.constant({})
)

const asked: fc.Arbitrary<Asked> = fc.record({
  now: fc.integer({ min: 0, max: 4e12 }),
  end,
  grant: fc.record({
    seed: fc.integer(),
    org: fc.integer({ min: 0, max: 2 ** 48 }),
    app: fc.option(fc.integer({ min: 0, max: 2 ** 48 }), { nil: undefined }),
    readOnly: fc.option(fc.boolean(), { nil: undefined }),
    discharged: fc.boolean()
  })
})

const endsAt = (now: number, { expiresAt, life }: TestToken.Life) => {
  const at = expiresAt ?? now + (life === undefined ? 86_400_000 : Duration.toMillis(life))
  return Number.isFinite(at) ? Math.floor(at / 1000) * 1000 : null
}

describe("TestToken", () => {
  it("makes what was asked for, and its chain of HMACs is right", () => {
    const holds = Effect.fnUntraced(function*({ end, grant, now }: Asked) {
      yield* TestClock.setTime(now)
      const token = yield* TestToken.make({ ...grant, ...end })
      assert.isUndefined(token.malformed)
      assert.strictEqual(token.discharged, grant.discharged)
      assert.deepStrictEqual(token.missingDischarges, grant.discharged ? [] : ["https://api.fly.io/aaa/v1"])
      assert.strictEqual(token.expiresAt, grant.discharged ? endsAt(now, end) : null)
      assert.strictEqual(token.readOnly, grant.readOnly ?? grant.app === undefined)
      assert.deepStrictEqual(token.orgIds, [BigInt(grant.org)])
      const [permission, discharge, ...others] = piecesOf(token)
      assert.lengthOf(others, 0)
      hasRightTail(permission!, keyOf(grant.seed, "key"))
      if (grant.discharged) hasRightTail(discharge!, keyOf(grant.seed, "discharge key"))
    })
    return fc.assert(
      fc.asyncProperty(asked, (input) => Effect.runPromise(Effect.provide(holds(input), TestClock.layer()))),
      { numRuns: 300 }
    )
  })

  it.effect("a byte that differs breaks the chain, so the check above can fail", () =>
    Effect.gen(function*() {
      const [permission] = piecesOf(yield* TestToken.make({ seed: 1 }))
      const bytes = Buffer.from(permission!.slice(4), "base64")
      bytes[8] = bytes[8]! ^ 1
      assert.throws(() => hasRightTail(`fm2_${bytes.toString("base64")}`, keyOf(1, "key")))
      assert.throws(() => hasRightTail(permission!, keyOf(2, "key")))
    }))

  it.effect("the life counts from the clock's time, in whole seconds, rounded down", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1_500)
      assert.strictEqual((yield* TestToken.make({ life: "10 minutes" })).expiresAt, 601_000)
      assert.strictEqual((yield* TestToken.make()).expiresAt, 86_401_000)
    }))

  it.effect("has the variants that cannot work, and a user's token", () =>
    Effect.gen(function*() {
      const expired = yield* TestToken.expired()
      assert.strictEqual(expired.expiresAt, -3_600_000)
      assert.isTrue(expired.discharged)
      assert.isFalse((yield* TestToken.undischarged()).discharged)
      for (let seed = 0; seed < 50; seed++) {
        const whole = yield* TestToken.make({ seed })
        const malformed = yield* TestToken.malformed({ seed })
        assert.isTrue(whole.value.startsWith(malformed.value))
        assert.isString(malformed.malformed)
        assert.isString((yield* TestToken.malformed({ seed, app: seed, org: seed * 1e9 })).malformed)
      }
      const user = yield* TestToken.user()
      assert.match(user.authorization("machines"), /^Bearer fo1_[\w-]{43}$/)
      assert.deepStrictEqual([user.malformed, user.expiresAt, user.readOnly], [undefined, null, false])
    }))

  it.effect("another one each time; with a seed, or with a seeded Random, the same one", () =>
    Effect.gen(function*() {
      const values = (options?: TestToken.TestTokenOptions) =>
        Effect.map(
          Effect.all([TestToken.make(options), TestToken.make(options), TestToken.user(options)]),
          (tokens) => tokens.map(({ value }) => value)
        )
      assert.strictEqual(new Set([...yield* values(), ...yield* values()]).size, 6)
      const [one, two] = yield* values({ seed: 7 })
      assert.strictEqual(one, two)
      assert.notStrictEqual((yield* TestToken.make({ seed: "7" })).value, one)
      yield* TestClock.adjust("1 day")
      assert.notStrictEqual((yield* TestToken.make({ seed: 7 })).value, one)
      assert.deepStrictEqual(
        yield* Random.withSeed(values(), "snapshot"),
        yield* Random.withSeed(values(), "snapshot")
      )
    }))

  it.effect("with a seed its bytes do not change from release to release", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        [
          (yield* TestToken.make({ seed: 1 })).fingerprint,
          (yield* TestToken.make({ seed: "one", app: 5, life: "1 hour" })).fingerprint,
          (yield* TestToken.user({ seed: 1 })).fingerprint
        ],
        ["394e6157", "7074be61", "e10e4c05"]
      )
    }))

  it.effect("shows itself to nobody", () =>
    Effect.gen(function*() {
      for (const token of [yield* TestToken.make(), yield* TestToken.malformed(), yield* TestToken.user()]) {
        assert.notMatch(printed(token), /f[mo]\d_/)
      }
    }))
})
