/** Settings out of a YAML text as Go's parser, flyctl's, reads them, whatever else is in it. */
import * as Result from "effect/Result"
import { Composer, CST, type Document, isAlias, isMap, isScalar, isSeq, Lexer, Parser, visit, type YAMLMap } from "yaml"
import type { Portions } from "../../concurrency/Portions.ts"

/** Why a text has no settings. */
export type Why =
  | "the file is not YAML"
  | "a key stands there twice"
  | "a merge key (<<) in it names no map"
  | "there is more in it than can be read"

const notYaml: Why = "the file is not YAML"
const tooMuch: Why = "there is more in it than can be read"

/** Words, marks and spaces that are parsed in one portion. */
const portion = 500

/** Of that many the parser makes a whole document within a portion. Of a longer one it gets what is asked for. */
const maxLexemes = 4_000

const maxDepth = 1_000

const maxDirectives = 10

/** Finding what an alias means takes a walk through the document. */
const maxMerged = 100

interface FirstDocument {
  readonly before: ReadonlyArray<CST.Token>
  readonly document: CST.Document
  readonly isLong: boolean
}

/** flyctl reads the first document only: what stands in the next one does not matter. */
function* firstDocument(text: string): Portions<Result.Result<FirstDocument | undefined, Why>> {
  const parser = new Parser()
  const before: Array<CST.Token> = []
  let lexemes = 0
  let first: FirstDocument | undefined
  /** Why it is given up, or that it is complete. */
  const take = (tokens: Iterable<CST.Token>): Why | "complete" | undefined => {
    for (const token of tokens) {
      if (token.type === "error") return notYaml
      if (first !== undefined && (token.type === "document" || token.type === "doc-end")) return "complete"
      if (token.type === "document") first = { before, document: token, isLong: lexemes > maxLexemes }
      if (token.type === "directive" && before.push(token) > maxDirectives) return notYaml
    }
    return undefined
  }
  const ended = (end: Why | "complete" | undefined) =>
    end === "complete" || end === undefined ? Result.succeed(first) : Result.fail(end)
  for (const lexeme of new Lexer().lex(text)) {
    const end = take(parser.next(lexeme))
    if (end !== undefined) return ended(end)
    if (parser.stack.length > maxDepth) return Result.fail(tooMuch)
    if (++lexemes % portion === 0) yield
  }
  return ended(take(parser.end()))
}

type Item = CST.CollectionItem

const keyOf = ({ key }: Item): string | undefined =>
  key != null && CST.isScalar(key) ? CST.resolveAsScalar(key)?.value : undefined

const isAnchored = ({ sep }: Item): boolean => sep?.some(({ type }) => type === "anchor") === true

/** How many tokens there are, counted to `limit`. */
const sizeOf = (token: CST.Token | null | undefined, limit: number): number => {
  if (token == null) return 0
  if (!("items" in token)) return 1
  let size = 1
  for (const { key, sep, start, value } of token.items) {
    if (size > limit) return size
    size += start.length + (sep?.length ?? 0) + sizeOf(key, limit - size) + sizeOf(value, limit - size)
  }
  return size
}

/** Leaves in a long document what is wanted, and what it may refer to. */
const prune = ({ value }: CST.Document, wanted: ReadonlySet<string>): Why | undefined => {
  if (value?.type !== "block-map" && value?.type !== "flow-collection") return undefined
  const seen = new Set<string>()
  const items: Array<Item> = []
  for (const item of value.items) {
    const key = keyOf(item)
    if (key !== undefined && seen.size === seen.add(key).size) return "a key stands there twice"
    if (key === "<<" || isAnchored(item) || (key !== undefined && wanted.has(key))) items.push(item)
  }
  value.items = items as typeof value.items
  return sizeOf(value, maxLexemes) > maxLexemes ? tooMuch : undefined
}

/** Go's parser refuses a key that comes twice, in every map. The library compares each key with all others. */
const hasKeyTwice = (document: Document.Parsed): boolean => {
  let found = false
  visit(document, {
    Map: (_, { items }) => {
      const keys = items.flatMap(({ key }) => isScalar(key) ? [key.source ?? String(key.value)] : [])
      found ||= new Set(keys).size < keys.length
      return found ? visit.BREAK : undefined
    }
  })
  return found
}

