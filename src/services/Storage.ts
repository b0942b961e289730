/**
 * The store that outlives the process.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { isAppName } from "../token/AppName.ts"
import { quote } from "../token/Redaction.ts"
import * as Fence from "./Fence.ts"
import { SourceName } from "./SourceName.ts"
import { StorageError } from "./TokenError.ts"

/**
 * What a record is for: `cached`, what was minted for an app; `manual`, what a person set for an app; `org`, what was
 * minted for an organization, by its slug.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type StorageKey = "cached" | "manual" | "org"

/**
 * A record. Times are epoch milliseconds.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface StoredToken {
  /** The token as text. */
  readonly token: Redacted.Redacted<string>
  /** When the token ends; `null` if that is not known. */
  readonly expiresAt: number | null
  /** Where the process took it that stored it. */
  readonly source: SourceName
  /** When the token was acquired. */
  readonly savedAt: number
  /** The number of the lease under which it was minted; an older one never overwrites a newer one. */
  readonly fence?: number
  /** Of what was minted: a digest that names the login that it was minted with. */
  readonly login?: string
}

/**
 * A record without its secret.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface RecordMeta extends Omit<StoredToken, "token"> {}

const Millis = Schema.Finite.pipe(Schema.check(Schema.isBetween({ minimum: -8.64e15, maximum: 8.64e15 })))

/** The record as text: JSON with the number of its version. */
const RecordJson = Schema.fromJsonString(Schema.Struct({
  version: Schema.Literal(1),
  token: Schema.RedactedFromValue(Schema.NonEmptyString),
  expiresAt: Schema.NullOr(Millis),
  source: SourceName,
  savedAt: Millis,
  fence: Schema.optionalKey(Schema.Int),
  login: Schema.optionalKey(Schema.String)
}))

const AnyVersion = Schema.fromJsonString(Schema.Struct({ version: Schema.Int }))

const decodeRecord = Schema.decodeUnknownOption(RecordJson)
const decodeVersion = Schema.decodeUnknownOption(AnyVersion)
const encodeRecord = Schema.encodeOption(RecordJson)

const storedOf = (record: typeof RecordJson.Type): StoredToken => {
  const { version: _, ...stored } = record
  return stored
}

/**
 * Bytes of records, moved by a backend that knows nothing of tokens.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface StorageBacking {
  /** The text of a record, as it was written. */
  readonly read: (name: string, key: StorageKey) => Effect.Effect<Option.Option<string>, StorageError>
  /**
   * Writes a record, whole or not at all. If the record that is there makes it outdated (`Fence.isOutdated`) it is
   * refused with `Superseded`: in one step with the write, if the backend can do that.
   */
  readonly write: (
    name: string,
    key: StorageKey,
    text: string,
    meta: RecordMeta
  ) => Effect.Effect<void, StorageError>
  /** Removes a record; that there is none is no failure. */
  readonly remove: (name: string, key: StorageKey) => Effect.Effect<void, StorageError>
  /** The names that have a record, in any order. */
  readonly names: (key: StorageKey) => Effect.Effect<ReadonlyArray<string>, StorageError>
  /**
   * Puts a corrupt record out of the way, so that the next write heals it; not if its text is another one by now, and
   * it may be gone.
   */
  readonly setAside: (name: string, key: StorageKey, text: string) => Effect.Effect<void, StorageError>
  /** Where a record is, for people. */
  readonly locate?: (name: string, key: StorageKey) => string
}

/**
 * Where records are kept.
 *
 * **Details**
 *
 * Guaranteed: a `put` that succeeded is there for every later `get` of this and of other processes, whole; records of
 * different names and keys do not touch each other. Not guaranteed: that two processes see each other's writes in order.
 * A `cached` or `org` record that cannot be read as a record counts as absent and is put out of the way; a `manual` one
 * fails with `Corrupt` and is neither deleted nor overwritten. A `put` whose `fence` is older than that of the record
 * that is there fails with `Superseded`.
 *
 * Names are app names or slugs of organizations, anything else fails with `InvalidName`.
 *
 * @category services
 * @since 0.1.0
 * @stability stable
 */
