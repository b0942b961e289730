/**
 * What the text of flyctl's `config.yml` says, as Go's parser reads it, whatever else is in it. A module of its own, loaded
 * with the YAML parser when there is a text.
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Composer, CST, type Document, isAlias, isMap, isScalar, isSeq, Lexer, Parser, visit, type YAMLMap } from "yaml"
import type { Portions } from "../../concurrency/Portions.ts"
import type { ConfigFileReason } from "../../services/ConfigFile.ts"
import { Malformed, NotFound, Unreadable } from "../../services/MissReason.ts"
import { FlyToken } from "../../token/FlyToken.ts"

const decodeContents = Schema.decodeUnknownResult(
  Schema.Struct({ access_token: Schema.optionalKey(Schema.NullOr(Schema.String)) })
)
const decodeLastLogin = Schema.decodeUnknownOption(Schema.Struct({ last_login: Schema.String }))

/** What is read of the file. */
const wanted: ReadonlySet<string> = new Set(["access_token", "last_login"])

const notYaml = "the file is not YAML"
const keyTwice = "a key stands there twice"
const tooMuch = "there is more in it than can be read"

/** Words, marks and spaces that are parsed in one portion. */
const portion = 500

/** Of that many the parser makes a whole document within a portion. Of a longer one it gets what is asked for. */
const maxLexemes = 4_000

const maxDepth = 1_000

const maxDirectives = 10

/** Finding what an alias means takes a walk through the document. */
const maxMerged = 100

interface FirstDocument {
  readonly directives: ReadonlyArray<CST.Token>
  readonly document: CST.Document
  readonly isLong: boolean
}

