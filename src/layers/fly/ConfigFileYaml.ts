/**
 * flyctl's `config.yml`.
 *
 * @since 0.1.0
 */
import * as ByteSize from "effect/ByteSize"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type Document, isAlias, isMap, isScalar, parseAllDocuments } from "yaml"
import { ConfigFile, type ConfigFileReason } from "../../services/ConfigFile.ts"
import { Environment } from "../../services/Environment.ts"
import { Malformed, NotFound, Unreadable } from "../../services/MissReason.ts"
import { FlyToken } from "../../token/FlyToken.ts"
import * as SingleFlight from "../SingleFlight.ts"
import { homeDirectory } from "./HomeDirectory.ts"

/** flyctl's own file has a few kilobytes. */
const maxBytes = ByteSize.mebibytes(1)

/** flyctl (v0.4.87) truncates and writes in place: what looks torn is read again before it is believed. */
const rereads = 3
const rereadAfter = Duration.millis(75)

const Contents = Schema.Struct({ access_token: Schema.optionalKey(Schema.NullOr(Schema.String)) })
const decodeContents = Schema.decodeUnknownResult(Contents)

/** Reasons that a file half written can have. */
interface Read {
  readonly result: Result.Result<FlyToken, ConfigFileReason>
  readonly maybeTorn: boolean
}

const miss = (reason: ConfigFileReason, maybeTorn = false): Read => ({ result: Result.fail(reason), maybeTorn })

/** The value of a text, a number or the like; what is a list or a map is no text, and not looked into. */
const plainValue = (node: unknown, document: Document.Parsed): Result.Result<unknown, "not YAML"> => {
  const found = isAlias(node) ? node.resolve(document) : node
  if (found === undefined) return Result.fail("not YAML")
  return Result.succeed(isScalar(found) ? found.value : found === null ? null : {})
}

/**
 * The settings that we look for, if the text is YAML and a map; `undefined` if it is YAML and no map.
 *
 * **Details**
 *
 * Only the map itself is looked at. `toJS` would write out the keys that are maps, and each key of their keys, over and
 * over, and the parser compares each key with all others (`uniqueKeys`): a file that is made for it takes minutes.
 */
const parse = (text: string): Result.Result<Record<string, unknown> | undefined, "not YAML"> => {
  // flyctl reads the first document only.
  const documents = Result.try({
    try: () => parseAllDocuments(text, { logLevel: "error", prettyErrors: false, uniqueKeys: false }),
    catch: () => "not YAML" as const
  })
  if (Result.isFailure(documents)) return Result.fail(documents.failure)
  const document = documents.success[0]
  if (document === undefined || document.errors.length > 0) return Result.fail("not YAML")
  if (!isMap(document.contents)) return Result.succeed(undefined)
  const settings: Record<string, unknown> = {}
  for (const { key, value } of document.contents.items) {
    const name = isScalar(key) ? key.value : undefined
    if (name !== "access_token" && name !== "last_login") continue
    // Go's parser refuses a key that comes twice.
    if (name in settings) return Result.fail("not YAML")
    const plain = plainValue(value, document)
    if (Result.isFailure(plain)) return Result.fail(plain.failure)
    settings[name] = plain.success
  }
  return Result.succeed(settings)
}

const decodeLastLogin = Schema.decodeUnknownOption(Schema.Struct({ last_login: Schema.String }))

/**
 * When a config file's text says that the last login was, in epoch milliseconds; `null` if it does not say. Go writes
 * the year 1 for never.
 *
 * @category decoding
 * @since 0.1.0
 * @stability stable
 * @internal
 */
export const lastLogin = (text: string): number | null => {
  const parsed = parse(text)
  const found = Result.isSuccess(parsed) ? decodeLastLogin(parsed.success) : Option.none()
  const millis = Option.isSome(found) ? Date.parse(found.value.last_login) : Number.NaN
  return millis > 0 ? millis : null
}

/**
 * Where the config file is, or why it cannot be anywhere.
 *
 * @category locating
 * @since 0.1.0
 * @stability stable
 * @internal
 */
