/**
 * Records as texts: whose they are, and that releases read each other's.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as RecordText from "../../src/services/RecordText.ts"

const content: RecordText.Content = {
  token: Redacted.make("fo1_x"),
  expiresAt: 5,
  source: "cli",
  savedAt: 1,
  fence: 3
}
const place = { key: "cached", name: "my-app" }
const json = (more: Record<string, unknown>) =>
  JSON.stringify({ version: 1, token: "fo1_x", expiresAt: 5, source: "cli", savedAt: 1, fence: 3, ...more })

describe("a record's text", () => {
  it("says of which place it is", () => {
    assert.deepStrictEqual(JSON.parse(Option.getOrThrow(RecordText.write(content, place))), JSON.parse(json(place)))
  })

  it.each<[string, Record<string, unknown>, RecordText.Reading["_tag"]]>([
    ["of this place", place, "Record"],
    ["that says no place, as the first release wrote it", {}, "Record"],
    ["of another name", { ...place, name: "other-app" }, "Misplaced"],
    ["of another key", { ...place, key: "manual" }, "Misplaced"],
    ["of another name, and no key", { name: "other-app" }, "Misplaced"],
    ["of a key that this release does not know", { ...place, key: "deploy" }, "Misplaced"],
    ["of a source that this release does not know", { ...place, source: "vault-2" }, "Record"],
    ["of what cannot be the name of a source", { ...place, source: "no name" }, "Corrupt"],
    ["whose name is none", { name: 5 }, "Corrupt"],
    ["without a token", { ...place, token: "" }, "Corrupt"],
    ["of a newer version, whatever its place", { name: "other-app", version: 2 }, "Newer"]
  ])("%s", (_, more, expected) => {
    assert.strictEqual(RecordText.read(json(more), place)._tag, expected)
  })

  it("is read by a release that knows no places", () => {
    const firstRelease = Schema.fromJsonString(Schema.Struct({
      version: Schema.Literal(1),
      token: Schema.RedactedFromValue(Schema.NonEmptyString),
      expiresAt: Schema.NullOr(Schema.Finite),
      source: Schema.Literals(["env", "storage", "config", "cli", "manual"]),
      savedAt: Schema.Finite,
      fence: Schema.optionalKey(Schema.Int)
    }))
    const text = Option.getOrThrow(RecordText.write(content, place))
    const { version, ...found } = Schema.decodeSync(firstRelease)(text)
    assert.strictEqual(version, 1)
    assert.strictEqual(Redacted.value(found.token), "fo1_x")
    assert.deepStrictEqual({ ...found, token: content.token }, content)
  })
})
