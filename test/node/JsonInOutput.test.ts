import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as fc from "fast-check"
import * as Portions from "../../src/concurrency/Portions.ts"
import * as JsonInOutput from "../../src/layers/fly/JsonInOutput.ts"

const decode = Schema.decodeUnknownOption(Schema.Struct({ token: Schema.String }))
const token = (text: string) => Option.getOrUndefined(Portions.atOnce(JsonInOutput.lastObject(text, decode)))?.token

const rows = Schema.decodeUnknownOption(Schema.Array(Schema.Number))
const numbers = (text: string) => Option.getOrUndefined(Portions.atOnce(JsonInOutput.lastArray(text, rows)))

const answer = "{\n    \"token\": \"a\"\n}\n"
const mebibyte = 1024 * 1024

describe("JSON in what a program printed", () => {
  const around: Record<string, string> = {
    "nothing": answer,
    "on one line": "{\"token\":\"a\"}",
    "lines of a log": `DEBUG got {"token"\n[debug] x\n${answer}done [1] {}\n`,
    "a notice behind it": `${answer}Update available 0.4.87 -> v0.4.88.\n`,
    "a notice on its line": "{\"token\":\"a\"}Update available",
    "a log that is JSON, behind it": `${answer}{"level":"info","msg":"done"}\n["x"]\n`,
    "a spinner": `\r⠋ Minting\r⠙ Minting\r\u001b[K${answer}`,
    "a spinner on its line": "\u001b[?25l⠋ Minting\u001b[2K\u001b[?25h{\"token\":\"a\"}",
    "colours": "\u001b[32m{\n  \u001b[1;34m\"token\"\u001b[0m: \"a\"\n}\u001b[0m\n",
    "a title and a link": "\u001b]0;flyctl\u0007\u001b]8;;https://fly.io\u001b\\docs\u001b]8;;\u001b\\\n" + answer,
    "a bracket that stays open": `[....\n{\n[ {\n${answer}`,
    "a bracket that is closed behind it": `[...\n${answer}]\n`,
    "a quote that stays open": `{"it's\n${answer}`,
    "JSON that is cut off": `{"token": tru\n${answer}{"token":`,
    "JSON with a comma too many": `{"token":"b",}\n${answer}`,
    "more brackets than anybody nests": `${"[\n".repeat(100)}${answer}`,
    "carriage returns": answer.replaceAll("\n", "\r\n")
  }
  for (const [what, text] of Object.entries(around)) {
    it(`is found with ${what} around it`, () => assert.strictEqual(token(text), "a"))
  }

  it("is the last that fits", () => {
    assert.strictEqual(token(`{"token":"b"}\n${answer}{"other":1}`), "a")
    assert.strictEqual(token(answer + answer.replace("\"a\"", "\"b\"")), "b")
  })

  it("is not what stands in a line, within other JSON, or in a text", () => {
    for (
      const text of [
        "x {\"token\":\"a\"}",
        `[\n${answer}]`,
        `{"a":\n${answer}}`,
        "{\"b\":\"{\\\"token\\\":\\\"a\\\"}\"}"
      ]
    ) {
      assert.isUndefined(token(text), text)
    }
  })

  it("is read as JSON.parse reads it, whatever it is", () => {
    const same = (value: unknown) => Option.some(value)
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 })),
        fc.constantFrom(0, 4),
        (object, indent) => {
          const json = JSON.stringify(object, null, indent)
          const found = Portions.atOnce(JsonInOutput.lastObject(`[noise\n${json}\nnoise}`, same))
          assert.deepStrictEqual(Option.getOrThrow(found), JSON.parse(json))
        }
      )
    )
  })

  it("that is long is read in pieces: an array whole, an object without what is too long", () => {
    const many = Array.from({ length: 200_000 }, (_, n) => n)
    assert.deepStrictEqual(numbers(JSON.stringify(many, null, 4)), many)
    assert.isUndefined(numbers(JSON.stringify([...many, "x"])))
    const long = { before: 1, machines: many, token: "a" }
    assert.strictEqual(token(JSON.stringify(long)), "a")
    assert.strictEqual(token(JSON.stringify({ token: "a", machines: many }, null, 4)), "a")
  })

  it.effect("leaves room for others while it is read", () =>
    Effect.gen(function*() {
      let turns = 0
      const counting = Effect.forkChild(Effect.forever(Effect.andThen(Effect.sync(() => turns++), Effect.yieldNow)))
      yield* counting
      yield* Portions.inPortions(() => JsonInOutput.lastArray("1,\n".repeat(mebibyte), rows))
      assert.isAbove(turns, 10)
    }))

  describe("of hostile size", () => {
    const size = mebibyte
    const fill = (text: string) => text.repeat(Math.ceil(size / text.length))
    const hostile: Record<string, string> = {
      "lines that begin with a bracket": fill("[\n"),
      "lines that begin with a key": fill("{\"a\":\n"),
      "lines of small JSON": fill("[]\n"),
      "open brackets": fill("["),
      "brackets around nothing": "[".repeat(size / 2) + "]".repeat(size / 2),
      "quotes that stay open": fill("[\"\n"),
      "escape codes": fill("\u001b[m"),
      "an escape code without an end": `\u001b[${fill("0")}`,
      "a long text": `["${fill("x")}"]`,
      "a long number": `[${fill("1")}]`
    }
    for (const [what, text] of Object.entries(hostile)) {
      it(`is passed over in one pass: ${what}`, () => {
        const scanner = new JsonInOutput.Scanner(text)
        let portions = 1
        while (!scanner.scan(64 * 1024)) portions++
        assert.isAtMost(portions, text.length / (64 * 1024) + 1)
        assert.isAtMost(scanner.spans.length, 200)
        assert.isUndefined(token(text))
      })
    }
  })
})
