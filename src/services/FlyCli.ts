/**
 * The `fly` command.
 *
 * @since 0.1.0
 * @stability stable
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { AppName } from "../token/AppName.ts"
import type { FlyToken } from "../token/FlyToken.ts"
import type { MissReason } from "./MissReason.ts"
import { Disabled } from "./MissReason.ts"

/**
 * What one call of the command can come to, if not to a result.
 *
 * @category models
 */
export type FlyCliReason = Exclude<
  MissReason,
  { readonly _tag: "Rejected" | "Insufficient" | "NotNewer" | "TimedOut" | "StorageFailed" }
>

/**
 * How a child is started.
 *
 * @category models
 */
export interface FlyCallOptions {
  /**
   * Whether the child sees the environment's `FLY_ACCESS_TOKEN` / `FLY_API_TOKEN`. Without them flyctl takes the login
   * of its config file.
   */
  readonly environmentToken: boolean
}

/**
 * What flyctl can do for us. Each member is one run of the command and may fail with its own reason; limits of time and
 * of children at once are the caller's, who ends a run by interrupting it.
 *
 * @category services
 */
export class FlyCli extends Context.Service<FlyCli, {
  /** Mints a read-only token for all apps of an organization, with a life of `ttl`. Each run leaves a record at Fly. */
  readonly mintReadonly: (
    org: string,
    options: FlyCallOptions & { readonly ttl: Duration.Duration }
  ) => Effect.Effect<FlyToken, FlyCliReason>
  /**
   * Mints a token that may deploy one app, with a life of `ttl`: it reads and writes that app and nothing else. Each run
   * leaves a record at Fly.
   */
  readonly mintDeploy: (
    app: AppName,
    options: FlyCallOptions & { readonly ttl: Duration.Duration }
  ) => Effect.Effect<FlyToken, FlyCliReason>
  /** The organization's slug of each app that the login sees. Fails with tokens of a single app (reported). */
  readonly listApps: (options: FlyCallOptions) => Effect.Effect<ReadonlyMap<string, string>, FlyCliReason>
  /** The organization's slug of one app. */
  readonly orgOf: (app: AppName, options: FlyCallOptions) => Effect.Effect<string, FlyCliReason>
}>()("effect-fly-tokens/FlyCli") {
  /**
   * No command: the source is a miss.
   *
   * @category layers
   */
  static readonly layerDisabled: Layer.Layer<FlyCli> = Layer.succeed(FlyCli)({
    mintReadonly: () => Effect.fail(new Disabled()),
    mintDeploy: () => Effect.fail(new Disabled()),
    listApps: () => Effect.fail(new Disabled()),
    orgOf: () => Effect.fail(new Disabled())
  })
}
