/**
 * Sources of your own for the option `chain`, made ready: a program that prints a token, a file that holds one.
 *
 * **Details**
 *
 * Both take a token as it is, or a JSON object with `token` and, if that is known, `expiresAt` (an ISO time), as
 * `fly-tokens get --json` prints it. `{app}` in an argument or a path is the name of the app. They need a platform (a
 * spawner of child processes, a file system) where the layer is built: `FlyTokensNode` brings it; without one they are the
 * miss `Disabled`. For any other source write a {@link TokenSource}.
 *
 * **Example** (A vault, then the store, then flyctl)
 *
 * ```ts
 * import { Source } from "effect-fly-tokens"
 * import { FlyTokensNode } from "effect-fly-tokens/node"
 *
 * const layer = FlyTokensNode.layer({
 *   chain: [Source.command(["vault", "read", "-field=token", "secret/fly/{app}"]), "storage", "cli"]
 * })
 * ```
 *
 * @since 0.1.0
 */
import * as ByteSize from "effect/ByteSize"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Disabled, ExitCode, Killed, Malformed, NotExecutable, OutputTooLarge } from "../services/MissReason.ts"
import type { MissReason } from "../services/MissReason.ts"
import { optional } from "../services/OptionConfig.ts"
import { variables } from "../services/OptionName.ts"
import { InvalidOption } from "../services/TokenError.ts"
import { type Candidate, NamedSources, type TokenSource } from "../services/TokenSource.ts"
import type { AppName } from "../token/AppName.ts"
import { FlyToken } from "../token/FlyToken.ts"
import type * as Program from "./program/Program.ts"
import * as TextFile from "./TextFile.ts"

/**
 * What a source says of itself: see {@link TokenSource}.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface SourceOptions extends Partial<Omit<TokenSource, "acquire">> {}

/** More than any token of Fly's has. */
const limit = ByteSize.kibibytes(64)

const Printed = Schema.fromJsonString(
  Schema.Struct({ token: Schema.String, expiresAt: Schema.optionalKey(Schema.NullOr(Schema.String)) })
)
const decodePrinted = Schema.decodeUnknownOption(Printed)

/** What is printed, or written in a file, as a token. */
const candidateOf = (printed: string, acquiredAt: number): Effect.Effect<Candidate, Malformed> => {
  const text = printed.trim()
  if (!text.startsWith("{")) return Effect.succeed({ token: FlyToken.make(text), acquiredAt })
  const read = decodePrinted(text)
  if (Option.isNone(read)) return Effect.fail(new Malformed({ why: "a JSON object without a `token`" }))
  const { expiresAt = null, token } = read.value
  if (expiresAt === null) return Effect.succeed({ token: FlyToken.make(token), acquiredAt })
  const at = Date.parse(expiresAt)
  return Number.isNaN(at)
    ? Effect.fail(new Malformed({ why: "`expiresAt` is not an ISO time" }))
    : Effect.succeed({ token: FlyToken.make(token), acquiredAt, expiresAt: at })
}

/** An app's name has no character that means something to a shell or in a path. */
const forApp = (text: string, app: AppName): string => text.replaceAll("{app}", app)

/** The same reason, about this program and not about flyctl. */
const about = (program: string, reason: Program.ProgramReason | Disabled): MissReason => {
  switch (reason._tag) {
    case "NotExecutable":
      return new NotExecutable({ path: reason.path, program })
    case "OutputTooLarge":
      return new OutputTooLarge({ limitBytes: reason.limitBytes, program })
    case "Killed":
      return new Killed({ program })
    case "Defect":
    case "Disabled":
      return reason
  }
}

/**
 * A program that prints a token. It is run without a shell, in the directory and with the environment of this process, with
 * stdin closed; 64 KiB of its output are read. At its limit of time it gets SIGTERM, 2 s later SIGKILL, and its children
 * with it. What it prints on stderr is shown nowhere.
 *
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const command = (
  argv: readonly [program: string, ...args: ReadonlyArray<string>],
  options: SourceOptions = {}
): TokenSource => ({
  name: "command",
  ...options,
  acquire: Effect.fnUntraced(function*({ key: { app } }): Effect.fn.Return<Candidate, MissReason> {
    const [program, ...args] = argv
    // Loaded with the first program: most chains have none.
    const { runIfPossible } = yield* Effect.promise(() => import("./program/Program.ts"))
    const run = runIfPossible([program, ...args.map((arg) => forApp(arg, app))], {
      limitBytes: ByteSize.toNumberUnsafe(limit)
    })
    const ended = yield* Effect.mapError(run, (reason) => about(program, reason))
    if (ended.exitCode !== 0) return yield* new ExitCode({ code: ended.exitCode, program })
    return yield* candidateOf(ended.stdout, yield* Clock.currentTimeMillis)
  })
})

/**
 * A file that holds a token, as a mounted secret is: read anew each time, at most 64 KiB, never written.
 *
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const file = (path: string, options: SourceOptions = {}): TokenSource => ({
  name: "file",
  ...options,
  acquire: Effect.fnUntraced(function*({ key: { app } }): Effect.fn.Return<Candidate, MissReason> {
    const fileSystem = yield* Effect.serviceOption(FileSystem.FileSystem)
    if (Option.isNone(fileSystem)) return yield* new Disabled()
    const text = yield* TextFile.read(fileSystem.value, forApp(path, app), limit)
    return yield* candidateOf(text, yield* Clock.currentTimeMillis)
  })
})

/** The words of a command: parted by spaces, or a JSON array of texts. */
const words = Effect.fnUntraced(function*(text: string) {
  const decoded = text.trimStart().startsWith("[")
    ? Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Array(Schema.String)))(text)
    : Option.some(text.split(/\s+/).filter((word) => word !== ""))
  const [program, ...args] = Option.getOrElse(decoded, () => [])
  if (program !== undefined && program !== "") return [program, ...args] as const
  const expected = "a program and its arguments with spaces between them, or as a JSON array of texts"
  return yield* new InvalidOption({ option: "command", expected })
})

/**
 * The sources `command` and `file` for those who name them in the option `chain`, if `FLY_TOKENS_COMMAND` (words with spaces
 * between them, or a JSON array) and `FLY_TOKENS_FILE` are set. `FlyTokensNode.layerConfig` has it.
 *
 * @category layers
 * @since 0.1.0
 * @stability stable
 */
export const layerConfig: Layer.Layer<never, InvalidOption | Config.ConfigError> = Layer.effect(
  NamedSources,
  Effect.gen(function*() {
    const given = yield* Config.all({
      command: optional(Config.String(variables.command)),
      file: optional(Config.String(variables.file))
    })
    return [
      ...(given.command === undefined ? [] : [command(yield* words(given.command))]),
      ...(given.file === undefined ? [] : [file(given.file)])
    ]
  })
)
