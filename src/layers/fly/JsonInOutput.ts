/** The JSON that a program printed, among lines that are none: debug logs, a spinner, a notice, escape codes. */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { Portions } from "../../concurrency/Portions.ts"
import * as JsonSpans from "./JsonSpans.ts"

/** Characters looked at in one portion. */
const scanLength = 64 * 1024

function* spansOf(text: string): Portions<ReadonlyArray<JsonSpans.Span>> {
  const scanner = JsonSpans.make(text)
  while (!scanner.scan(scanLength)) yield
  return scanner.spans
}

/** The pieces of a span, without its brackets and the commas between them. */
const piecesOf = (text: string, { cuts, end, start }: JsonSpans.Span): ReadonlyArray<string> => {
  const bounds = [start, ...cuts, end - 1]
  return bounds.slice(1).map((bound, index) => text.slice(bounds[index]! + 1, bound))
}

const parse = (json: string): unknown =>
  Result.getOrUndefined(Result.try(() => JSON.parse(json.replace(JsonSpans.escapeCodes, "")) as unknown))

function* objectAt(text: string, span: JsonSpans.Span): Portions<object | undefined> {
  const members: Array<[string, unknown]> = []
  for (const piece of piecesOf(text, span)) {
    // One member that is so long: not one that anybody asks for.
    if (piece.length > JsonSpans.pieceLength) continue
    const some = parse(`{${piece}}`)
    if (typeof some !== "object" || some === null) return undefined
    for (const member of Object.entries(some)) members.push(member)
    yield
  }
  return Object.fromEntries(members)
}

function* rowsAt<A>(text: string, span: JsonSpans.Span, decode: DecodeRows<A>): Portions<ReadonlyArray<A> | undefined> {
  const rows: Array<A> = []
  for (const piece of piecesOf(text, span)) {
    const some = piece.length > JsonSpans.pieceLength ? undefined : parse(`[${piece}]`)
    const decoded = some === undefined ? Option.none() : decode(some)
    if (Option.isNone(decoded)) return undefined
    for (const row of decoded.value) rows.push(row)
    yield
  }
  return rows
}

export type DecodeRows<A> = (rows: unknown) => Option.Option<ReadonlyArray<A>>

/** The last object that begins a line and that `decode` takes. A member of more than 128 KiB is left out. */
export function* lastObject<A>(
  text: string,
  decode: (object: unknown) => Option.Option<A>
): Portions<Option.Option<A>> {
  for (const span of (yield* spansOf(text)).toReversed()) {
    const object = span.isObject ? yield* objectAt(text, span) : undefined
    const decoded = object === undefined ? Option.none() : decode(object)
    if (Option.isSome(decoded)) return decoded
  }
  return Option.none()
}

/** The last array that begins a line and whose elements `decode` takes; it is called with portions of them. */
export function* lastArray<A>(text: string, decode: DecodeRows<A>): Portions<Option.Option<ReadonlyArray<A>>> {
  for (const span of (yield* spansOf(text)).toReversed()) {
    const rows = span.isObject ? undefined : yield* rowsAt(text, span, decode)
    if (rows !== undefined) return Option.some(rows)
  }
  return Option.none()
}
