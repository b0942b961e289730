/** Calls of flyctl: through one gate, and with one of two credentials. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { LazyArg } from "effect/Function"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Background from "../concurrency/Background.ts"
import * as Gate from "../concurrency/Gate.ts"
import * as CliReasons from "../policy/CliReasons.ts"
import type { MintSettings } from "../policy/MintPolicy.ts"
import type { ConfigFile } from "../services/ConfigFile.ts"
import { type Environment, tokenOf } from "../services/Environment.ts"
import type { FlyCallOptions, FlyCli } from "../services/FlyCli.ts"
import { Malformed, type MissReason } from "../services/MissReason.ts"
import type { TokenRequest } from "../services/TokenSource.ts"
import type { AppName } from "../token/AppName.ts"
import { FlyToken } from "../token/FlyToken.ts"
import * as Login from "../token/Login.ts"

/** Whom flyctl mints for. */
export type Owner = { readonly org: string } | { readonly app: AppName }

/** What flyctl asks with. */
export interface Credentials {
  /** The environment's token, if it is given that. */
  readonly given: FlyToken | undefined
  /** The login of its config file. */
  readonly login: Result.Result<FlyToken, MissReason>
}

export interface CliCalls {
  /** The slug of an app's organization. */
  readonly orgOf: (app: AppName, call: FlyCallOptions) => Effect.Effect<string, MissReason>
  readonly listApps: (call: FlyCallOptions) => Effect.Effect<ReadonlyMap<string, string>, MissReason>
  /** Mints a token that only reads. */
  readonly mint: (owner: Owner, call: FlyCallOptions) => Effect.Effect<FlyToken, MissReason>
  /** It is given the environment's token, if that was not found to be of no use. */
  readonly optionsFor: (request: TokenRequest) => FlyCallOptions
  readonly credentials: (call: FlyCallOptions) => Effect.Effect<Credentials>
  /**
   * Names who asks, by a digest of what stays the same while flyctl renews its credentials; `undefined` if that cannot be
   * told now.
   */
  readonly login: (call: FlyCallOptions) => Effect.Effect<string | undefined>
}

export const make = (options: {
  readonly cli: FlyCli["Service"]
  readonly environment: Environment["Service"]
  readonly configFile: ConfigFile["Service"]
  readonly background: Background.Background
  readonly settings: Pick<
    MintSettings,
    "cliConcurrency" | "cliTimeoutMillis" | "configFileTimeoutMillis" | "ttlMillis"
  >
  readonly onCliEnd: (tookMillis: number) => void
}): CliCalls => {
  const { background, cli, configFile, environment, onCliEnd, settings } = options
  const ttl = Duration.millis(settings.ttlMillis)
  const gate = Gate.make({
    fork: background.fork,
    places: settings.cliConcurrency,
    limit: { option: "cliTimeout", millis: settings.cliTimeoutMillis }
  })

  /** The limit counts from when a place was free. A call that throws before it is an effect is a `Defect` too. */
  const gated = <A, E>(call: LazyArg<Effect.Effect<A, E>>) =>
    gate.within(Effect.clockWith((clock) => {
      const began = clock.currentTimeMillisUnsafe()
      return Effect.ensuring(Effect.suspend(call), Effect.sync(() => onCliEnd(clock.currentTimeMillisUnsafe() - began)))
    }))

  const credentials: CliCalls["credentials"] = ({ environmentToken }) =>
    Effect.map(
      Effect.result(
        Background.within(background.fork, configFile.accessToken, {
          option: "configFileTimeout",
          millis: settings.configFileTimeoutMillis
        })
      ),
      (login) => ({ given: environmentToken ? Option.getOrUndefined(tokenOf(environment)) : undefined, login })
    )

  return {
    orgOf: (app, call) => gated(() => cli.orgOf(app, call)),
    listApps: (call) => gated(() => cli.listApps(call)),
    mint: (owner, { environmentToken }) => {
      const call = { ttl, environmentToken }
      // A layer of another copy of this package gives tokens of its own.
      if ("org" in owner) return Effect.map(gated(() => cli.mintReadonly(owner.org, call)), FlyToken.make)
      // It may write: what is handed out may not.
      return Effect.flatMap(gated(() => cli.mintDeploy(owner.app, call)), (token) =>
        Effect.mapError(
          Effect.fromResult(FlyToken.make(token).attenuate({ readOnly: true })),
          ({ why }) => new Malformed({ why })
        ))
    },
    optionsFor: ({ misses }) => {
      const token = Option.getOrUndefined(tokenOf(environment))
      const isOfNoUse = misses.some(({ candidate }) => candidate?.token.value === token?.value)
      return { environmentToken: token !== undefined && !isOfNoUse }
    },
    credentials,
    login: (call) =>
      Effect.map(credentials(call), ({ given, login }) =>
        // Only a file that has no login says so: of any other failure flyctl may know better.
        Result.isFailure(login) && login.failure._tag !== "NotFound"
          ? undefined
          : Login.digest([given, Result.getOrUndefined(login)]))
  }
}

/**
 * Calls flyctl, with the environment's token if it may see that; what may depend on it is tried with the login, once.
 */
export const withEither = <A>(
  call: FlyCallOptions,
  run: (call: FlyCallOptions) => Effect.Effect<A, MissReason>
): Effect.Effect<A, MissReason> =>
  call.environmentToken
    ? Effect.catchIf(run(call), CliReasons.mayDependOnCredential, (first) =>
      Effect.mapError(
        run({ ...call, environmentToken: false }),
        (second) => CliReasons.moreTelling(first, second)
      ))
    : run(call)
