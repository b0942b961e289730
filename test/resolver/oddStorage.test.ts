/**
 * Storages of other people, whose answers are of no use: a typed failure of the access, and a token from elsewhere.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { ConfigFile, Environment, FlyCli, FlyTokens, Storage, type StorageError } from "../../src/index.ts"
import * as StoreAccess from "../../src/records/StoreAccess.ts"
import * as World from "../support/World.ts"

/** What the compiler would not let pass, but JavaScript does. */
const answering = (answer: unknown) => () => answer as Effect.Effect<never>

const storageOf = (answer: unknown) => {
  const call = answering(answer)
  return Layer.succeed(Storage)({ get: call, put: call, delete: call, list: call })
}

const tokensOver = (storage: Layer.Layer<Storage>, variables: Record<string, string>) =>
  FlyTokens.layer().pipe(
    Layer.provide([storage, ConfigFile.layerDisabled, FlyCli.layerDisabled, Environment.layerRecord(variables)]),
    Layer.provideMerge(Logger.layer([]))
  )

const odd: ReadonlyArray<readonly [string, unknown]> = [
  ["undefined", Effect.undefined],
  ["a number", Effect.succeed(5)],
  ["an object", Effect.succeed({})],
  ["a text", Effect.succeed("my-app")],
  ["some of nothing", Effect.succeedSome(undefined)],
  ["a record without a token", Effect.succeedSome({ expiresAt: null, source: "cli", savedAt: 1 })],
  ["a record with a bare text", Effect.succeedSome({ token: "fo1_x", expiresAt: null, source: "cli", savedAt: 1 })],
  [
    "a record without times",
    Effect.succeedSome({ token: Redacted.make("fo1_x"), expiresAt: undefined, source: "cli", savedAt: Number.NaN })
  ],
  ["a promise instead of an effect", Promise.resolve([])],
  ["nothing at all", undefined]
]

describe("a storage that answers something else", () => {
  it.effect.each(odd)("%s: a get has a reason, and another source's token", ([, answer]) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(FlyTokens.use((tokens) => tokens.get("my-app"))).pipe(
        Effect.provide(tokensOver(storageOf(answer), {}))
      )
      assert.strictEqual(error._tag, "NoTokenAvailable")
      const reasons = error._tag === "NoTokenAvailable" ? error.attempts.map(({ reason }) => reason._tag) : []
      assert.include(
        [["StorageFailed", "StorageFailed"], ["Defect", "Defect"]].map(String),
        String([reasons[1], reasons[4]])
      )
      const token = World.tokenOf({ now: 0, life: World.hour })
      const found = yield* FlyTokens.use((tokens) => tokens.get("my-app")).pipe(
        Effect.provide(tokensOver(storageOf(answer), { FLY_API_TOKEN: token.value }))
      )
      assert.strictEqual(found.source, "env")
    }))

  it.effect.each(odd)("%s: invalidate fails with PersistFailed", ([, answer]) =>
    Effect.gen(function*() {
      const token = World.tokenOf({ now: 0, life: World.hour })
      const exit = yield* Effect.exit(
        FlyTokens.use((tokens) => Effect.andThen(tokens.get("my-app"), tokens.invalidate("my-app")))
      ).pipe(Effect.provide(tokensOver(storageOf(answer), { FLY_API_TOKEN: token.value })))
      assert.strictEqual(Exit.isFailure(exit) && Option.getOrThrow(Exit.findErrorOption(exit))._tag, "PersistFailed")
    }))

  it.effect.each([undefined, null, 5, "my-org", {}, new Set(["my-org"])])(
    "a list that is %s: invalidate says that the store failed",
    (list) =>
      Effect.gen(function*() {
        const token = World.tokenOf({ now: 0, life: World.hour })
        const storage = Layer.succeed(Storage)({
          get: () => Effect.succeedNone,
          put: () => Effect.void,
          delete: () => Effect.void,
          list: answering(Effect.succeed(list))
        })
        const error = yield* Effect.flip(
          FlyTokens.use((tokens) => Effect.andThen(tokens.get("my-app"), tokens.invalidate("my-app")))
        ).pipe(Effect.provide(tokensOver(storage, { FLY_API_TOKEN: token.value })))
        assert.strictEqual(error._tag === "PersistFailed" && error.reason._tag, "StorageFailed")
        assert.include(error.message, "a list of names")
      })
  )
})

describe("a storage that answers something else for many records", () => {
  const checked = (answer: unknown) =>
    StoreAccess.checked(Storage.of({
      get: () => Effect.succeedNone,
      put: () => Effect.void,
      delete: () => Effect.void,
      list: () => Effect.succeed([]),
      getMany: answering(answer)
    }))

  it.effect.each(odd.filter(([, answer]) => Effect.isEffect(answer)))(
    "%s: a typed error",
    ([, answer]) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(checked(answer).getMany!(["my-app"], "cached"))
        assert.deepStrictEqual([error._tag, error.kind], ["StorageError", "Unavailable"])
      })
  )

  it.effect("for one of them: the others are as they are", () =>
    Effect.gen(function*() {
      const answer = new Map<string, unknown>([
        ["good", Result.succeedNone],
        ["bare", Option.none()],
        ["odd", Result.succeed(Option.some({ token: "fo1_x" }))]
      ])
      const found = yield* checked(Effect.succeed(answer)).getMany!(["good", "bare", "odd", "missing"], "cached")
      assert.deepStrictEqual(
        [...found].map(([name, outcome]) => [name, Result.isFailure(outcome) ? outcome.failure.kind : "as it is"]),
        [["good", "as it is"], ["bare", "Unavailable"], ["odd", "Unavailable"], ["missing", "Unavailable"]]
      )
    }))
})

describe("a backend that answers something else", () => {
  const backed = (answer: unknown) =>
    Storage.make({
      read: answering(Effect.succeed(answer)),
      write: () => Effect.void,
      remove: () => Effect.void,
      readMany: answering(Effect.succeed(answer)),
      names: answering(Effect.succeed(answer)),
      setAside: () => Effect.void
    })

  it.effect.each([undefined, null, 5, "my-app", {}, Option.some(5)])(
    "%s: a typed error",
    (answer) =>
      Effect.gen(function*() {
        const storage = backed(answer)
        const record = { token: Redacted.make("fo1_x"), expiresAt: null, source: "manual", savedAt: 0 } as const
        for (
          const call of [
            storage.get("my-app", "cached"),
            storage.put("my-app", "manual", record),
            storage.delete("my-app", "manual"),
            storage.list("cached"),
            storage.getMany!(["my-app"], "cached")
          ]
        ) {
          const error = yield* Effect.flip(call as Effect.Effect<unknown, StorageError>)
          assert.deepStrictEqual([error._tag, error.kind], ["StorageError", "Unavailable"])
        }
      })
  )
})
