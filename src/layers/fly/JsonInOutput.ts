/** The JSON that a program printed, among lines that are none: debug logs, a spinner, a notice, escape codes. */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { Portions } from "../../concurrency/Portions.ts"

/** Characters looked at in one portion. */
const scanLength = 64 * 1024

/** More characters than the pieces of a {@link Span} have, if they are not one member. */
const pieceLength = 128 * 1024

/** Deeper than what flyctl prints. Brackets around more than that are noise. */
const maxDepth = 64

/** With more JSON than that behind it, JSON is forgotten: who prints so much prints a log. */
const maxSpans = 100

/** Escape codes of a terminal: colours and movements; titles and links; the rest. */
const escapeCode =
  /\u001b(?:\[[0-?]{0,64}[ -/]{0,4}[@-~]|\][^\u0007\u001b\r\n]{0,4096}(?:\u0007|\u001b\\)?|[ -/]{0,4}[0-~])/y

const escapeCodes = new RegExp(escapeCode.source, "g")

const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y

const insideString = /[^"\\\u0000-\u001f]{1,4096}|\\[^\u0000-\u001f]/y

const lineEnd = /[\r\n\u001b]/g

/** What may come next, by its first character; a zero stands for every scalar. */
const value = "{[\"0"
const valueOrEnd = `${value}]`
const key = "\""
const keyOrEnd = `${key}}`

const none: ReadonlyArray<never> = []

/** An object or an array that begins a line, and whose brackets, strings and commas are as JSON has them. */
interface Span {
  readonly isObject: boolean
  /** The opening bracket; `end` is behind the closing one. */
  readonly start: number
  readonly end: number
  /** Commas between members that part it into pieces of at most `pieceLength`, or of one member. */
  readonly cuts: ReadonlyArray<number>
}

/** A bracket that is open. */
interface Level {
  readonly isObject: boolean
  /** Where it is; -1 if it does not begin a line. */
  readonly start: number
  /** The last cut, and the last comma. */
  cut: number
  comma: number
  cuts: ReadonlyArray<number>
}

/** At the end of a member: cuts before it, if what stands since the last cut got too long by it. */
const part = (level: Level, end: number): void => {
  if (end - level.cut > pieceLength && level.comma > level.cut) {
    level.cuts = [...level.cuts, level.comma]
    level.cut = level.comma
  }
  level.comma = end
}

/**
 * Finds the JSON of a text in one pass.
 *
 * A bracket of noise is given up where the text stops being JSON, together with all brackets around that place; what was
 * complete within them counts. So no place is looked at twice, and noise around an answer does not hide it.
 */
export class Scanner {
  /** None of them is within another. */
  readonly spans: Array<Span> = []
  readonly #text: string
  #at = 0
  #levels: Array<Level> = []
  #expected = ""
  #inString = false
  #beginsLine = true

  constructor(text: string) {
    this.#text = text
  }

  /** Reads on by so many characters; answers whether that was the end of the text. */
  scan(characters: number): boolean {
    const to = Math.min(this.#text.length, this.#at + characters)
    while (this.#at < to) {
      if (this.#inString) this.#stepInString()
      else this.#step()
    }
    return this.#at >= this.#text.length
  }

  #step(): void {
    const start = this.#at
    const character = this.#text.charAt(start)
    if (character === "\u001b") return this.#skipEscapeCode()
    if (character === " " || character === "\t" || character === "\n" || character === "\r") {
      if (character === "\n" || character === "\r") this.#beginsLine = true
      this.#at++
      return
    }
    const begins = this.#beginsLine
    this.#beginsLine = false
    const kind = this.#skip(scalar) ? "0" : character
    if (kind !== "0") this.#at++
    const isOpening = kind === "{" || kind === "["
    if (!this.#expected.includes(kind)) {
      this.#levels = []
      if (!isOpening || !begins) return this.#skipLine()
    }
    const level = this.#levels.at(-1)
    if (isOpening) this.#open(kind === "{", start, begins)
    else if (kind === ":") this.#expected = value
    else if (kind === "0") this.#expected = this.#afterValue
    else if (kind === "\"") {
      this.#inString = true
      this.#expected = this.#expected.includes("{") ? this.#afterValue : ":"
    } else if (level !== undefined) {
      part(level, start)
      if (kind === ",") this.#expected = level.isObject ? key : value
      else this.#close(level, start)
    }
  }

  #stepInString(): void {
    if (this.#skip(insideString)) return
    this.#inString = false
    if (this.#text.charAt(this.#at) === "\"") {
      this.#at++
    } else {
      this.#levels = []
      this.#skipLine()
    }
  }

  #open(isObject: boolean, bracket: number, begins: boolean): void {
    if (this.#levels.length === maxDepth) this.#levels = []
    this.#levels.push({ isObject, start: begins ? bracket : -1, cut: bracket, comma: bracket, cuts: none })
    this.#expected = isObject ? keyOrEnd : valueOrEnd
  }

  #close({ cuts, isObject, start }: Level, bracket: number): void {
    const { spans } = this
    this.#levels.pop()
    if (start !== -1) {
      while (spans.length > 0 && spans.at(-1)!.start > start) spans.pop()
      spans.push({ isObject, start, end: bracket + 1, cuts })
      if (spans.length > 2 * maxSpans) spans.splice(0, maxSpans)
    }
    this.#expected = this.#afterValue
    if (this.#levels.length === 0) this.#skipLine()
  }

  get #afterValue(): string {
    const level = this.#levels.at(-1)
    return level === undefined ? "" : level.isObject ? ",}" : ",]"
  }

  /** Reads on behind what a pattern finds here, if it does. */
  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at
    if (!pattern.test(this.#text)) return false
    this.#at = pattern.lastIndex
    return true
  }

  #skipEscapeCode(): void {
    if (!this.#skip(escapeCode)) this.#at++
    // One that is no colour moves the cursor or clears the line, as a spinner's last.
    else if (this.#text.charAt(this.#at - 1) !== "m") this.#beginsLine = true
  }

  /** No bracket is open: only one that begins a line may come. */
  #skipLine(): void {
    this.#expected = ""
    lineEnd.lastIndex = this.#at
    this.#at = lineEnd.test(this.#text) ? lineEnd.lastIndex - 1 : this.#text.length
  }
}

function* spansOf(text: string, isObject: boolean): Portions<ReadonlyArray<Span>> {
  const scanner = new Scanner(text)
  while (!scanner.scan(scanLength)) yield
  return scanner.spans.filter((span) => span.isObject === isObject).toReversed()
}

const parse = (json: string): unknown =>
  Result.getOrUndefined(Result.try(() => JSON.parse(json.replace(escapeCodes, "")) as unknown))

/** What is taken of a span, piece by piece; `undefined` if one of them is none, or is not taken. */
function* takenFrom<A>(
  text: string,
  { cuts, end, isObject, start }: Span,
  take: (piece: object) => ReadonlyArray<A> | undefined
): Portions<ReadonlyArray<A> | undefined> {
  const all: Array<A> = []
  let from = start
  for (const to of [...cuts, end - 1]) {
    const inner = text.slice(from + 1, to)
    from = to
    const isLong = inner.length > pieceLength
    // One member that is so long: not one that anybody asks for.
    if (isLong && isObject) continue
    const piece = isLong ? undefined : parse(isObject ? `{${inner}}` : `[${inner}]`)
    const taken = typeof piece === "object" && piece !== null ? take(piece) : undefined
    if (taken === undefined) return undefined
    for (const each of taken) all.push(each)
    yield
  }
  return all
}

/** The last object that begins a line and that `decode` takes. A member of more than 128 KiB is left out. */
export function* lastObject<A>(
  text: string,
  decode: (object: unknown) => Option.Option<A>
): Portions<Option.Option<A>> {
  for (const span of yield* spansOf(text, true)) {
    const members = yield* takenFrom<[string, unknown]>(text, span, Object.entries)
    const decoded = members === undefined ? Option.none() : decode(Object.fromEntries(members))
    if (Option.isSome(decoded)) return decoded
  }
  return Option.none()
}

/** The last array that begins a line and whose elements `decode` takes; it is called with portions of them. */
export function* lastArray<A>(
  text: string,
  decode: (rows: unknown) => Option.Option<ReadonlyArray<A>>
): Portions<Option.Option<ReadonlyArray<A>>> {
  for (const span of yield* spansOf(text, false)) {
    const rows = yield* takenFrom(text, span, (piece) => Option.getOrUndefined(decode(piece)))
    if (rows !== undefined) return Option.some(rows)
  }
  return Option.none()
}
