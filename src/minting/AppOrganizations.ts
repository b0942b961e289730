/** Which organization an app belongs to. */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as OrgRecord from "../policy/OrgRecord.ts"
import type { FlyCallOptions, FlyCli } from "../services/FlyCli.ts"
import { type MissReason, OrgUnknown } from "../services/MissReason.ts"
import { type AppName, isAppName } from "../token/AppName.ts"
import * as AppLookup from "./AppLookup.ts"
import type { CliGate } from "./CliGate.ts"
import * as EitherCredential from "./EitherCredential.ts"

/** The slug of an organization, and for which call it was told: another one may mean another organization by it. */
export interface Named {
  readonly slug: string
  readonly by: FlyCallOptions
}

/** The slug of an app's organization: from the option `org`, else from what flyctl said once. */
export interface AppOrganizations {
  readonly of: (app: AppName, options: FlyCallOptions) => Effect.Effect<Named, MissReason>
  /** Whether flyctl need not be asked for it. */
  readonly isKnown: (app: AppName) => boolean
  /** Takes what the app's record names, unless flyctl has said it already. */
  readonly remind: (app: AppName, recorded: string | undefined) => void
  /**
   * Runs what asks for the organization of the app and uses it. If that fails as it does where the app is in another one
   * by now, what was remembered is forgotten, and it is run once more if flyctl names another one.
   */
  readonly orMoved: <A>(
    app: AppName,
    options: FlyCallOptions,
    run: Effect.Effect<A, MissReason>
  ) => Effect.Effect<A, MissReason>
  /** What is to be recorded of an app: what flyctl said of it. */
  readonly recordable: (app: AppName) => string | undefined
  /** The slug may be wrong: ask again next time. */
  readonly forget: (app: AppName) => void
}

/** What is said of an organization that the app is not in any more. */
const mayHaveMoved = (reason: MissReason): boolean => reason._tag === "OrgUnknown" || reason._tag === "Forbidden"

/**
 * **Details**
 *
 * What the environment's token does not see is asked for once more with flyctl's login. Answers are kept as long as the
 * layer lives, failures are not.
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

  const lookup = (call: FlyCallOptions) =>
    AppLookup.make({
      askOne: (app) => gate(() => cli.orgOf(app, call)),
      askAll: gate(() => cli.listApps(call)),
      concurrency: options.cliConcurrency,
      fork,
      known
    })
  const byToken = lookup({ environmentToken: true })
  const byLogin = lookup({ environmentToken: false })

  /** Not what each login means something else by: the next one who asks may be somebody else, in this process too. */
  const remembered = (app: AppName): string | undefined => {
    const org = known.get(app)
    return org === undefined || OrgRecord.isByLogin(org) ? undefined : org
  }

  const asked = (app: AppName, call: FlyCallOptions) =>
    EitherCredential.withEither(call, (by) =>
      Effect.suspend(() => {
        if (remembered(app) === undefined) known.delete(app)
        return Effect.map(by.environmentToken ? byToken(app) : byLogin(app), (slug): Named => ({ slug, by }))
      }))

  const of: AppOrganizations["of"] = (app, call) =>
    Effect.suspend(() => {
      const org = configured(app)
      if (org === undefined) return asked(app, call)
      // What flyctl said does not count, so it is not recorded either.
      known.delete(app)
      return isAppName(org)
        ? Effect.succeed<Named>({ slug: org, by: call })
        : Effect.fail(new OrgUnknown({ slug: app }))
    })

  const forget = (app: AppName) => {
    known.delete(app)
  }

  return {
    of,
    isKnown: (app) => configured(app) !== undefined || remembered(app) !== undefined,
    remind: (app, recorded) => {
      if (!known.has(app) && isAppName(recorded) && !OrgRecord.isByLogin(recorded)) known.set(app, recorded)
    },
    orMoved: (app, call, run) =>
      Effect.suspend(() => {
        const before = remembered(app)
        return Effect.catchIf(run, mayHaveMoved, (reason) => {
          forget(app)
          if (before === undefined) return Effect.fail(reason)
          return Effect.flatMap(of(app, call), ({ slug }) => slug === before ? Effect.fail(reason) : run)
        })
      }),
    recordable: remembered,
    forget
  }
}
