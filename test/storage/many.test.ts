/**
 * What `Storage.make` makes of a backend: of one that can read many records in one access, that cannot, and that fails.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { Storage, type StorageBacking, StorageError, type StorageKey } from "../../src/index.ts"

const textOf = (name: string, key: StorageKey) =>
  JSON.stringify({ version: 1, name, key, token: `fo1_${name}`, expiresAt: null, source: "cli", savedAt: 0 })

const backing = (texts: ReadonlyMap<string, string>) => {
  const asked: Array<ReadonlyArray<string>> = []
  const aside: Array<string> = []
  const without = {
    read: (name: string) => Effect.succeed(Option.fromUndefinedOr(texts.get(name))),
    write: () => Effect.void,
    remove: () => Effect.void,
    names: () => Effect.succeed([...texts.keys()]),
    setAside: (name: string) => Effect.sync(() => void aside.push(name))
  } satisfies StorageBacking
  const withMany: StorageBacking = {
    ...without,
    readMany: (names) =>
      Effect.sync(() => {
        asked.push(names)
        // More than was asked for is no harm.
        return texts
      })
  }
  return { asked, aside, without, withMany }
}

describe("a storage over a backend", () => {
  it("that cannot read many records at once has no getMany", () => {
    assert.isFalse("getMany" in Storage.make(backing(new Map()).without))
  })

  it.effect("that can: it is asked for 500 names at most, each once, and for none that is no name", () =>
    Effect.gen(function*() {
      const names = Array.from({ length: 1_200 }, (_, n) => `app-${n}`)
      const { asked, withMany } = backing(new Map(names.map((name) => [name, textOf(name, "cached")])))
      const found = yield* Storage.make(withMany).getMany!([...names, "../x", "app-0"], "cached")
      assert.deepStrictEqual(asked.map(({ length }) => length), [500, 500, 200])
      assert.deepStrictEqual(asked.flat(), names)
      assert.deepStrictEqual([...found.keys()], [...names, "../x"])
      assert.isTrue(names.every((name) =>
        Result.match(found.get(name)!, {
          onFailure: () => false,
          onSuccess: (read) => Option.isSome(read) && Redacted.value(read.value.token) === `fo1_${name}`
        })
      ))
    }))

  it.effect("a corrupt record is set aside, of a manual token never", () =>
    Effect.gen(function*() {
      for (const key of ["cached", "manual", "org"] as const) {
        const texts = new Map([["good", textOf("good", key)], ["torn", "{"], ["copied", textOf("good", key)]])
        const { aside, withMany } = backing(texts)
        const found = yield* Storage.make(withMany).getMany!([...texts.keys()], key)
        assert.deepStrictEqual(aside, key === "manual" ? [] : ["torn", "copied"])
        for (const name of ["torn", "copied"]) {
          const outcome = found.get(name)!
          assert.strictEqual(Result.isFailure(outcome) && outcome.failure.kind, key === "manual" && "Corrupt")
        }
      }
    }))
})

describe("a backend that fails", () => {
  const refused = { code: "EFULL", sent: "fo1_secret" }
  const failing: StorageBacking<typeof refused> = {
    ...backing(new Map()).without,
    read: () => Effect.fail(refused),
    locate: (name, key) => `${key}/${name}`
  }
  const failure = (backing: StorageBacking<typeof refused>) =>
    Effect.map(Effect.flip(Storage.make(backing).get("my-app", "cached")), ({ kind, path, why }) => [kind, path, why])

  it.effect("says why in its own words, and where", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* failure({ ...failing, why: ({ code }) => `it is full (${code})` }), [
        "Unavailable",
        "cached/my-app",
        "it is full (EFULL)"
      ])
      assert.deepStrictEqual(yield* failure(failing), ["Unavailable", "cached/my-app", "the backend failed"])
    }))

  it.effect("as a store does is left as it is", () =>
    Effect.gen(function*() {
      const error = new StorageError({ operation: "open", kind: "Insecure", why: "others can write to it" })
      const found = yield* Effect.flip(Storage.make({ ...failing, read: () => error }).get("my-app", "cached"))
      assert.strictEqual(found, error)
    }))
})
