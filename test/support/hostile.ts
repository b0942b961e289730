/**
 * A text with everything that a terminal or a reader may be deceived with, and a look for what is left of it.
 */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { expect } from "vitest"

const secret = "fo1_c2VjcmV0"

/** ESC and C1 sequences, line breaks of all kinds, marks of direction, what has no width, halves of characters. */
export const hostile =
  `a\u001b[31mb\u009b2Jc\u0085d\u007fe\u0000f\r\ng\u200eh\u200fi\u202aj\u202ek\u2066l\u2069m\u200bn\u200do\ufeffp\u2028q\u2029r\u00ads\u061ct\u00a0u\u3164v\ud800w\u{e0041}x ${secret} y`

const hidden =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u00ad\u061c\u3164\u{e0000}-\u{e007f}]|[\ud800-\udfff]/u

/** Colours of our own are not what is looked for. */
// oxlint-disable-next-line no-control-regex
const ours = /\u001b\[(?:0|1|2|3[0-9])m/g

export const expectVisible = (text: string): void => {
  const rest = text.replaceAll(ours, "")
  expect(hidden.exec(rest)?.[0].codePointAt(0)?.toString(16), JSON.stringify(rest)).toBeUndefined()
  expect(rest).not.toContain(secret)
}

/** The same value with the text in place of each that may be any text, in the fields of a schema class. */
export const poisoned = <A extends object>(sample: A): A => {
  const Class = sample.constructor as unknown as
    & { readonly fields: Readonly<Record<string, Schema.Top>> }
    & (new(fields: unknown) => A)
  const fields = Object.entries(Class.fields).filter(([name]) => name !== "_tag").map(([name, schema]) => {
    const is = Schema.is(schema as Schema.Codec<unknown>)
    const present: unknown = (sample as Record<string, unknown>)[name]
    if (Array.isArray(present) && present.every(isAttempt)) {
      return [name, present.map(({ reason, source }) => ({ source, reason: poisoned(reason) }))]
    }
    if (Predicate.hasProperty(present, "_tag")) return [name, poisoned(present)]
    const texts = [hostile, [hostile, hostile]]
    return [name, texts.find((text) => is(text)) ?? present]
  })
  return new Class(Object.fromEntries(fields))
}

const isAttempt = (value: unknown): value is { readonly source: string; readonly reason: object } =>
  Predicate.hasProperty(value, "reason")