export const locate = (environment: Environment["Service"], paths: Path.Path): Result.Result<string, NotFound> => {
  const directory = environment.get("FLY_CONFIG_DIR")
  if (directory) return Result.succeed(paths.resolve(directory, "config.yml"))
  const home = homeDirectory(environment, paths)
  return home !== undefined
    ? Result.succeed(paths.join(home, ".fly", "config.yml"))
    : Result.fail(new NotFound({ what: "neither FLY_CONFIG_DIR nor HOME is set" }))
}

/**
 * What a config file's text says, decided without looking at the file again.
 *
 * @category decoding
 * @since 0.1.0
 * @stability stable
 * @internal
 */
export const interpret = (text: string, path: string): Read => {
  if (text.trim() === "") return miss(new Unreadable({ path, why: "the file is empty" }), true)
  const parsed = parse(text)
  if (Result.isFailure(parsed)) return miss(new Unreadable({ path, why: "the file is not YAML" }), true)
  if (parsed.success === undefined) {
    return miss(new Unreadable({ path, why: "the file is YAML, but not a map of settings" }), true)
  }
  const contents = decodeContents(parsed.success)
  if (Result.isFailure(contents)) {
    return miss(new Malformed({ why: `access_token in ${path} is not a text` }))
  }
  const accessToken = contents.success.access_token?.trim()
  if (accessToken === undefined || accessToken === "") {
    return miss(new NotFound({ what: `no access_token in ${path}` }))
  }
  const token = FlyToken.make(accessToken)
  // A token whose end is missing may be one that is just being written. Its soundness is not decided here.
  return { result: Result.succeed(token), maybeTorn: token.malformed !== undefined }
}

const unreadable = (path: string) => (error: PlatformError): ConfigFileReason => {
  const tag = error.reason._tag
  if (tag === "NotFound") return new NotFound({ what: `${path} does not exist` })
  if (tag === "PermissionDenied") return new Unreadable({ path, why: "permission denied" })
  return new Unreadable({ path, why: "it cannot be read" })
}

const make = Effect.gen(function*() {
  const fileSystem = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const environment = yield* Environment
  const scope = yield* Effect.scope
  const context = yield* Effect.context<never>()

  const readOnce = (path: string): Effect.Effect<Read> =>
    Effect.gen(function*() {
      const { size, type } = yield* fileSystem.stat(path)
      if (type !== "File") return miss(new Unreadable({ path, why: "it is not a file" }))
      if (ByteSize.isGreaterThan(size, maxBytes)) return miss(new Unreadable({ path, why: "it is larger than 1 MiB" }))
      return interpret(yield* fileSystem.readFileString(path), path)
    }).pipe(Effect.catch((error) => Effect.succeed(miss(unreadable(path)(error)))))

  const read = Effect.gen(function*() {
    const path = yield* Effect.fromResult(locate(environment, paths))
    let latest = yield* readOnce(path)
    for (let i = 0; i < rereads && latest.maybeTorn; i++) {
      yield* Effect.sleep(rereadAfter)
      latest = yield* readOnce(path)
    }
    return yield* Effect.fromResult(latest.result)
  })

  /** One that hangs (a network file system) ends some time. */
  const bounded = Effect.timeoutOrElse(read, {
    duration: Duration.seconds(30),
    orElse: () => Effect.fail(new NotFound({ what: "the config file gave no answer" }))
  })

  // Apps that start together share one reading.
  const flight = SingleFlight.make<FlyToken, ConfigFileReason>({
    fork: (run) => Fiber.runIn(Effect.runForkWith(context)(run), scope),
    // Longer than a reading takes, and shorter than anybody waits for one.
    joinFor: 250
  })
  return ConfigFile.of({ accessToken: flight("config.yml", bounded) })
})

/**
 * Reads `$FLY_CONFIG_DIR/config.yml`, else `~/.fly/config.yml`; never writes it.
 *
 * **Details**
 *
 * Read anew on each run of the chain, once for all apps that ask at the same moment. A file that is empty, not YAML, or
 * holds a cut-off token is read again up to 3 times, 75 ms apart, because flyctl rewrites it in place.
 *
 * @category layers
 * @since 0.1.0
 * @stability stable
 */
export const layer: Layer.Layer<ConfigFile, never, FileSystem.FileSystem | Path.Path | Environment> = Layer.effect(
  ConfigFile,
  make
)
