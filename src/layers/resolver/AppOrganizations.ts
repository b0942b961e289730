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
import * as AppLookup from "./AppLookup.ts"
import type { CliGate } from "./CliGate.ts"
import * as Credentials from "./Credentials.ts"

/**
 * The slug of an app's organization: from the option `org`, else from what flyctl said once.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface AppOrganizations {
  readonly of: (app: AppName, options: CallOptions) => Effect.Effect<string, MissReason>
  /**
   * Uses the organization that is remembered, or that the app's record names (`recorded`), else flyctl's word. If what
   * was remembered is wrong (the app moved), it is forgotten, and what flyctl says now is used.
   */
  readonly using: <A>(
    app: AppName,
    options: CallOptions & { readonly recorded: string | undefined },
    use: (org: string) => Effect.Effect<A, MissReason>
  ) => Effect.Effect<A, MissReason>
  /** What is to be recorded of an app: what flyctl said of it. */
  readonly recordable: (app: AppName) => string | undefined
  /** The slug may be wrong: ask again next time. */
  readonly forget: (app: AppName) => void
}

/** `personal` is an organization of whoever asks: the next one may be somebody else. */
const isForAll = (org: string): boolean => org !== "personal"

/** What is said of an organization that the app is not in any more. */
const mayHaveMoved = (reason: MissReason): boolean => reason._tag === "OrgUnknown" || reason._tag === "Forbidden"

/**
 * **Details**
 *
 * What the environment's token does not see is asked for once more with flyctl's login. Answers are kept as long as the
 * layer lives, failures are not.
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
  readonly cliConcurrency: number
}): AppOrganizations => {
  const { cli, configured, fork, gate } = options
  const known = new Map<string, string>()

  const lookup = (call: CallOptions) =>
    AppLookup.make({
      askOne: (app) => gate(cli.orgOf(app, call)),
      askAll: gate(cli.listApps(call)),
      concurrency: options.cliConcurrency,
      fork,
      known
    })
  const byToken = lookup({ environmentToken: true })
  const byLogin = lookup({ environmentToken: false })

  const asked = (app: AppName, call: CallOptions) =>
    Credentials.withEither(call, ({ environmentToken }) => environmentToken ? byToken(app) : byLogin(app))

  const given = (app: AppName): Effect.Effect<string | undefined, OrgUnknown> =>
    Effect.suspend(() => {
      const org = configured(app)
      return org === undefined || isAppName(org)
        ? Effect.succeed(org)
        : Effect.fail(new OrgUnknown({ name: app }))
    })

  const forget = (app: AppName) => {
    known.delete(app)
  }

  return {
    of: (app, call) => Effect.flatMap(given(app), (org) => org === undefined ? asked(app, call) : Effect.succeed(org)),
    using: Effect.fnUntraced(function*(app, { recorded, ...call }, use) {
      const org = yield* given(app)
      if (org !== undefined) return yield* use(org)
      const tried = (org: string) =>
        Effect.tapError(use(org), (reason) => mayHaveMoved(reason) ? Effect.sync(() => forget(app)) : Effect.void)
      if (!known.has(app) && isAppName(recorded) && isForAll(recorded)) known.set(app, recorded)
      const remembered = known.get(app)
      if (remembered === undefined) return yield* tried(yield* asked(app, call))
      return yield* Effect.catchIf(
        tried(remembered),
        mayHaveMoved,
        (reason) => Effect.flatMap(asked(app, call), (org) => org === remembered ? Effect.fail(reason) : tried(org))
      )
    }),
    recordable: (app) => {
      const org = known.get(app)
      return org !== undefined && isForAll(org) ? org : undefined
    },
    forget
  }
}
