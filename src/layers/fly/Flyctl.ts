/** Running flyctl, whichever of the files that are found is it, also where it is the shim of a version manager (asdf, mise). */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Result from "effect/Result"
import { platform } from "node:process"
import { Environment } from "../../services/Environment.ts"
import type { FlyCallOptions, FlyCliReason } from "../../services/FlyCli.ts"
import type { BinaryNotFound, NotExecutable, NotFlyctl } from "../../services/MissReason.ts"
import * as Program from "../program/Program.ts"
import * as FlyBinary from "./FlyBinary.ts"
import { childEnvironment } from "./FlyCliEnvironment.ts"
import { failureOf } from "./FlyCliFailure.ts"
import * as Output from "./FlyCliOutput.ts"
import * as FlyHome from "./FlyHome.ts"

/** More bytes than an answer about one thing has; a token has some 2 kB. */
export const answerLimit = 64 * 1024

/** How long a binary may take to say what it is. */
const identifyWithin = Duration.seconds(5)

export interface Call extends FlyCallOptions {
  readonly args: ReadonlyArray<string>
  /** The app or the organization that is asked for. */
  readonly subject: string
  readonly limitBytes: number
}

export interface Inspected {
  /** The file that is used, or why there is none. */
  readonly used:
    | {
      readonly _tag: "Found"
      readonly path: string
      readonly version: string | undefined
      /** Why it does not say its version, if it ended by saying something else. */
      readonly failure: FlyCliReason | undefined
    }
    | { readonly _tag: "Missing"; readonly reason: BinaryNotFound | NotExecutable | NotFlyctl }
  /** Files of that name that are another program (Concourse's client is a `fly` too). */
  readonly passedOver: ReadonlyArray<string>
}

/** Which files may be flyctl, and what was learned of them. */
export interface Search {
  /** A path, or a name to look for on PATH; `undefined` for flyctl, wherever it usually is. */
  readonly binary: string | undefined
  /** Files named `fly` that are other programs; a file that becomes another one has another stamp. */
  readonly strangers: Set<string>
  /** Programs that were found to be shims. */
  readonly shims: Set<string>
}

export const search = (binary: string | undefined): Search => ({ binary, strangers: new Set(), shims: new Set() })

/** What a run needs, and nothing else of whoever builds the layer: its spans and its clock are not the caller's. */
export const services = Context.pick(ChildProcessSpawner, FileSystem.FileSystem, Path.Path, Environment)

export type Services = ChildProcessSpawner | FileSystem.FileSystem | Path.Path | Environment

/**
 * Runs a program in its own directory: away from any `fly.toml`, which flyctl reads, and there even if the caller's
 * directory was removed. What answers as a shim that knows no version is run once more where the caller is: there it
 * finds its settings.
 */
const runFile = Effect.fnUntraced(function*({ shims }: Search, path: string, call: Omit<Call, "subject">) {
  const environment = yield* Environment
  const paths = yield* Path.Path
  const runIn = (cwd: string) =>
    Program.run([path, ...call.args], {
      cwd,
      env: childEnvironment(environment, { environmentToken: call.environmentToken, resolve: paths.resolve }),
      limitBytes: call.limitBytes
    })
  const own = paths.dirname(path)
  // It throws if the directory is gone.
  const callers = Result.getOrUndefined(Result.try({ try: () => paths.resolve("."), catch: () => "no directory" }))
  if (callers === undefined || callers === own) return yield* runIn(own)
  if (shims.has(path)) {
    const ended = yield* runIn(callers)
    if (!Output.isOfAShim(ended)) return ended
  }
  const first = yield* runIn(own)
  if (!Output.isOfAShim(first) || shims.has(path)) return first
  const second = yield* Effect.result(runIn(callers))
  if (Result.isFailure(second) || Output.isOfAShim(second.success)) return first
  shims.add(path)
  return second.success
})

const failure = Effect.fnUntraced(function*(ended: Program.Ended, subject: string) {
  const configFile = Result.getOrUndefined(FlyHome.configFile(yield* Environment, yield* Path.Path))
  return failureOf(ended, { subject, configFile })
})

type Identity = ReturnType<typeof Output.identityOf>

