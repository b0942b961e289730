/** A record as the text that a store keeps: JSON that says its version, and of which place it is. */
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import { SourceName } from "./SourceName.ts"

const Millis = Schema.Finite.pipe(Schema.check(Schema.isBetween({ minimum: -8.64e15, maximum: 8.64e15 })))

const fields = {
  expiresAt: Schema.NullOr(Millis),
  source: SourceName,
  savedAt: Millis,
  fence: Schema.optionalKey(Schema.Int),
  org: Schema.optionalKey(Schema.String),
  login: Schema.optionalKey(Schema.String)
}

/**
 * A release that does not know `key` and `name` passes over them, so they came without another version; its records have
 * none.
 */
const RecordJson = Schema.fromJsonString(Schema.Struct({
  version: Schema.Literal(1),
  key: Schema.optionalKey(Schema.String),
  name: Schema.optionalKey(Schema.String),
  token: Schema.RedactedFromValue(Schema.NonEmptyString),
  ...fields
}))

const AnyVersion = Schema.fromJsonString(Schema.Struct({ version: Schema.Int }))

const decodeRecord = Schema.decodeUnknownOption(RecordJson)
const decodeVersion = Schema.decodeUnknownOption(AnyVersion)
const encodeRecord = Schema.encodeUnknownOption(RecordJson)

/** What a record holds, without its place. */
export type Content = Omit<typeof RecordJson.Type, "version" | "key" | "name">

/** Where a record belongs. */
export interface Place {
  readonly key: string
  readonly name: string
}

/** Whether a value, whoever made it, has the form of a record. */
export const isContent: (value: unknown) => value is Content = Schema.is(
  Schema.Struct({ token: Schema.Redacted(Schema.NonEmptyString), ...fields })
)

/**
 * What a text is that was found at a place. `Misplaced`: a record of another place, which was copied or moved there.
 */
export type Reading =
  | { readonly _tag: "Record"; readonly content: Content }
  | { readonly _tag: "Newer"; readonly version: number }
  | { readonly _tag: "Misplaced" }
  | { readonly _tag: "Corrupt" }

export const read = (text: string, place: Place): Reading => {
  const record = decodeRecord(text)
  if (Option.isNone(record)) {
    const version = Option.getOrUndefined(decodeVersion(text))?.version
    return version !== undefined && version > 1 ? { _tag: "Newer", version } : { _tag: "Corrupt" }
  }
  const { key = place.key, name = place.name, version: _, ...content } = record.value
  return key === place.key && name === place.name ? { _tag: "Record", content } : { _tag: "Misplaced" }
}

/** The record in a text, wherever it belongs. */
export const contentOf = (text: string): Content | undefined => Option.getOrUndefined(decodeRecord(text))

/** `None` for a content that is none: without a token, or with numbers that are none. */
export const write = (content: Content, { key, name }: Place): Option.Option<string> =>
  encodeRecord({ ...Record.filter<string, unknown>(content, (value) => value !== undefined), version: 1, key, name })
