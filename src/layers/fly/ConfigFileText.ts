/**
 * What the text of flyctl's `config.yml` says. A module of its own, loaded with the YAML parser when there is a text.
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Portions } from "../../concurrency/Portions.ts"
import type { ConfigFileReason } from "../../services/ConfigFile.ts"
import { Malformed, NotFound, Unreadable } from "../../services/MissReason.ts"
import { FlyToken } from "../../token/FlyToken.ts"
import * as YamlSettings from "./YamlSettings.ts"

const Contents = Schema.Struct({ access_token: Schema.optionalKey(Schema.NullOr(Schema.String)) })
const decodeContents = Schema.decodeUnknownResult(Contents)

/** What one look at the file gave. */
export interface Read {
  readonly result: Result.Result<FlyToken, ConfigFileReason>
  /** Whether a file that is half written may look like that. */
  readonly maybeTorn: boolean
}

const miss = (reason: ConfigFileReason, maybeTorn = false): Read => ({ result: Result.fail(reason), maybeTorn })

/** What is read of the file. */
const names = new Set(["access_token", "last_login"])

const decodeLastLogin = Schema.decodeUnknownOption(Schema.Struct({ last_login: Schema.String }))

/**
 * When a config file's text says that the last login was, in epoch milliseconds; `null` if it does not say. Go writes
 * the year 1 for never.
 *
 * @internal
 */
export function* lastLogin(text: string): Portions<number | null> {
  const parsed = yield* YamlSettings.read(text, names)
  const found = Result.isSuccess(parsed) ? decodeLastLogin(parsed.success) : Option.none()
  const millis = Option.isSome(found) ? Date.parse(found.value.last_login) : Number.NaN
  return millis > 0 ? millis : null
}

/**
 * What a config file's text says, decided without looking at the file again.
 *
 * @internal
 */
export function* interpret(text: string, path: string): Portions<Read> {
  if (text.trim() === "") return miss(new Unreadable({ path, why: "the file is empty" }), true)
  const parsed = yield* YamlSettings.read(text, names)
  if (Result.isFailure(parsed)) return miss(new Unreadable({ path, why: parsed.failure }), true)
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
