/** A store in memory that can be made to fail, to hang and to be slow. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as StorageMemory from "../../layers/memory/StorageMemory.ts"
import { Storage, type StorageKey, type StoredToken } from "../../services/Storage.ts"
import { StorageError } from "../../services/TokenError.ts"
import { FlyToken } from "../../token/FlyToken.ts"
import * as Script from "./Script.ts"

/**
 * One access to the store that began.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface StorageAccess {
  /** Which operation it was. */
  readonly operation: "get" | "put" | "delete" | "list"
  /** The app or the organization's slug; empty for `list`. */
  readonly name: string
  /** What the record is for. */
  readonly key: StorageKey
  /** Epoch milliseconds. */
  readonly at: number
}

/**
 * What stands before an access: an effect that succeeds lets it through to the records, and anything else is its end.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type StorageScript = Script.Script<void, StorageError, StorageAccess>

/**
 * Tokens by name; an effect makes one when it is stored.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type Tokens = Readonly<Record<string, FlyToken | Effect.Effect<FlyToken>>>

/**
 * What is in the store at first, by app and by organization, and what stands before an access.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface TestStorageOptions {
  /** What was minted for apps. */
  readonly cached?: Tokens | undefined
  /** What people set for apps. */
  readonly manual?: Tokens | undefined
  /** What was minted for organizations. */
  readonly org?: Tokens | undefined
  /** Default: every access goes through. */
  readonly script?: StorageScript | undefined
}

const put = Effect.fnUntraced(
  function*(storage: Storage["Service"], name: string, key: StorageKey, given: Tokens[string]) {
    const token = FlyToken.isFlyToken(given) ? given : yield* given
    yield* storage.put(name, key, {
      token: token.redacted,
      expiresAt: token.expiresAt,
      source: key === "manual" ? "manual" : "cli",
      savedAt: yield* Clock.currentTimeMillis
    })
  }
)

/**
 * Steers the store of a test.
 *
 * **Details**
 *
 * Without a script it works. The records are behind the script: {@link TestStorage.put} and {@link TestStorage.get} do
 * what another process would do, unhindered and not recorded.
 *
 * @category services
 * @since 0.1.0
 * @stability stable
 */
export class TestStorage extends Context.Service<
  TestStorage,
  Script.Steering<StorageScript, StorageAccess> & {
    /** The records themselves, without the script before them. */
    readonly records: Storage["Service"]
  }
>()("effect-fly-tokens/testing/TestStorage") {
  /** A store that follows a script. Each build of the layer is a store of its own. */
  static layer({ script, ...tokens }: TestStorageOptions = {}): Layer.Layer<Storage | TestStorage> {
    const make = Effect.gen(function*() {
      const records = yield* Storage
      for (const [key, byName] of Object.entries(tokens) as ReadonlyArray<[StorageKey, Tokens | undefined]>) {
        for (const [name, token] of Object.entries(byName ?? {})) {
          // What cannot be stored is a mistake in the test.
          yield* Effect.orDie(put(records, name, key, token))
        }
      }

      const { play, steering } = Script.player<void, StorageError, StorageAccess>(script)
      const through = <A>(
        operation: StorageAccess["operation"],
        name: string,
        key: StorageKey,
        access: Effect.Effect<A, StorageError>
      ) => Effect.andThen(play({ operation, name, key }, () => Effect.void), access)

      return Context.make(TestStorage, { ...steering, records }).pipe(Context.add(Storage, {
        get: (name, key) => through("get", name, key, records.get(name, key)),
        put: (name, key, record) => through("put", name, key, records.put(name, key, record)),
        delete: (name, key) => through("delete", name, key, records.delete(name, key)),
        list: (key) => through("list", "", key, records.list(key))
      }))
    })
    // Fresh, or two of these in one program would share their records.
    return Layer.effectContext(make).pipe(Layer.provide(Layer.fresh(StorageMemory.layer)))
  }

  /** The script of a store that cannot be reached. */
  static readonly unavailable = ({ operation }: StorageAccess): StorageError =>
    new StorageError({ operation, kind: "Unavailable", why: "the test's store is down" })

  /** Another script from now on, from its start; `undefined` for a store that works. */
  static setScript(script: StorageScript | undefined): Effect.Effect<void, never, TestStorage> {
    return TestStorage.use((storage) => storage.setScript(script))
  }

  /** Stores a token, as another process would. */
  static put(name: string, key: StorageKey, token: Tokens[string]): Effect.Effect<void, StorageError, TestStorage> {
    return TestStorage.use(({ records }) => put(records, name, key, token))
  }

  /** What is stored, as another process would find it. */
  static get(name: string, key: StorageKey): Effect.Effect<Option.Option<StoredToken>, StorageError, TestStorage> {
    return TestStorage.use(({ records }) => records.get(name, key))
  }

  /** The accesses that began so far. */
  static readonly accesses: Effect.Effect<ReadonlyArray<StorageAccess>, never, TestStorage> = TestStorage.use(
    (storage) => storage.calls
  )
}
