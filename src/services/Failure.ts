/** Errors and reasons as schema classes whose texts are made of their fields. */
import type * as Cause from "effect/Cause"
import * as Schema from "effect/Schema"
import { shown } from "../token/Redaction.ts"

/** A text, or its lines. What is from outside in it is made fit to print. */
type Text = string | ReadonlyArray<string>

/**
 * The base of an error class: a message, and for a reason a hint, each fixed or made of the fields. Node prints an error
 * with its message and stack, which Effect's own form leaves out, and a reason as the value that it is.
 */
export const failure =
  <Self>() =>
  <Tag extends string, const Fields extends Schema.Struct.Fields, Name extends "message" | "hint">(
    tag: Tag,
    fields: Fields,
    texts: { readonly [N in Name]: Text | ((error: Schema.Struct<Fields>["Type"]) => Text) }
  ) => {
    const base = Schema.TaggedError<Error>()(tag, fields)
    for (const [name, text] of Object.entries<(typeof texts)[Name]>(texts)) {
      Object.defineProperty(base.prototype, name, {
        get(this: Schema.Struct<Fields>["Type"]) {
          const said: Text = typeof text === "function" ? text(this) : text
          return typeof said === "string" ? shown(said) : said.map(shown).join("\n")
        }
      })
    }
    if (!("hint" in texts)) {
      Object.defineProperty(base.prototype, Symbol.for("nodejs.util.inspect.custom"), {
        value(this: Error) {
          return this.stack ?? this.toString()
        }
      })
    }
    return base as unknown as Schema.Class<
      Self,
      Schema.TaggedStruct<Tag, Fields>,
      Cause.YieldableError & { readonly [N in Name]: string }
    >
  }