/** Asks a file for its version. One that is killed or hangs shows nothing of itself: it may be flyctl. */
const identify = Effect.fnUntraced(function*(search: Search, path: string) {
  const call = { args: ["version", "--json"], environmentToken: false, limitBytes: answerLimit }
  const asked = yield* Effect.result(Effect.timeoutOption(runFile(search, path, call), identifyWithin))
  const isNone = Result.isFailure(asked) && asked.failure._tag === "NotExecutable"
  const ended = Result.isSuccess(asked) ? Option.getOrUndefined(asked.success) : undefined
  const identity: Identity = isNone
    ? "nothing"
    : ended === undefined || FlyBinary.isNamedFlyctl(path)
    ? "unclear"
    : Output.identityOf(ended)
  return { ended, identity }
})

/** Why a file is passed over. */
type PassedOver = Extract<Identity, "another" | "nothing">

const isPassedOver = (identity: Identity): identity is PassedOver => identity === "another" || identity === "nothing"

/** Asks one file after another, until one is not passed over. */
const firstOf = Effect.fnUntraced(function*<A, E>(
  { binary, strangers }: Search,
  ask: (path: string) => Effect.Effect<Result.Result<A, PassedOver>, E, Services>
) {
  const found = yield* FlyBinary.find(yield* Environment, { binary, windows: platform === "win32" })
  const passedOver = { another: new Array<string>(), nothing: new Array<string>() }
  for (const { path, stamp } of found.executable) {
    const asked = strangers.has(stamp) ? Result.fail("another" as const) : yield* ask(path)
    if (Result.isSuccess(asked)) return { answer: asked.success, another: passedOver.another }
    if (asked.failure === "another") strangers.add(stamp)
    passedOver[asked.failure].push(path)
  }
  return yield* FlyBinary.missing(found, passedOver)
})

/** Whether a failure may come from another program of the same name. */
const isDoubtful = ({ _tag }: FlyCliReason, path: string): boolean =>
  !FlyBinary.isNamedFlyctl(path) && ["ExitCode", "Malformed", "OutputTooLarge", "OutdatedFlyctl"].includes(_tag)

/** Runs flyctl, and reads what it printed if it ended well. */
export const run = <A>(
  search: Search,
  call: Call,
  read: (stdout: string) => Effect.Effect<A, FlyCliReason>
): Effect.Effect<A, FlyCliReason, Services> => {
  const ask = (path: string): Effect.Effect<A, FlyCliReason, Services> =>
    Effect.flatMap(
      runFile(search, path, call),
      (ended) => ended.exitCode === 0 ? read(ended.stdout) : Effect.flatMap(failure(ended, call.subject), Effect.fail)
    )
  const askOrPassOver = Effect.fnUntraced(function*(path: string) {
    const asked = yield* Effect.result(ask(path))
    if (Result.isSuccess(asked)) return Result.succeed(asked.success)
    const reason = asked.failure
    if (reason._tag === "NotExecutable") return Result.fail("nothing" as const)
    const { identity } = isDoubtful(reason, path) ? yield* identify(search, path) : { identity: "unclear" as const }
    return isPassedOver(identity) ? Result.fail(identity) : yield* Effect.fail(reason)
  })
  return Effect.map(firstOf(search, askOrPassOver), ({ answer }) => answer)
}

/** Which file is used as flyctl here, and its version: nothing of Fly's is called. */
export const inspect = (binary: string | undefined): Effect.Effect<Inspected, never, Services> => {
  const once = search(binary)
  const look = Effect.fnUntraced(function*(path: string) {
    const { ended, identity } = yield* identify(once, path)
    if (isPassedOver(identity)) return Result.fail(identity)
    const isAnswer = ended?.exitCode === 0
    return Result.succeed({
      _tag: "Found" as const,
      path,
      version: isAnswer ? Option.getOrUndefined(Output.versionOf(ended.stdout)) : undefined,
      failure: ended === undefined || isAnswer ? undefined : yield* failure(ended, "its version")
    })
  })
  return Effect.match(firstOf(once, look), {
    onSuccess: ({ another, answer }) => ({ used: answer, passedOver: another }),
    onFailure: (reason) => ({ used: { _tag: "Missing", reason }, passedOver: [] })
  })
}
