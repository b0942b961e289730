/**
 * Encryption at rest: what is on disk, rotation, wrong keys, changed records, switching it on.
 */
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as FastCheck from "fast-check"
import { inspect } from "node:util"
import { Storage, StorageEncrypted, type StorageKey, StorageMemory, type StoredToken } from "../../src/index.ts"
import * as TokenCipher from "../../src/layers/encrypted/TokenCipher.ts"

const key = (n: number) => Redacted.make(Buffer.alloc(32, n).toString("base64"))

const record = (token: string, fields: Partial<StoredToken> = {}): StoredToken => ({
  token: Redacted.make(token),
  expiresAt: Date.UTC(2100, 0, 1),
  source: "cli",
  savedAt: 1_700_000_000_000,
  ...fields
})

/** A store in memory, and views of it through keys. */
const make = Effect.map(Effect.provide(Storage, StorageMemory.layer), (inner) => ({
  inner,
  with: (keys: ReadonlyArray<Redacted.Redacted<string>>, acceptPlain = false) =>
    Effect.provide(
      Storage,
      StorageEncrypted.layer({ keys, acceptPlain }).pipe(Layer.provide(Layer.succeed(Storage)(inner)))
    )
}))

const tokenOf = (storage: Storage["Service"], name: string, kind: StorageKey) =>
  Effect.map(
    storage.get(name, kind),
    Option.match({ onNone: () => undefined, onSome: ({ token }) => Redacted.value(token) })
  )

const kinds: ReadonlyArray<StorageKey> = ["cached", "manual", "org"]