export class Storage extends Context.Service<Storage, {
  /** The record, if there is one. */
  readonly get: (name: string, key: StorageKey) => Effect.Effect<Option.Option<StoredToken>, StorageError>
  /** Stores a record, durable when it returns. */
  readonly put: (name: string, key: StorageKey, record: StoredToken) => Effect.Effect<void, StorageError>
  /** Removes a record; that there is none is no failure. */
  readonly delete: (name: string, key: StorageKey) => Effect.Effect<void, StorageError>
  /** The names that have a record. */
  readonly list: (key: StorageKey) => Effect.Effect<ReadonlyArray<string>, StorageError>
}>()("effect-fly-tokens/Storage") {
  /**
   * Whether the record in `text`, as a backend holds it, makes a write outdated. A text that is no record does not.
   *
   * @category judging
   */
  static isOutdated(meta: RecordMeta, text: string | undefined, now: number): boolean {
    const present = text === undefined ? undefined : Option.getOrUndefined(decodeRecord(text))
    return present !== undefined && Fence.isOutdated(meta, storedOf(present), now)
  }

  /**
   * The failure of a write that came too late.
   *
   * @category constructors
   */
  static superseded(): StorageError {
    return new StorageError({ operation: "put", kind: "Superseded", why: "a newer token is stored already" })
  }

  /**
   * The failure of a write of what is no record.
   *
   * @category constructors
   */
  static invalidRecord(): StorageError {
    return new StorageError({
      operation: "put",
      kind: "InvalidRecord",
      why: "the record has no token, a time that is none, or a fence that is no whole number"
    })
  }

  /**
   * A storage over a backend that moves texts.
   *
   * **Example** (A storage in a map)
   *
   * ```ts
   * import { Storage, type StorageKey } from "effect-fly-tokens"
   * import * as Clock from "effect/Clock"
   * import * as Effect from "effect/Effect"
   * import * as Layer from "effect/Layer"
   * import * as Option from "effect/Option"
   *
   * const texts = new Map<string, string>()
   * const place = (name: string, key: StorageKey) => `${key}/${name}`
   *
   * const storage = Layer.succeed(Storage)(Storage.make({
   *   read: (name, key) => Effect.sync(() => Option.fromUndefinedOr(texts.get(place(name, key)))),
   *   write: (name, key, text, meta) =>
   *     Effect.flatMap(Clock.currentTimeMillis, (now) => {
   *       if (Storage.isOutdated(meta, texts.get(place(name, key)), now)) return Effect.fail(Storage.superseded())
   *       texts.set(place(name, key), text)
   *       return Effect.void
   *     }),
   *   remove: (name, key) => Effect.sync(() => void texts.delete(place(name, key))),
   *   setAside: (name, key, text) =>
   *     Effect.sync(() => {
   *       if (texts.get(place(name, key)) === text) texts.delete(place(name, key))
   *     }),
   *   names: (key) =>
   *     Effect.sync(() => [...texts.keys()].filter((at) => at.startsWith(`${key}/`)).map((at) => at.slice(key.length + 1)))
   * }))
   * ```
   *
   * @category constructors
   */
  static make(backing: StorageBacking): Storage["Service"] {
    const checked = <A>(
      operation: StorageError["operation"],
      name: string,
      then: () => Effect.Effect<A, StorageError>
    ): Effect.Effect<A, StorageError> =>
      Effect.suspend(() =>
        isAppName(name)
          ? then()
          : Effect.fail(
            new StorageError({ operation, kind: "InvalidName", why: `${quote(String(name))} cannot name a record` })
          )
      )

    const path = (name: string, key: StorageKey) =>
      backing.locate === undefined ? {} : { path: backing.locate(name, key) }

    /** Decides over a text that is no record of this version. */
    const unreadable = (operation: StorageError["operation"], name: string, key: StorageKey, text: string) => {
      const version = Option.getOrUndefined(decodeVersion(text))?.version
      if (version !== undefined && version > 1) {
        return Effect.fail(
          new StorageError({
            operation,
            kind: "UnsupportedVersion",
            why: `the record has version ${version}, written by a newer release`,
            ...path(name, key)
          })
        )
      }
      return key === "manual"
        ? Effect.fail(
          new StorageError({
            operation,
            kind: "Corrupt",
            why:
              "the record of the manual token is corrupt; it is kept as it is: remove it yourself, then set the token again",
            ...path(name, key)
          })
        )
        : Effect.as(backing.setAside(name, key, text), Option.none<StoredToken>())
    }

    const get = (name: string, key: StorageKey, operation: StorageError["operation"] = "get") =>
      Effect.flatMap(backing.read(name, key), (found) => {
        if (Option.isNone(found)) return Effect.succeedNone
        const record = decodeRecord(found.value)
        if (Option.isNone(record)) return unreadable(operation, name, key, found.value)
        return Effect.succeedSome<StoredToken>(storedOf(record.value))
      })

    /** Manual tokens cannot be had again, so none is replaced that cannot be read. */
    const guardManual = (operation: StorageError["operation"], name: string, key: StorageKey) =>
      key === "manual" ? Effect.asVoid(get(name, key, operation)) : Effect.void

    return Storage.of({
      get: (name, key) => checked("get", name, () => get(name, key)),
      put: (name, key, record) =>
        checked("put", name, () =>
          Effect.andThen(
            guardManual("put", name, key),
            Effect.suspend(() => {
              const { token, ...meta } = record
              const text = encodeRecord({ version: 1, token, ...meta })
              return Option.isSome(text)
                ? backing.write(name, key, text.value, meta)
                : Effect.fail(Storage.invalidRecord())
            })
          )),
      delete: (name, key) =>
        checked("delete", name, () => Effect.andThen(guardManual("delete", name, key), backing.remove(name, key))),
      list: (key) => Effect.map(backing.names(key), (names) => names.filter(isAppName).sort())
    })
  }
}
