/**
 * Encryption at rest, around any storage.
 *
 * @since 0.1.0
 * @stability stable
 */
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Warnings from "../../concurrency/Warnings.ts"
import { given, type OrConfig } from "../../services/OptionConfig.ts"
import { variables } from "../../services/OptionName.ts"
import { type RecordMeta, Storage, type StorageKey, type StoredToken } from "../../services/Storage.ts"
import * as StorageAnswers from "../../services/StorageAnswers.ts"
import { type InvalidOption, StorageError } from "../../services/TokenError.ts"
import * as TokenCipher from "./TokenCipher.ts"

/**
 * The keys of {@link layer}.
 *
 * @category models
 */
export interface StorageEncryptedOptions {
  /**
   * Keys of 32 bytes in base64 (`openssl rand -base64 32`). The first one encrypts, all of them decrypt. To rotate, add
   * the new key behind the old one everywhere, then put it in front, and take the old one away when its records are gone.
   */
  readonly keys: ReadonlyArray<Redacted.Redacted<string>>
  /**
   * Whether records that are not encrypted are read: while you switch it on. Default false: a cached one counts as
   * absent, a manual one fails with `Insecure`.
   */
  readonly acceptPlain?: boolean | undefined
}

/** What a record's token is bound to: a record that was moved, or whose other fields were changed, does not open. */
const placeOf = (name: string, key: StorageKey, meta: RecordMeta): string =>
  JSON.stringify([
    1,
    key,
    name,
    meta.expiresAt,
    meta.source,
    meta.savedAt,
    meta.fence ?? null,
    // Fields that came later, where there are any: records without them open as before.
    ...(meta.login === undefined ? meta.org === undefined ? [] : [meta.org] : [meta.org ?? null, meta.login])
  ])

const wrongKey = (keyId: string) =>
  `is encrypted with a key that is not given (its id is ${keyId}); nothing was changed: add that key `
  + "(FLY_TOKENS_ENCRYPTION_KEYS), or remove the record yourself"

const changed = "of the manual token does not open with its key, so it was changed; it is kept as it is: remove it "
  + "yourself, then set the token again"

const make = Effect.fnUntraced(function*(options: StorageEncryptedOptions) {
  const storage = yield* Storage
  const cipher = yield* TokenCipher.make(options.keys)
  const warn = yield* Warnings.make

  const open = (name: string, key: StorageKey, { token, ...meta }: StoredToken) =>
    cipher.open(token, placeOf(name, key, meta))

  /** The failure of an operation on a record, which is told by its place. */
  const failing =
    (operation: StorageError["operation"], name: string, key: StorageKey) =>
    (kind: StorageError["kind"], why: string) =>
      new StorageError({ operation, kind, why: `the record ${key}/${name} ${why}` })

  const opened = Effect.fnUntraced(function*(name: string, key: StorageKey, stored: Option.Option<StoredToken>) {
    if (Option.isNone(stored)) return stored
    const failed = failing("get", name, key)
    const found = yield* open(name, key, stored.value)
    switch (found._tag) {
      case "Token":
        return Option.some<StoredToken>({ ...stored.value, token: found.token })
      case "Foreign":
        return yield* failed("WrongKey", wrongKey(found.keyId))
      case "Plain":
        if (options.acceptPlain === true) return stored
        if (key !== "manual") return Option.none<StoredToken>()
        return yield* failed("Insecure", "is not encrypted; set the token again, or allow that with acceptPlain")
      case "Broken":
        if (key === "manual") return yield* failed("Corrupt", changed)
        yield* warn(
          "does not open",
          `fly-tokens: the record ${key}/${name} does not open with its key; it counts as absent`
        )
        return Option.none<StoredToken>()
    }
  })

  /** Nothing is replaced or deleted that somebody with another key may still read. */
  const guard = Effect.fnUntraced(function*(operation: "put" | "delete", name: string, key: StorageKey) {
    const stored = yield* storage.get(name, key)
    if (Option.isNone(stored)) return
    const failed = failing(operation, name, key)
    const opened = yield* open(name, key, stored.value)
    if (opened._tag === "Broken" && key === "manual") return yield* failed("Corrupt", changed)
    if (opened._tag !== "Foreign") return
    const { expiresAt } = stored.value
    const ended = key !== "manual" && expiresAt !== null && expiresAt <= (yield* Clock.currentTimeMillis)
    if (!ended) return yield* failed("WrongKey", wrongKey(opened.keyId))
  })

  const getMany = storage.getMany?.bind(storage)

  return Storage.of({
    get: (name, key) => Effect.flatMap(storage.get(name, key), (stored) => opened(name, key, stored)),
    put: Effect.fnUntraced(function*(name, key, record) {
      const { token, ...meta } = record
      // Encrypted it would look like a token.
      if (Redacted.value(token) === "") return yield* StorageAnswers.invalidRecord()
      yield* guard("put", name, key)
      const sealed = yield* cipher.seal(token, placeOf(name, key, meta))
      yield* storage.put(name, key, { token: sealed, ...meta })
    }),
    delete: (name, key) => Effect.andThen(guard("delete", name, key), storage.delete(name, key)),
    list: storage.list,
    ...(getMany === undefined ? {} : {
      getMany: (names, key) =>
        StorageAnswers.manyOf(getMany(names, key), names, (name, stored) => opened(name, key, stored))
    })
  })
})

/**
 * Encrypts the token of each record with AES-256-GCM, around the storage that is provided to it.
 *
 * **Details**
 *
 * The token's times, its source and its fence stay readable for the store, which expires and compares them; they and the
 * record's place are authenticated with the token. A record that is encrypted with a key that is not given fails with
 * `WrongKey`: it is neither deleted nor replaced, except one of a minted token that has expired. A record that was
 * changed counts as absent, a manual one fails with `Corrupt`.
 *
 * **Example** (Files, encrypted)
 *
 * ```ts
 * import * as NodeServices from "@effect/platform-node/NodeServices"
 * import { StorageEncrypted } from "effect-fly-tokens"
 * import { EnvironmentProcess, StorageFileSystem } from "effect-fly-tokens/node"
 * import * as Layer from "effect/Layer"
 *
 * const storage = StorageEncrypted.layerConfig().pipe(
 *   Layer.provide(StorageFileSystem.layer()),
 *   Layer.provide([EnvironmentProcess.layer, NodeServices.layer])
 * )
 * ```
 *
 * @category layers
 */
export const layer = (options: StorageEncryptedOptions): Layer.Layer<Storage, InvalidOption, Storage> =>
  Layer.effect(Storage, make(options))

const readers = {
  keys: Config.map(
    Config.Redacted(variables.encryptionKeys),
    (text) => Redacted.value(text).split(",").map((key) => Redacted.make(key.trim()))
  ),
  acceptPlain: Config.withDefault(Config.Boolean(variables.encryptionAcceptPlain), false)
}

/**
 * The same with options from `Config`: a value, or the `Config` of one. What is not given here is read from
 * `FLY_TOKENS_ENCRYPTION_KEYS` (with commas between them) and `FLY_TOKENS_ENCRYPTION_ACCEPT_PLAIN`.
 *
 * @category layers
 */
export const layerConfig = (
  options: OrConfig<StorageEncryptedOptions> = {}
): Layer.Layer<Storage, InvalidOption | Config.ConfigError, Storage> =>
  Layer.effect(Storage, Effect.flatMap(given<StorageEncryptedOptions>(readers, options), make))
