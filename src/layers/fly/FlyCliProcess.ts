/**
 * The real `fly` command, as child processes.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Result from "effect/Result"
import { hostname } from "node:os"
import { platform } from "node:process"
import * as Portions from "../../concurrency/Portions.ts"
import { Environment } from "../../services/Environment.ts"
import { type FlyCallOptions, FlyCli, type FlyCliReason } from "../../services/FlyCli.ts"
import { Malformed } from "../../services/MissReason.ts"
import * as ConfigFileYaml from "./ConfigFileYaml.ts"
import * as FlyBinary from "./FlyBinary.ts"
import * as FlyCliChild from "./FlyCliChild.ts"
import { failureOf } from "./FlyCliFailure.ts"
import * as Output from "./FlyCliOutput.ts"
import * as FlyCliShim from "./FlyCliShim.ts"

/** A token has some 2 kB; more than this is no answer to a mint. */
const mintLimit = FlyCliChild.answerLimit

/** One row of `apps list` has about 1 kB, and platforms have thousands of apps. */
const listLimit = 16 * 1024 * 1024

/** Recognisable in `fly tokens list`: every run leaves a record at Fly. */
const tokenName = () => `effect-fly-tokens/${hostname().replace(/[^A-Za-z0-9.-]/g, "-").slice(0, 60) || "unknown"}`

/**
 * The options of {@link layer}.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface FlyCliProcessOptions {
  /** The binary: a path, or a name to look for on PATH. Default: flyctl, wherever it usually is. */
  readonly binary?: string | undefined
}

const make = Effect.fnUntraced(function*(options: FlyCliProcessOptions) {
  const spawner = yield* ChildProcessSpawner
  const fileSystem = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const environment = yield* Environment
  /** Files named `fly` that are other programs; a file that becomes another one has another stamp. */
  const strangers = new Set<string>()
  const shims: FlyCliShim.Shims = new Set()

  const spawn = (path: string, args: ReadonlyArray<string>, call: FlyCallOptions, limitBytes: number) =>
    FlyCliShim.run(path, args, { ...call, limitBytes }, shims).pipe(
      Effect.provideService(ChildProcessSpawner, spawner),
      Effect.provideService(Path.Path, paths),
      Effect.provideService(Environment, environment)
    )

  /** Only a whole answer shows another program; one that is killed or hangs shows nothing. */
  const identify = (path: string) =>
    spawn(path, ["version", "--json"], { environmentToken: false }, mintLimit).pipe(
      Effect.map(Output.identityOf),
      Effect.timeoutOption(FlyCliChild.identifyWithin),
      Effect.map(Option.getOrElse(() => "unclear" as const)),
      Effect.orElseSucceed(() => "unclear" as const)
    )

  /** Whether a failure may come from another program of the same name. */
  const doubtful = (path: string, reason: FlyCliReason): boolean =>
    !FlyBinary.isNamedFlyctl(path) &&
    ["ExitCode", "Malformed", "OutputTooLarge", "OutdatedFlyctl"].includes(reason._tag)

  const run = <A>(
    args: ReadonlyArray<string>,
    call: FlyCallOptions,
    limitBytes: number,
    read: (ended: Output.Ended) => Effect.Effect<A, FlyCliReason>
  ): Effect.Effect<A, FlyCliReason> =>
    Effect.gen(function*(): Effect.fn.Return<A, FlyCliReason> {
      const found = yield* FlyBinary.find(environment, { binary: options.binary, windows: platform === "win32" }).pipe(
        Effect.provideService(FileSystem.FileSystem, fileSystem),
        Effect.provideService(Path.Path, paths)
      )
      const passedOver = { strangers: new Array<string>(), unrunnable: new Array<string>() }
      for (const { path, stamp } of found.executable) {
        if (strangers.has(stamp)) {
          passedOver.strangers.push(path)
          continue
        }
        const result = yield* Effect.result(Effect.flatMap(spawn(path, args, call, limitBytes), read))
        if (Result.isSuccess(result)) return result.success
        const reason = result.failure
        const identity = doubtful(path, reason) ? yield* identify(path) : "unclear"
        if (identity === "another") {
          strangers.add(stamp)
          passedOver.strangers.push(path)
        } else if (identity === "nothing" || reason._tag === "NotExecutable") passedOver.unrunnable.push(path)
        else return yield* reason
      }
      return yield* FlyBinary.missing(found, passedOver)
    })

  const succeeded = <A>(subject: string, read: (stdout: string) => Effect.Effect<A, FlyCliReason>) =>
  (
    ended: Output.Ended
  ): Effect.Effect<A, FlyCliReason> =>
    ended.exitCode === 0
      ? read(ended.stdout)
      : Effect.fail(failureOf(ended, {
        subject,
        configFile: Result.getOrUndefined(ConfigFileYaml.locate(environment, paths))
      }))

  const mint = (
    what: ReadonlyArray<string>,
    subject: string,
    call: FlyCallOptions & { readonly ttl: Duration.Duration }
  ) =>
    run(
      [
        "tokens",
        "create",
        ...what,
        "--json",
        "--expiry",
        Output.goDuration(Duration.toMillis(call.ttl)),
        "--name",
        tokenName()
      ],
      call,
      mintLimit,
      succeeded(subject, (stdout) => Effect.fromResult(Output.mintedToken(stdout)))
    )

  return FlyCli.of({
    mintReadonly: (org, call) => mint(["readonly", org], org, call),
    mintDeploy: (app, call) => mint(["deploy", "-a", app], app, call),
    listApps: (call) =>
      run(
        ["apps", "list", "--json"],
        call,
        listLimit,
        succeeded("the list of apps", (stdout) =>
          Effect.flatMap(
            Portions.inPortions(() => Output.listedApps(stdout)),
            Option.match({
              onNone: () => Effect.fail(new Malformed({ why: "flyctl printed something else than a list of apps" })),
              onSome: Effect.succeed
            })
          ))
      ),
    orgOf: (app, call) =>
      run(
        ["status", "-a", app, "--json"],
        call,
        listLimit,
        succeeded(app, (stdout) =>
          Effect.flatMap(
            Portions.inPortions(() => Output.statusOrg(stdout)),
            Option.match({
              onNone: () =>
                Effect.fail(new Malformed({ why: "flyctl printed something else than the status of an app" })),
              onSome: Effect.succeed
            })
          ))
      )
  })
})

/**
 * Runs flyctl, v0.4.87 in mind.
 *
 * **Details**
 *
 * No shell, an environment of its own, stdin closed, stdout and stderr apart and bounded. A run that is interrupted gets
 * SIGTERM and 2 s later SIGKILL, the whole process group. A success must decode as a token. Of several binaries found,
 * one that is another program (Concourse's `fly`) is passed over.
 *
 * **Gotchas**
 *
 * flyctl itself writes the token that it mints into `~/.fly/logs`.
 *
 * @category layers
 * @since 0.1.0
 * @stability stable
 */
export const layer = (
  options: FlyCliProcessOptions = {}
): Layer.Layer<FlyCli, never, ChildProcessSpawner | FileSystem.FileSystem | Path.Path | Environment> =>
  Layer.effect(FlyCli, make(options))