/** flyctl reads the first document only: what stands in the next one does not matter. */
function* firstDocument(text: string): Portions<Result.Result<FirstDocument | undefined, string>> {
  const parser = new Parser()
  const directives: Array<CST.Token> = []
  let lexemes = 0
  let first: FirstDocument | undefined
  /** Why it is given up, or that it is complete. */
  const take = (tokens: Iterable<CST.Token>): Result.Result<FirstDocument | undefined, string> | undefined => {
    for (const token of tokens) {
      if (token.type === "error") return Result.fail(notYaml)
      if (first !== undefined && (token.type === "document" || token.type === "doc-end")) return Result.succeed(first)
      if (token.type === "document") first = { directives, document: token, isLong: lexemes > maxLexemes }
      if (token.type === "directive" && directives.push(token) > maxDirectives) return Result.fail(notYaml)
    }
    return undefined
  }
  for (const lexeme of new Lexer().lex(text)) {
    const end = take(parser.next(lexeme))
    if (end !== undefined) return end
    if (parser.stack.length > maxDepth) return Result.fail(tooMuch)
    if (++lexemes % portion === 0) yield
  }
  return take(parser.end()) ?? Result.succeed(first)
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
const prune = (map: CST.BlockMap | CST.FlowCollection): Result.Result<void, string> => {
  const seen = new Set<string>()
  const items: Array<Item> = []
  for (const item of map.items) {
    const key = keyOf(item)
    if (key !== undefined && seen.size === seen.add(key).size) return Result.fail(keyTwice)
    if (key === "<<" || isAnchored(item) || (key !== undefined && wanted.has(key))) items.push(item)
  }
  map.items = items as typeof map.items
  return sizeOf(map, maxLexemes) > maxLexemes ? Result.fail(tooMuch) : Result.void
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

const dereferenced = (node: unknown, document: Document.Parsed): unknown =>
  isAlias(node) ? node.resolve(document) : node

/** The maps that a merge key names, the first one first: one, or a list of them. */
const mergedMaps = (value: unknown, document: Document.Parsed): Result.Result<ReadonlyArray<YAMLMap>, string> => {
  const node = dereferenced(value, document)
  const nodes = isSeq(node) && node.items.length <= maxMerged ? node.items : [node]
  const maps = nodes.map((each) => dereferenced(each, document))
  return maps.every((each) => isMap(each)) ? Result.succeed(maps) : Result.fail("a merge key (<<) in it names no map")
}

/** The node of a key, its own or one that was merged: own ones win, then earlier ones. */
const nodeOf = (
  map: YAMLMap,
  name: string,
  document: Document.Parsed,
  visited = new Set<YAMLMap>()
): Result.Result<unknown, string> =>
  Result.gen(function*() {
    // Looked at before, without finding it.
    if (visited.has(map)) return undefined
    visited.add(map)
    if (visited.size > maxMerged) return yield* Result.fail(tooMuch)
    const own = map.items.find(({ key }) => isScalar(key) && key.value === name)
    if (own !== undefined) return own.value
    for (const { value } of map.items.filter(({ key }) => isMergeKey(key))) {
      for (const each of yield* mergedMaps(value, document)) {
        const found = yield* nodeOf(each, name, document, visited)
        if (found !== undefined) return found
      }
    }
    return undefined
  })

const settingsOf = (
  { directives, document: token, isLong }: FirstDocument
): Result.Result<Record<string, unknown> | undefined, string> =>
  Result.gen(function*() {
    if (isLong) {
      if (token.value?.type !== "block-map" && token.value?.type !== "flow-collection") return undefined
      yield* prune(token.value)
    }
    const composer = new Composer({ logLevel: "error", prettyErrors: false, uniqueKeys: false })
    const [document] = composer.compose([...directives, token])
    if (document === undefined || document.errors.length > 0) return yield* Result.fail(notYaml)
    if (!isMap(document.contents)) return undefined
    if (hasKeyTwice(document)) return yield* Result.fail(keyTwice)
    const settings: Record<string, unknown> = {}
    for (const name of wanted) {
      const node = yield* nodeOf(document.contents, name, document)
      if (node === undefined) continue
      const found = dereferenced(node, document)
      if (found === undefined) return yield* Result.fail(notYaml)
      // What is a list or a map is no text, and not looked into.
      settings[name] = isScalar(found) ? found.value : found === null ? null : {}
    }
    return settings
  })

/**
 * The settings that are wanted, if the text is YAML and a map; `undefined` if it is YAML and no map.
 *
 * The library takes some microseconds a word, and a text may have a hundred thousand of them: it is parsed in portions,
 * and of a long one only these settings are made values, so that mistakes within others are not seen.
 */
function* settingsIn(text: string): Portions<Result.Result<Record<string, unknown> | undefined, string>> {
  try {
    const first = yield* firstDocument(text)
    return Result.flatMap(first, (found) => found === undefined ? Result.succeed(undefined) : settingsOf(found))
  } catch {
    // The library throws for some texts, or runs out of stack.
    return Result.fail(notYaml)
  }
}

/**
 * When a config file's text says that the last login was, in epoch milliseconds; `null` if it does not say. Go writes
 * the year 1 for never.
 */
export function* lastLogin(text: string): Portions<number | null> {
  const settings = Result.getOrUndefined(yield* settingsIn(text))
  const millis = Option.match(decodeLastLogin(settings), {
    onNone: () => Number.NaN,
    onSome: ({ last_login }) => Date.parse(last_login)
  })
  return millis > 0 ? millis : null
}

/** What one look at the file gave. */
export interface Read {
  readonly result: Result.Result<FlyToken, ConfigFileReason>
  /** Whether a file that is half written may look like that. */
  readonly maybeTorn: boolean
}

const miss = (reason: ConfigFileReason): Read => ({ result: Result.fail(reason), maybeTorn: false })

/** What a config file's text says, decided without looking at the file again. */
export function* interpret(text: string, path: string): Portions<Read> {
  const torn = (why: string): Read => ({ result: Result.fail(new Unreadable({ path, why })), maybeTorn: true })
  if (text.trim() === "") return torn("the file is empty")
  const settings = yield* settingsIn(text)
  if (Result.isFailure(settings)) return torn(settings.failure)
  if (settings.success === undefined) return torn("the file is YAML, but not a map of settings")
  const contents = decodeContents(settings.success)
  if (Result.isFailure(contents)) return miss(new Malformed({ why: `access_token in ${path} is not a text` }))
  const accessToken = contents.success.access_token?.trim()
  if (accessToken === undefined || accessToken === "") return miss(new NotFound({ what: `no access_token in ${path}` }))
  const token = FlyToken.make(accessToken)
  // A token whose end is missing may be one that is just being written. Its soundness is not decided here.
  return { result: Result.succeed(token), maybeTorn: token.malformed !== undefined }
}