const isMergeKey = (key: unknown): boolean => isScalar(key) && key.value === "<<" && key.type === "PLAIN"

/** The maps that a merge key names, the first one first: one, or a list of them. */
const mergedMaps = (value: unknown, document: Document.Parsed): ReadonlyArray<YAMLMap> | undefined => {
  const node = isAlias(value) ? value.resolve(document) : value
  if (isMap(node)) return [node]
  if (!isSeq(node) || node.items.length > maxMerged) return undefined
  const maps = node.items.map((item) => isAlias(item) ? item.resolve(document) : item)
  return maps.every((each) => isMap(each)) ? maps : undefined
}

/** The node of a key, its own or one that was merged: own ones win, then earlier ones. */
const nodeOf = (
  map: YAMLMap,
  name: string,
  document: Document.Parsed,
  visited = new Set<YAMLMap>()
): Result.Result<unknown, Why> => {
  // Looked at before, without finding it.
  if (visited.has(map)) return Result.succeed(undefined)
  visited.add(map)
  if (visited.size > maxMerged) return Result.fail(tooMuch)
  const own = map.items.find(({ key }) => isScalar(key) && key.value === name)
  if (own !== undefined) return Result.succeed(own.value)
  for (const { value } of map.items.filter(({ key }) => isMergeKey(key))) {
    const maps = mergedMaps(value, document)
    if (maps === undefined) return Result.fail("a merge key (<<) in it names no map")
    for (const each of maps) {
      const found = nodeOf(each, name, document, visited)
      if (Result.isFailure(found) || found.success !== undefined) return found
    }
  }
  return Result.succeed(undefined)
}

/** The value of a text, a number or the like; what is a list or a map is no text, and not looked into. */
const plainValue = (node: unknown, document: Document.Parsed): Result.Result<unknown, Why> => {
  const found = isAlias(node) ? node.resolve(document) : node
  if (found === undefined) return Result.fail(notYaml)
  return Result.succeed(isScalar(found) ? found.value : found === null ? null : {})
}

const settingsOf = (
  { before, document: token, isLong }: FirstDocument,
  names: ReadonlySet<string>
): Result.Result<Record<string, unknown> | undefined, Why> => {
  const why = isLong ? prune(token, names) : undefined
  if (why !== undefined) return Result.fail(why)
  if (isLong && token.value?.type !== "block-map" && token.value?.type !== "flow-collection") {
    return Result.succeed(undefined)
  }
  const composer = new Composer({ logLevel: "error", prettyErrors: false, uniqueKeys: false })
  const [document] = composer.compose([...before, token])
  if (document === undefined || document.errors.length > 0) return Result.fail(notYaml)
  if (!isMap(document.contents)) return Result.succeed(undefined)
  if (hasKeyTwice(document)) return Result.fail("a key stands there twice")
  const settings: Record<string, unknown> = {}
  for (const name of names) {
    const node = nodeOf(document.contents, name, document)
    if (Result.isFailure(node)) return Result.fail(node.failure)
    if (node.success === undefined) continue
    const plain = plainValue(node.success, document)
    if (Result.isFailure(plain)) return Result.fail(plain.failure)
    settings[name] = plain.success
  }
  return Result.succeed(settings)
}

/**
 * The settings of these names, if the text is YAML and a map; `undefined` if it is YAML and no map.
 *
 * **Details**
 *
 * The library takes some microseconds a word, and a text may have a hundred thousand of them: it is parsed in portions,
 * and of a long one only these settings are made values, so that mistakes within others are not seen.
 */
export function* read(
  text: string,
  names: ReadonlySet<string>
): Portions<Result.Result<Record<string, unknown> | undefined, Why>> {
  try {
    const first = yield* firstDocument(text)
    if (Result.isFailure(first)) return Result.fail(first.failure)
    return first.success === undefined ? Result.succeed(undefined) : settingsOf(first.success, names)
  } catch {
    // The library throws for some texts, or runs out of stack.
    return Result.fail(notYaml)
  }
}