describe("an encrypted store", () => {
  it.effect("has no token in its records, and two records of one token differ", () =>
    Effect.gen(function*() {
      const store = yield* make
      const storage = yield* store.with([key(1)])
      yield* storage.put("app-1", "manual", record("fo1_secret"))
      yield* storage.put("app-2", "manual", record("fo1_secret"))
      const raw = [yield* tokenOf(store.inner, "app-1", "manual"), yield* tokenOf(store.inner, "app-2", "manual")]
      assert.notInclude(raw.join(), "secret")
      assert.notInclude(Buffer.from(raw.join(), "base64").toString("latin1"), "secret")
      assert.notStrictEqual(raw[0], raw[1])
      assert.strictEqual(yield* tokenOf(storage, "app-1", "manual"), "fo1_secret")
    }))

  it.effect("reads many records at once as it reads one, if the store can", () =>
    Effect.gen(function*() {
      const store = yield* make
      const [right, wrong] = [yield* store.with([key(1)]), yield* store.with([key(2)])]
      for (const name of ["app-1", "app-2"]) yield* right.put(name, "manual", record(`fo1_of-${name}`))
      yield* store.inner.put("plain", "manual", record("fo1_plain"))
      const names = ["app-1", "plain", "app-2", "none"]
      const outcomes = (storage: Storage["Service"]) =>
        Effect.map(storage.getMany!(names, "manual"), (found) =>
          names.map((name) =>
            Result.match(found.get(name)!, {
              onFailure: ({ kind }) => kind,
              onSuccess: Option.match({ onNone: () => "none", onSome: ({ token }) => Redacted.value(token) })
            })
          ))
      assert.deepStrictEqual(yield* outcomes(right), ["fo1_of-app-1", "Insecure", "fo1_of-app-2", "none"])
      assert.deepStrictEqual(yield* outcomes(wrong), ["WrongKey", "Insecure", "WrongKey", "none"])
      const { getMany: _, ...single } = store.inner
      const over = StorageEncrypted.layer({ keys: [key(1)] }).pipe(Layer.provide(Layer.succeed(Storage)(single)))
      assert.isFalse("getMany" in (yield* Effect.provide(Storage, over)))
    }))

  it.effect("opens what was sealed, whatever it is, and nothing that was changed (property)", () =>
    Effect.gen(function*() {
      const cipher = yield* TokenCipher.make([key(1)])
      const run = <A>(effect: Effect.Effect<A>) => Effect.runPromise(effect)
      yield* Effect.promise(() =>
        FastCheck.assert(
          FastCheck.asyncProperty(
            FastCheck.string({ unit: "binary", minLength: 1, maxLength: 300 }),
            FastCheck.nat(),
            async (text, position) => {
              const sealed = await run(cipher.seal(Redacted.make(text), "place"))
              const opened = await run(cipher.open(sealed, "place"))
              assert.strictEqual(opened._tag === "Token" && Redacted.value(opened.token), text)
              assert.strictEqual((await run(cipher.open(sealed, "another place")))._tag, "Broken")
              const value = Redacted.value(sealed)
              const at = position % value.length
              const other = value[at] === "A" ? "B" : "A"
              const changed = value.slice(0, at) + other + value.slice(at + 1)
              const outcome = await run(cipher.open(Redacted.make(changed), "place"))
              // The last character may hold bits that are not used.
              assert.isTrue(outcome._tag !== "Token" || Redacted.value(outcome.token) === text)
            }
          ),
          { numRuns: 300 }
        )
      )
    }))

  it.effect("rotates: the first key encrypts, all of them decrypt", () =>
    Effect.gen(function*() {
      const store = yield* make
      const [old, both, young] = [
        yield* store.with([key(1)]),
        yield* store.with([key(2), key(1)]),
        yield* store.with([key(2)])
      ]
      yield* old.put("my-app", "manual", record("fo1_before"))
      assert.strictEqual(yield* tokenOf(both, "my-app", "manual"), "fo1_before")
      yield* both.put("my-app", "manual", record("fo1_after"))
      assert.strictEqual(yield* tokenOf(young, "my-app", "manual"), "fo1_after")
      assert.strictEqual((yield* Effect.flip(old.get("my-app", "manual"))).kind, "WrongKey")
    }))

  it.effect("with a wrong key: typed errors, nothing read, replaced or deleted", () =>
    Effect.gen(function*() {
      const store = yield* make
      const [right, wrong] = [yield* store.with([key(1)]), yield* store.with([key(9)])]
      for (const kind of kinds) {
        yield* right.put("my-app", kind, record(`fo1_${kind}`))
        for (
          const call of [
            wrong.get("my-app", kind),
            wrong.put("my-app", kind, record("fo1_x")),
            wrong.delete("my-app", kind)
          ]
        ) {
          const error = yield* Effect.flip(
            call as Effect.Effect<unknown, { readonly kind: string; readonly message: string }>
          )
          assert.strictEqual(error.kind, "WrongKey")
          assert.include(error.message, "FLY_TOKENS_ENCRYPTION_KEYS")
        }
        assert.strictEqual(yield* tokenOf(right, "my-app", kind), `fo1_${kind}`)
      }
      assert.deepStrictEqual(yield* wrong.list("manual"), ["my-app"])
    }))

  it.effect("with a wrong key, a minted record that has expired makes room; a manual one never does", () =>
    Effect.gen(function*() {
      const store = yield* make
      const [right, wrong] = [yield* store.with([key(1)]), yield* store.with([key(9)])]
      // TestClock stands at 0.
      for (const kind of kinds) yield* right.put("my-app", kind, record("fo1_old", { expiresAt: 0, savedAt: -1 }))
      yield* wrong.put("my-app", "cached", record("fo1_new"))
      yield* wrong.delete("my-app", "org")
      assert.strictEqual(yield* tokenOf(wrong, "my-app", "cached"), "fo1_new")
      assert.strictEqual((yield* Effect.flip(wrong.put("my-app", "manual", record("fo1_new")))).kind, "WrongKey")
    }))

  it.effect("a record that was moved or changed does not open", () =>
    Effect.gen(function*() {
      const store = yield* make
      const storage = yield* store.with([key(1)])
      const original = record("fo1_a")
      yield* storage.put("app-1", "cached", original)
      const sealed = Option.getOrThrow(yield* store.inner.get("app-1", "cached"))
      yield* store.inner.put("app-2", "cached", sealed)
      assert.isUndefined(yield* tokenOf(storage, "app-2", "cached"))
      yield* store.inner.put("app-1", "org", sealed)
      assert.isUndefined(yield* tokenOf(storage, "app-1", "org"))
      for (
        const change of [
          { expiresAt: null },
          { savedAt: original.savedAt + 1 },
          { source: "manual" as const },
          { fence: 4 },
          { org: "another" },
          { token: Redacted.make(Redacted.value(sealed.token).slice(0, -6)) }
        ]
      ) {
        yield* store.inner.put("app-1", "cached", { ...sealed, ...change })
        assert.isUndefined(yield* tokenOf(storage, "app-1", "cached"))
        // The next write heals it.
        yield* storage.put("app-1", "cached", original)
        assert.strictEqual(yield* tokenOf(storage, "app-1", "cached"), "fo1_a")
      }
      yield* store.inner.put("app-1", "manual", sealed)
      for (const call of [storage.get("app-1", "manual"), storage.delete("app-1", "manual")]) {
        assert.strictEqual(
          (yield* Effect.flip(call as Effect.Effect<unknown, { readonly kind: string }>)).kind,
          "Corrupt"
        )
      }
      assert.strictEqual((yield* Effect.flip(storage.put("app-1", "manual", original))).kind, "Corrupt")
      assert.strictEqual(yield* tokenOf(store.inner, "app-1", "manual"), Redacted.value(sealed.token))
    }).pipe(Effect.provide(Logger.layer([]))))

  it.effect("records from before it was switched on are not trusted, unless that is allowed", () =>
    Effect.gen(function*() {
      const store = yield* make
      for (const kind of kinds) yield* store.inner.put("my-app", kind, record(`fo1_${kind}`))
      const strict = yield* store.with([key(1)])
      assert.isUndefined(yield* tokenOf(strict, "my-app", "cached"))
      assert.isUndefined(yield* tokenOf(strict, "my-app", "org"))
      assert.strictEqual((yield* Effect.flip(strict.get("my-app", "manual"))).kind, "Insecure")
      const lenient = yield* store.with([key(1)], true)
      for (const kind of kinds) assert.strictEqual(yield* tokenOf(lenient, "my-app", kind), `fo1_${kind}`)
      yield* strict.put("my-app", "manual", record("fo1_again"))
      assert.strictEqual(yield* tokenOf(strict, "my-app", "manual"), "fo1_again")
    }))

  it.effect.each(["", "too-short", Buffer.alloc(31).toString("base64"), Buffer.alloc(33).toString("base64"), "ü"])(
    "a key that is none (%j) fails the layer's construction, and does not show",
    (bad) =>
      Effect.gen(function*() {
        const store = yield* make
        const error = yield* Effect.flip(store.with([key(1), Redacted.make(bad)]))
        assert.strictEqual(error._tag, "InvalidOption")
        if (bad.length > 3) assert.notInclude(inspect(error) + error.message + JSON.stringify(error), bad)
      })
  )

  it.effect("without a key fails the layer's construction", () =>
    Effect.gen(function*() {
      const store = yield* make
      assert.include((yield* Effect.flip(store.with([]))).message, "at least one key")
    }))

  it.effect("takes its keys from Config, and an error of theirs does not show them", () =>
    Effect.gen(function*() {
      const store = yield* make
      const through = (
        variables: Record<string, string>,
        options?: Parameters<typeof StorageEncrypted.layerConfig>[0]
      ) =>
        Effect.provide(
          Storage,
          StorageEncrypted.layerConfig(options).pipe(
            Layer.provide(Layer.succeed(Storage)(store.inner)),
            Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(variables)))
          )
        )
      const old = yield* through({ FLY_TOKENS_ENCRYPTION_KEYS: Redacted.value(key(1)) })
      yield* old.put("my-app", "manual", record("fo1_x"))
      const rotated = yield* through({
        FLY_TOKENS_ENCRYPTION_KEYS: `${Redacted.value(key(2))}, ${Redacted.value(key(1))}`
      })
      assert.strictEqual(yield* tokenOf(rotated, "my-app", "manual"), "fo1_x")
      const given = yield* through({}, { keys: [key(1)] })
      assert.strictEqual(yield* tokenOf(given, "my-app", "manual"), "fo1_x")
      const bad = yield* Effect.flip(through({ FLY_TOKENS_ENCRYPTION_KEYS: "c2VjcmV0LWtleQ==" }))
      assert.notInclude(inspect(bad) + String(bad), "c2VjcmV0LWtleQ")
      yield* Effect.flip(through({}))
    }))
})
