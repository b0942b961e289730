/**
 * Which organization an app belongs to.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { CallOptions, FlyCli } from "../../services/FlyCli.ts"
import { type MissReason, OrgUnknown } from "../../services/MissReason.ts"
import { type AppName, isAppName } from "../../token/AppName.ts"
import * as SingleFlight from "../SingleFlight.ts"
import type { CliGate } from "./CliGate.ts"

/**
 * The slug of an app's organization: from the option `org`, else from what flyctl said once.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface AppOrganizations {
  readonly of: (app: AppName, options: CallOptions) => Effect.Effect<string, MissReason>
  /** The slug was wrong: ask again next time. */
  readonly forget: (app: AppName) => void
}

/** With one of these no other question to flyctl can be answered either. */
const hopeless = new Set<MissReason["_tag"]>([
  "Disabled",
  "BinaryNotFound",
  "NotExecutable",
  "NotFlyctl",
  "NotLoggedIn",
  "NotAuthenticated",
  "ConfigLocked",
  "TimedOut"
])

/** A token that is limited to something else says one of these of an app that it does not see. */
const blind = new Set<MissReason["_tag"]>([
  "OrgUnknown",
  "NotAuthenticated",
  "MintRefused",
  "HttpFailed",
  "Undischarged",
  "Expired",
  "ExitCode"
])

/**
 * **Details**
 *
 * `apps list` is asked once for all apps; an app that is not in it (made since, or the list is not allowed to this
 * login) is asked for by `status`. What the environment's token does not see is asked for once more with flyctl's login.
 * Answers are kept as long as the layer lives, failures are not.
 *
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const make = (options: {
  readonly cli: FlyCli["Service"]
  readonly gate: CliGate
  readonly fork: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  readonly configured: (app: AppName) => string | undefined
}): AppOrganizations => {
  const { cli, configured, gate } = options
  const known = new Map<string, string>()
  const flight = SingleFlight.make<string | undefined, MissReason>({ fork: options.fork })
  let listed = false

  const list = (call: CallOptions) =>
    flight(
      "apps list",
      Effect.map(gate(cli.listApps(call)), (apps) => {
        listed = true
        for (const [app, org] of apps) known.set(app, org)
        return undefined
      })
    )

  const askAs = (app: AppName, call: CallOptions) =>
    flight(
      `status ${app} ${call.environmentToken}`,
      Effect.tap(gate(cli.orgOf(app, call)), (org) => Effect.sync(() => known.set(app, org)))
    )

  const ask = (app: AppName, call: CallOptions) =>
    call.environmentToken
      ? Effect.catchIf(
        askAs(app, call),
        (reason) => blind.has(reason._tag),
        (reason) => Effect.mapError(askAs(app, { environmentToken: false }), () => reason)
      )
      : askAs(app, call)

  const endsIt = ({ _tag }: MissReason, call: CallOptions) =>
    hopeless.has(_tag) && !(call.environmentToken && blind.has(_tag))

  /** A slug has the form of an app name; anything else could be a flag to flyctl. */
  const checked = (app: AppName, org: string | undefined) =>
    isAppName(org) ? Effect.succeed<string>(org) : Effect.fail(new OrgUnknown({ name: app }))

  return {
    of: Effect.fnUntraced(function*(app, call) {
      const org = configured(app) ?? known.get(app)
      if (org !== undefined) return yield* checked(app, org)
      if (!listed) {
        yield* Effect.catchIf(list(call), (reason) => !endsIt(reason, call), () => Effect.undefined)
        const found = known.get(app)
        if (found !== undefined) return yield* checked(app, found)
      }
      return yield* checked(app, yield* ask(app, call))
    }),
    forget: (app) => {
      known.delete(app)
    }
  }
}
