/**
 * The store that outlives the process.
 *
 * @since 0.1.0
 * @stability stable
 */
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import type * as Result from "effect/Result"
import { isAppName } from "../token/AppName.ts"
import { quote } from "../token/Redaction.ts"
import * as Fence from "./Fence.ts"
import * as RecordText from "./RecordText.ts"
import type { SourceName } from "./SourceName.ts"
import * as StorageAnswers from "./StorageAnswers.ts"
import { StorageError } from "./TokenError.ts"

/**
 * What a record is for: `cached`, what was minted for an app; `manual`, what a person set for an app; `org`, what was
 * minted for an organization, by its slug.
 *
 * @category models
 */
export type StorageKey = "cached" | "manual" | "org"

/**
 * A record. Times are epoch milliseconds.
 *
 * @category models
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
  /** The slug of the organization that flyctl named for the app, so that it need not be asked again. */
  readonly org?: string
  /** Of what was minted: digests, with commas, that name the logins that it was minted with, or is of no use with. */
  readonly login?: string
}

/**
 * A record without its secret.
 *
 * @category models
 */
export interface RecordMeta extends Omit<StoredToken, "token"> {}

/**
 * Of many records what `get` answers for each, by its name: the record, none, or why it cannot be read.
 *
 * @category models
 */
export type StoredTokens = ReadonlyMap<string, Result.Result<Option.Option<StoredToken>, StorageError>>

/**
 * Bytes of records, moved by a backend that knows nothing of tokens. It may fail with anything: `why` says what to tell
 * of it, and a `StorageError` is passed on.
 *
 * @category models
 */
export interface StorageBacking<E = never> {
  /** The text of a record, as it was written. */
  readonly read: (name: string, key: StorageKey) => Effect.Effect<Option.Option<string>, E | StorageError>
  /**
   * Writes a record, whole or not at all. If the record that is there makes it outdated (`Storage.isOutdated`) it is
   * refused with `Storage.superseded()`: in one step with the write, if the backend can do that.
   */
  readonly write: (
    name: string,
    key: StorageKey,
    text: string,
    meta: RecordMeta
  ) => Effect.Effect<void, E | StorageError>
  /** Removes a record; that there is none is no failure. */
  readonly remove: (name: string, key: StorageKey) => Effect.Effect<void, E | StorageError>
  /** The names that have a record, in any order. */
  readonly names: (key: StorageKey) => Effect.Effect<ReadonlyArray<string>, E | StorageError>
  /**
   * Puts a corrupt record out of the way, so that the next write heals it; not if its text is another one by now, and
   * it may be gone.
   */
  readonly setAside: (name: string, key: StorageKey, text: string) => Effect.Effect<void, E | StorageError>
  /** The texts of those of many records that are there, by their names; 500 at most are asked for at once. */
  readonly readMany?: (
    names: ReadonlyArray<string>,
    key: StorageKey
  ) => Effect.Effect<ReadonlyMap<string, string>, E | StorageError>
  /** Where a record is, for people. */
  readonly locate?: (name: string, key: StorageKey) => string
  /** A sentence about a failure, with an error code where there is one; nothing of a record. */
  readonly why?: (error: E) => string
}

