/**
 * The real `fly` command, as child processes.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Path from "effect/Path"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import { hostname } from "node:os"
import * as Portions from "../../concurrency/Portions.ts"
import type { Environment } from "../../services/Environment.ts"
import { type FlyCallOptions, FlyCli, type FlyCliReason } from "../../services/FlyCli.ts"
import { Malformed } from "../../services/MissReason.ts"
import * as Output from "./FlyCliOutput.ts"
import * as Flyctl from "./Flyctl.ts"

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

/** Something else than what was asked for. */
const notPrinted = (what: string) => () => new Malformed({ why: `flyctl printed something else than ${what}` })

const make = Effect.fnUntraced(function*({ binary }: FlyCliProcessOptions) {
  const services = Flyctl.services(yield* Effect.context<Flyctl.Services>())
  const search = Flyctl.search(binary)
  const run = <A>(call: Flyctl.Call, read: (stdout: string) => Effect.Effect<A, FlyCliReason>) =>
    Effect.provideContext(Flyctl.run(search, call, read), services)

  const mint = (
    what: ReadonlyArray<string>,
    subject: string,
    { environmentToken, ttl }: FlyCallOptions & { readonly ttl: Duration.Duration }
  ) => {
    const expiry = Output.goDuration(Duration.toMillis(ttl))
    const args = ["tokens", "create", ...what, "--json", "--expiry", expiry, "--name", tokenName()]
    return run(
      { args, subject, environmentToken, limitBytes: Flyctl.answerLimit },
      (stdout) => Effect.fromResult(Output.mintedToken(stdout))
    )
  }

  /** What is long is read in portions. */
  const ask = <A>(
    args: ReadonlyArray<string>,
    { environmentToken }: FlyCallOptions,
    about: { readonly subject: string; readonly what: string },
    read: (stdout: string) => Portions.Portions<Option.Option<A>>
  ) =>
    run(
      { args, subject: about.subject, environmentToken, limitBytes: listLimit },
      (stdout) =>
        Portions.inPortions(() => read(stdout)).pipe(
          Effect.flatMap(Effect.fromOption),
          Effect.mapError(notPrinted(about.what))
        )
    )

  return FlyCli.of({
    mintReadonly: (org, call) => mint(["readonly", org], org, call),
    mintDeploy: (app, call) => mint(["deploy", "-a", app], app, call),
    listApps: (call) =>
      ask(["apps", "list", "--json"], call, { subject: "the list of apps", what: "a list of apps" }, Output.listedApps),
    orgOf: (app, call) =>
      ask(["status", "-a", app, "--json"], call, { subject: app, what: "the status of an app" }, Output.statusOrg)
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
