/**
 * The errors of this library. All of them are schema classes, so they cross process borders; none holds a token.
 *
 * @since 0.1.0
 * @stability stable
 */
import * as Schema from "effect/Schema"
import { AppName } from "../token/AppName.ts"
import { quote } from "../token/Redaction.ts"
import { hintOf } from "./AttemptHint.ts"
import { failure } from "./Failure.ts"
import { Defect, Expired, Malformed, MissReason, StorageFailed, TimedOut, Undischarged } from "./MissReason.ts"
import { optionName } from "./OptionName.ts"
import { SourceName } from "./SourceName.ts"

/**
 * What one source answered: its name, and why it gave no token.
 *
 * @category models
 */
export const Attempt = Schema.Struct({ source: SourceName, reason: MissReason })

/**
 * What one source answered: its name, and why it gave no token.
 *
 * @category models
 */
export type Attempt = typeof Attempt.Type

/**
 * No source has a usable token. `attempts` says per source why, in the order in which they were asked.
 *
 * The message is a small table, one row per source, with what to do about it.
 *
 * **Example** (Acting on one cause)
 *
 * ```ts
 * import { FlyTokens } from "effect-fly-tokens"
 * import * as Effect from "effect/Effect"
 *
 * const token = FlyTokens.use((tokens) => tokens.get("my-app")).pipe(
 *   Effect.tapErrorTag("NoTokenAvailable", ({ attempts }) => {
 *     const login = attempts.find(({ reason }) => reason._tag === "NotLoggedIn")
 *     return login === undefined ? Effect.void : Effect.logError(login.reason.hint)
 *   })
 * )
 * ```
 *
 * @category errors
 */
export class NoTokenAvailable extends failure<NoTokenAvailable>()("NoTokenAvailable", {
  app: AppName,
  /** The sources that were asked, in order. */
  attempts: Schema.Array(Attempt)
}, {
  message: ({ app, attempts }) => {
    const width = Math.max(7, ...attempts.map(({ source }) => source.length)) + 2
    return [
      `no Fly token for app "${app}"`,
      ...attempts.flatMap((attempt) => {
        const { reason, source } = attempt
        const row = `  ${source.padEnd(width)}${reason.message}`
        return reason._tag === "NotFound" ? [row] : [row, `  ${" ".repeat(width)}→ ${hintOf(attempt)}`]
      })
    ]
  }
}) {}

/**
 * The text is no app name. Nothing was asked.
 *
 * @category errors
 */
export class InvalidAppName extends failure<InvalidAppName>()("InvalidAppName", {
  /** The text: quoted, cut after 64 characters, tokens in it redacted. */
  input: Schema.String
}, {
  message: ({ input }) =>
    `${input} is not a Fly app name: 1–63 lowercase letters, digits and dashes, starting and ending with a letter or digit`
}) {
  /**
   * The error for any value.
   *
   * @category constructors
   */
  static of(input: unknown): InvalidAppName {
    return new InvalidAppName({ input: typeof input === "string" ? quote(input) : `a value of type ${typeof input}` })
  }
}

const undone = {
  setManual: "the manual token was not stored",
  removeManual: "the manual token was not removed",
  invalidate: "the cached token was not removed from the store"
}

/**
 * A write to the store that the caller asked for was not done.
 *
 * @category errors
 */
export class PersistFailed extends failure<PersistFailed>()("PersistFailed", {
  app: Schema.String,
  /** What was asked for. */
  operation: Schema.Literals(["setManual", "removeManual", "invalidate"]),
  /** Why it was not done. */
  reason: Schema.Union([StorageFailed, TimedOut, Defect])
}, {
  message: ({ app, operation, reason }) => `${undone[operation]} (app "${app}"): ${reason.message}`
}) {}

/**
 * A token that a call was given and that cannot work: it was not stored. One that was named as rejected and is none: it
 * was not looked for.
 *
 * @category errors
 */
export class UnusableToken extends failure<UnusableToken>()("UnusableToken", {
  app: AppName,
  /** What is wrong with the token. */
  reason: Schema.Union([Malformed, Expired, Undischarged])
}, {
  message: ({ app, reason }) => [
    `this token cannot work for app "${app}": ${reason.message}`,
    `  → ${hintOf({ source: "manual", reason })}`
  ]
}) {}

/**
 * The store failed.
 *
 * **Details**
 *
 * - `Unavailable`: it cannot be reached, written or read. `Insecure`: others could write to it, so it is not used.
 * - `Corrupt`: the record of a manual token is not readable; it is kept. `UnsupportedVersion`: a newer release wrote it.
 * - `WrongKey`: the record is encrypted with a key that is not among those given; nothing was changed.
 * - `Superseded`: a write came too late, there is a newer record. `InvalidName`: the name cannot name a record.
 *   `InvalidRecord`: the record has no token, or numbers that are none.
 *
 * @category errors
 */
export class StorageError extends failure<StorageError>()("StorageError", {
  /** What the store was to do. */
  operation: Schema.Literals(["open", "get", "put", "delete", "list"]),
  /** What went wrong; see above. */
  kind: Schema.Literals([
    "Unavailable",
    "Corrupt",
    "Insecure",
    "UnsupportedVersion",
    "InvalidName",
    "InvalidRecord",
    "Superseded",
    "WrongKey"
  ]),
  /** A fixed sentence, with an error code such as ENOSPC where there is one; nothing of a record. */
  why: Schema.String,
  /** The file, or the place in the store, if one record is to blame. */
  path: Schema.optionalKey(Schema.String)
}, {
  message: ({ operation, path, why }) => `store: ${operation} failed: ${path === undefined ? "" : `${path}: `}${why}`
}) {}

/**
 * An option has a value that cannot work.
 *
 * @category errors
 */
export class InvalidOption extends failure<InvalidOption>()("InvalidOption", {
  /** The option's name in code. */
  option: Schema.String,
  /** What can be there, as the end of a sentence. */
  expected: Schema.String
}, {
  message: ({ expected, option }) => `option ${optionName(option)} is not valid: expected ${expected}`
}) {}
