/**
 * What the text of flyctl's `config.yml` says. A module of its own, loaded with the YAML parser when there is a text.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type Document, isAlias, isMap, isScalar, parseAllDocuments } from "yaml"
import type { ConfigFileReason } from "../../services/ConfigFile.ts"
import { Malformed, NotFound, Unreadable } from "../../services/MissReason.ts"
import { FlyToken } from "../../token/FlyToken.ts"

const Contents = Schema.Struct({ access_token: Schema.optionalKey(Schema.NullOr(Schema.String)) })
const decodeContents = Schema.decodeUnknownResult(Contents)

/**
 * What one look at the file gave.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface Read {
  readonly result: Result.Result<FlyToken, ConfigFileReason>
  /** Whether a file that is half written may look like that. */
  readonly maybeTorn: boolean
}

const miss = (reason: ConfigFileReason, maybeTorn = false): Read => ({ result: Result.fail(reason), maybeTorn })

/** The value of a text, a number or the like; what is a list or a map is no text, and not looked into. */
const plainValue = (node: unknown, document: Document.Parsed): Result.Result<unknown, "not YAML"> => {
  const found = isAlias(node) ? node.resolve(document) : node
  if (found === undefined) return Result.fail("not YAML")
  return Result.succeed(isScalar(found) ? found.value : found === null ? null : {})
}

/**
 * The settings that we look for, if the text is YAML and a map; `undefined` if it is YAML and no map.
 *
 * **Details**
 *
 * Only the map itself is looked at. `toJS` would write out the keys that are maps, and each key of their keys, over and
 * over, and the parser compares each key with all others (`uniqueKeys`): a file that is made for it takes minutes.
 */
const parse = (text: string): Result.Result<Record<string, unknown> | undefined, "not YAML"> => {
  // flyctl reads the first document only.
  const documents = Result.try({
    try: () => parseAllDocuments(text, { logLevel: "error", prettyErrors: false, uniqueKeys: false }),
    catch: () => "not YAML" as const
  })
  if (Result.isFailure(documents)) return Result.fail(documents.failure)
  const document = documents.success[0]
  if (document === undefined || document.errors.length > 0) return Result.fail("not YAML")
  if (!isMap(document.contents)) return Result.succeed(undefined)
  const settings: Record<string, unknown> = {}
  for (const { key, value } of document.contents.items) {
    const name = isScalar(key) ? key.value : undefined
    if (name !== "access_token" && name !== "last_login") continue
    // Go's parser refuses a key that comes twice.
    if (name in settings) return Result.fail("not YAML")
    const plain = plainValue(value, document)
    if (Result.isFailure(plain)) return Result.fail(plain.failure)
    settings[name] = plain.success
  }
  return Result.succeed(settings)
}

const decodeLastLogin = Schema.decodeUnknownOption(Schema.Struct({ last_login: Schema.String }))

/**
 * When a config file's text says that the last login was, in epoch milliseconds; `null` if it does not say. Go writes
 * the year 1 for never.
 *
 * @category decoding
 * @since 0.1.0
 * @stability stable
 * @internal
 */
export const lastLogin = (text: string): number | null => {
  const parsed = parse(text)
  const found = Result.isSuccess(parsed) ? decodeLastLogin(parsed.success) : Option.none()
  const millis = Option.isSome(found) ? Date.parse(found.value.last_login) : Number.NaN
  return millis > 0 ? millis : null
}

/**
 * What a config file's text says, decided without looking at the file again.
 *
 * @category decoding
 * @since 0.1.0
 * @stability stable
 * @internal
 */
export const interpret = (text: string, path: string): Read => {
  if (text.trim() === "") return miss(new Unreadable({ path, why: "the file is empty" }), true)
  const parsed = parse(text)
  if (Result.isFailure(parsed)) return miss(new Unreadable({ path, why: "the file is not YAML" }), true)
  if (parsed.success === undefined) {
    return miss(new Unreadable({ path, why: "the file is YAML, but not a map of settings" }), true)
  }
  const contents = decodeContents(parsed.success)
  if (Result.isFailure(contents)) {
    return miss(new Malformed({ why: `access_token in ${path} is not a text` }))
  }
  const accessToken = contents.success.access_token?.trim()
  if (accessToken === undefined || accessToken === "") {
    return miss(new NotFound({ what: `no access_token in ${path}` }))
  }
  const token = FlyToken.make(accessToken)
  // A token whose end is missing may be one that is just being written. Its soundness is not decided here.
  return { result: Result.succeed(token), maybeTorn: token.malformed !== undefined }
}
