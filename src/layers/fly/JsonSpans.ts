/** Where JSON stands in a text that is not all JSON, found in one pass. */

/** An object or an array that begins a line, and whose brackets, strings and commas are as JSON has them. */
export interface Span {
  readonly isObject: boolean
  /** The opening bracket. */
  readonly start: number
  /** Behind the closing bracket. */
  readonly end: number
  /** Commas between members that part it into pieces of at most `pieceLength`, or of one member. */
  readonly cuts: ReadonlyArray<number>
}

/** More characters than the pieces of a {@link Span} have, if they are not one member. */
export const pieceLength = 128 * 1024

/** Deeper than what flyctl prints. Brackets around more than that are noise. */
const maxDepth = 64

/** With more JSON than that behind it, JSON is forgotten: who prints so much prints a log. */
const maxSpans = 100

/** Escape codes of a terminal: colours and movements; titles and links; the rest. */
const escapeCode =
  /\u001b(?:\[[0-?]{0,64}[ -/]{0,4}[@-~]|\][^\u0007\u001b\r\n]{0,4096}(?:\u0007|\u001b\\)?|[ -/]{0,4}[0-~])/y

/** Every escape code of a text. */
export const escapeCodes = new RegExp(escapeCode.source, "g")

const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y

const lineEnd = /[\r\n\u001b]/g

/** What may come next, as bits. Nothing: no bracket is open. */
const value = 1
const key = 2
const colon = 4
const comma = 8
const close = 16

interface Level {
  /** Where the bracket is; -1 if it does not begin a line. */
  start: number
  isObject: boolean
  /** The last cut, and the last comma. */
  cut: number
  comma: number
  cuts: Array<number>
}

/** Reads on by so many characters; answers whether that was the end of the text. */
export interface Scanner {
  readonly scan: (characters: number) => boolean
  /** What was found so far, the last one last. None of them is within another. */
  readonly spans: ReadonlyArray<Span>
}

/**
 * **Details**
 *
 * A bracket of noise is given up where the text stops being JSON, together with all brackets around that place; what was
 * complete within them counts. So no place is looked at twice, and noise around an answer does not hide it.
 */
export const make = (text: string): Scanner => {
  const spans: Array<Span> = []
  const levels = Array.from(
    { length: maxDepth },
    (): Level => ({ start: -1, isObject: false, cut: 0, comma: 0, cuts: [] })
  )
  let at = 0
  let depth = 0
  /** Levels below this one were overwritten. */
  let floor = 0
  let expected = 0
  let inString = false
  let beginsLine = true

  const levelOf = (depth: number): Level => levels[depth % maxDepth]!

  const giveUp = () => {
    depth = floor = expected = 0
    inString = false
  }

  const open = (isObject: boolean) => {
    if ((expected & value) === 0) giveUp()
    if (depth === 0 && !beginsLine) return
    const level = levelOf(depth)
    level.start = beginsLine ? at : -1
    level.isObject = isObject
    level.cut = level.comma = at
    if (level.cuts.length > 0) level.cuts = []
    depth++
    if (depth - floor > maxDepth) floor = depth - maxDepth
    expected = isObject ? key | close : value | close
  }

  const shut = (isObject: boolean) => {
    const level = levelOf(depth - 1)
    if ((expected & close) === 0 || level.isObject !== isObject) return giveUp()
    part(level)
    if (level.start !== -1) {
      while (spans.length > 0 && spans[spans.length - 1]!.start > level.start) spans.pop()
      spans.push({ isObject, start: level.start, end: at + 1, cuts: level.cuts })
      if (spans.length > 2 * maxSpans) spans.splice(0, maxSpans)
    }
    depth--
    if (depth === floor) giveUp()
    else expected = comma | close
  }

  /** At the end of a member: cuts before it, if what stands since the last cut got too long by it. */
  const part = (level: Level) => {
    if (at - level.cut > pieceLength && level.comma > level.cut) {
      level.cuts.push(level.comma)
      level.cut = level.comma
    }
    level.comma = at
  }

  const next = () => {
    const level = levelOf(depth - 1)
    part(level)
    expected = level.isObject ? key : value
  }

  const inside = (character: number) => {
    if (character === 0x22) {
      inString = false
      expected = expected === key ? colon : comma | close
    } else if (character < 0x20) return giveUp()
    else if (character === 0x5c && text.charCodeAt(at + 1) >= 0x20) at++
    at++
  }

  const skipLine = () => {
    lineEnd.lastIndex = at
    at = lineEnd.test(text) ? lineEnd.lastIndex - 1 : text.length
  }

  const skipEscapeCode = () => {
    escapeCode.lastIndex = at
    if (!escapeCode.test(text)) {
      at++
      return
    }
    at = escapeCode.lastIndex
    // One that is no colour moves the cursor or clears the line, as a spinner's last.
    if (text.charCodeAt(at - 1) !== 0x6d) beginsLine = true
  }

  const readScalar = () => {
    scalar.lastIndex = at
    if ((expected & value) === 0 || !scalar.test(text)) {
      giveUp()
      return skipLine()
    }
    at = scalar.lastIndex
    expected = comma | close
  }

  const step = (character: number) => {
    switch (character) {
      case 0x0a:
      case 0x0d:
        beginsLine = true
        at++
        return
      case 0x20:
      case 0x09:
        at++
        return
      case 0x1b:
        return skipEscapeCode()
      case 0x7b:
      case 0x5b:
        open(character === 0x7b)
        break
      case 0x7d:
      case 0x5d:
        if (depth > 0) shut(character === 0x7d)
        break
      case 0x22:
        if ((expected & (value | key)) === 0) giveUp()
        else {
          inString = true
          expected = (expected & key) === 0 ? value : key
        }
        break
      case 0x2c:
        if (expected & comma) next()
        else giveUp()
        break
      case 0x3a:
        if (expected === colon) expected = value
        else giveUp()
        break
      default:
        beginsLine = false
        return readScalar()
    }
    beginsLine = false
    at++
    if (depth === 0) skipLine()
  }

  return {
    spans,
    scan: (characters) => {
      const to = Math.min(text.length, at + characters)
      for (;;) {
        if (at >= to) return at >= text.length
        const character = text.charCodeAt(at)
        if (inString) inside(character)
        else step(character)
      }
    }
  }
}