/**
 * Where records are kept.
 *
 * **Details**
 *
 * Guaranteed: a `put` that succeeded is there for every later `get` of this and of other processes, whole; records of
 * different names and keys do not touch each other. Not guaranteed: that two processes see each other's writes in order.
 * A `cached` or `org` record that cannot be read as a record, or that is one of another name or key, counts as absent and
 * is put out of the way; a `manual` one fails with `Corrupt` and is neither deleted nor overwritten. A `put` whose `fence` is older than that of the record
 * that is there fails with `Superseded`.
 *
 * Names are app names or slugs of organizations, anything else fails with `InvalidName`.
 *
 * @category services
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
  /**
   * What `get` answers for each of many names, in one access, where the store can do that; a record that cannot be read
   * fails none of the others. A storage that wraps another one's `get` wraps this too, or leaves it out.
   */
  readonly getMany?: (names: ReadonlyArray<string>, key: StorageKey) => Effect.Effect<StoredTokens, StorageError>
}>()("effect-fly-tokens/Storage") {
  /**
   * Whether the record in `text`, as a backend holds it, makes a write outdated. A text that is no record does not. (One
   * of another place may: `make` puts it out of the way and writes once more.)
   *
   * @category judging
   */
  static isOutdated(meta: RecordMeta, text: string | undefined, now: number): boolean {
    const present = text === undefined ? undefined : RecordText.contentOf(text)
    return present !== undefined && Fence.isOutdated(meta, present, now)
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
   * A storage over a backend that moves texts. The guide to storage has one in a map, and how to check yours.
   *
   * @category constructors
   */
  static make<E = never>(backing: StorageBacking<E>): Storage["Service"] {
    const { at, get, recordOf, typed } = readerOf(backing)

    const readMany = backing.readMany?.bind(backing)
    const getMany = Effect.fnUntraced(
      function*(read: NonNullable<typeof readMany>, names: Set<string>, key: StorageKey) {
        const texts = new Map<string, unknown>()
        for (const portion of Arr.chunksOf([...names].filter(isAppName), 500)) {
          const answer = yield* StorageAnswers.many(yield* typed("get", read(portion, key)))
          for (const name of portion) texts.set(name, answer.get(name))
        }
        return yield* StorageAnswers.each(
          names,
          (name) => checked("get", name, () => recordOf(name, key, Option.fromUndefinedOr(texts.get(name)), "get"))
        )
      }
    )

    /** Manual tokens cannot be had again, so none is replaced that cannot be read. */
    const guardManual = (operation: Operation, name: string, key: StorageKey) =>
      key === "manual" ? Effect.asVoid(get(name, key, operation)) : Effect.void

    /** What refused the write may have been a record of another place, which tells nothing of this one. */
    const write = (name: string, key: StorageKey, text: string, meta: RecordMeta) => {
      const writing = Effect.suspend(() => typed("put", backing.write(name, key, text, meta), at(name, key)))
      return Effect.catchIf(writing, ({ kind }) => kind === "Superseded", (superseded) =>
        Effect.flatMap(
          Effect.mapError(get(name, key, "put"), () => superseded),
          (present) => Option.isSome(present) ? Effect.fail(superseded) : writing
        ))
    }

    return Storage.of({
      get: (name, key) => checked("get", name, () => get(name, key, "get")),
      put: (name, key, record) =>
        checked("put", name, () =>
          Effect.andThen(
            guardManual("put", name, key),
            Effect.suspend(() => {
              const { token: _, ...meta } = record
              const text = RecordText.write(record, { key, name })
              return Option.isSome(text)
                ? write(name, key, text.value, meta)
                : Effect.fail(StorageAnswers.invalidRecord())
            })
          )),
      delete: (name, key) =>
        checked("delete", name, () =>
          Effect.andThen(
            guardManual("delete", name, key),
            Effect.suspend(() => typed("delete", backing.remove(name, key), at(name, key)))
          )),
      list: (key) => Effect.flatMap(typed("list", backing.names(key)), StorageAnswers.names),
      ...(readMany === undefined ? {} : { getMany: (names, key) => getMany(readMany, new Set(names), key) })
    })
  }
}

type Operation = StorageError["operation"]

const checked = <A>(operation: Operation, name: string, then: () => Effect.Effect<A, StorageError>) =>
  Effect.suspend(() => {
    if (isAppName(name)) return then()
    const why = `${quote(String(name))} cannot name a record`
    return Effect.fail(new StorageError({ operation, kind: "InvalidName", why }))
  })

const isStorageError = (error: unknown): error is StorageError => Predicate.isTagged(error, "StorageError")

/** Why a manual token's record is not used; it is kept as it is. */
const keptManual = {
  Corrupt:
    "the record of the manual token is corrupt; it is kept as it is: remove it yourself, then set the token again",
  Misplaced: "the record is that of another app or of another kind, copied here; it is kept as it is: put it where it "
    + "belongs or remove it yourself, then set the token again"
}

/** What is made of the failures and the texts of a backing. */
const readerOf = <E>(backing: StorageBacking<E>) => {
  const at = (name: string, key: StorageKey) => backing.locate === undefined ? {} : { path: backing.locate(name, key) }

  const typed = <A>(operation: Operation, call: Effect.Effect<A, E | StorageError>, at: { path?: string } = {}) =>
    Effect.mapError(call, (error): StorageError => {
      if (isStorageError(error)) return error
      const why = backing.why?.(error) ?? "the backend failed"
      return new StorageError({ operation, kind: "Unavailable", why, ...at })
    })

  const recordOf = Effect.fnUntraced(function*(name: string, key: StorageKey, answer: unknown, operation: Operation) {
    const found = yield* StorageAnswers.text(answer, operation)
    if (Option.isNone(found)) return Option.none<StoredToken>()
    const read = RecordText.read(found.value, { key, name })
    if (read._tag === "Record") return Option.some<StoredToken>(read.content)
    if (read._tag === "Newer") {
      const why = `the record has version ${read.version}, written by a newer release`
      return yield* new StorageError({ operation, kind: "UnsupportedVersion", why, ...at(name, key) })
    }
    if (key === "manual") {
      return yield* new StorageError({ operation, kind: "Corrupt", why: keptManual[read._tag], ...at(name, key) })
    }
    yield* typed("get", backing.setAside(name, key, found.value), at(name, key))
    return Option.none<StoredToken>()
  })

  const get = (name: string, key: StorageKey, operation: Operation) =>
    Effect.flatMap(
      typed("get", backing.read(name, key), at(name, key)),
      (answer) => recordOf(name, key, answer, operation)
    )

  return { at, typed, recordOf, get }
}
