/** Whom a token for an app is minted for: its organization, or the app alone. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Background } from "../concurrency/Background.ts"
import * as CliReasons from "../policy/CliReasons.ts"
import type { MintSettings } from "../policy/MintPolicy.ts"
import * as OrgRecord from "../policy/OrgRecord.ts"
import type { FlyCallOptions } from "../services/FlyCli.ts"
import { labelOf, type LeaseScope } from "../services/Lease.ts"
import { type MissReason, OrgUnknown } from "../services/MissReason.ts"
import type { Candidate, TokenRequest } from "../services/TokenSource.ts"
import { type AppName, isAppName } from "../token/AppName.ts"
import type { FlyToken } from "../token/FlyToken.ts"
import * as Grants from "../token/Grants.ts"
import * as AppLookup from "./AppLookup.ts"
import * as CliCalls from "./CliCalls.ts"
import type { MintPauses } from "./MintPauses.ts"

export interface Target {
  readonly owner: CliCalls.Owner
  /** What the lease and the record are about; `undefined` if the token is kept in memory only. */
  readonly scope: LeaseScope | undefined
  readonly label: string
  /** Who asks, if that tells organizations apart. */
  readonly asker: Asker | undefined
}

/** Who asks, by the only credential that means this organization, and a digest of that one, if it can be told. */
interface Asker {
  readonly by: FlyCallOptions
  readonly login: string | undefined
}

/** The slug of an organization, and for which call it was told: another one may mean another organization by it. */
export interface Named {
  readonly slug: string
  readonly by: FlyCallOptions
}

export interface Targets {
  /**
   * Uses the target of the app that is asked for. If that fails as it does where the app is in another organization by
   * now, it is done once more if flyctl names another one. The answer says which organization is to be recorded.
   */
  readonly use: (
    request: TokenRequest,
    use: (target: Target) => Effect.Effect<Candidate, MissReason>
  ) => Effect.Effect<Candidate, MissReason>
  /** The target of an app in an organization. */
  readonly in: (app: AppName, named: Named) => Effect.Effect<Target>
  /** The organization by flyctl's word, which is asked for it if it has not said it yet. */
  readonly told: (app: AppName, call: FlyCallOptions) => Effect.Effect<Named, MissReason>
  /** The app may have moved: which organization it is in is asked anew, and its numbers are not known. */
  readonly forget: (app: AppName) => void
  /** Fly's numbers of the app and its organization, as far as tokens that were minted for them tell. */
  readonly placeOf: (app: AppName) => Grants.Place | undefined
  readonly forgetPlace: (app: AppName) => void
}

interface Options {
  readonly cli: CliCalls.CliCalls
  readonly pauses: MintPauses
  readonly fork: Background["fork"]
  readonly settings: Pick<MintSettings, "cliConcurrency" | "mintFor" | "org">
}

const targetOf = (owner: CliCalls.Owner, asker?: Asker): Target => {
  const name = "app" in owner ? owner.app : OrgRecord.nameOf(owner.org, asker?.login)
  const scope = name === undefined ? undefined : "app" in owner ? owner : { org: name }
  const credential = asker?.by.environmentToken === true ? "token" : "login"
  return { owner, scope, label: scope === undefined ? `${labelOf(owner)}/${credential}` : labelOf(scope), asker }
}

/** The label of the question which organization an app is in. */
const lookupLabel = (app: AppName): string => `lookup/${app}`

/**
 * What flyctl says of the organizations of apps, with either credential. Answers are kept in `known` as long as the layer
 * lives, failures are not; and not what each login means something else by: the next one who asks may be somebody else, in
 * this process too.
 */
const makeAsking = ({ cli, fork, pauses, settings }: Options, known: Map<string, string>) => {
  const lookup = (call: FlyCallOptions) =>
    AppLookup.make({
      askOne: (app) => cli.orgOf(app, call),
      askAll: cli.listApps(call),
      concurrency: settings.cliConcurrency,
      fork,
      known
    })
  const byToken = lookup({ environmentToken: true })
  const byLogin = lookup({ environmentToken: false })

  const told: Targets["told"] = (app, call) =>
    CliCalls.withEither(
      call,
      (by) => Effect.map(by.environmentToken ? byToken(app) : byLogin(app), (slug): Named => ({ slug, by }))
    )

  /** A question that hung is not asked again at once, as little as a mint is. */
  const ask: Targets["told"] = Effect.fnUntraced(function*(app, call) {
    if (known.has(app)) return yield* told(app, call)
    const label = lookupLabel(app)
    const reason = yield* pauses.reason(label, cli.login(call))
    if (reason !== undefined) return yield* Effect.fail(reason)
    const answer = yield* Effect.result(told(app, call))
    // Only one that hung is put off: others cost nothing that lasts.
    if (Result.isFailure(answer) && answer.failure._tag === "TimedOut") {
      // The login is not read before, as for a mint: there are as many questions as apps.
      pauses.failed(label, { reason: answer.failure, at: yield* Clock.currentTimeMillis }, cli.login(call))
    } else pauses.end(label)
    return yield* Effect.fromResult(answer)
  })

  return { told, ask }
}

/** Where apps are, by Fly's numbers. */
const makePlaces = ({ org }: Pick<MintSettings, "org">) => {
  const places = new Map<AppName, Grants.Place>()
  /** The apps of an organization share what its token says. */
  const read = new WeakMap<FlyToken, Grants.Place>()
  return {
    of: (app: AppName) => places.get(app),
    forget: (app: AppName) => {
      places.delete(app)
    },
    /** A token tells the numbers of whom it was minted for; whose they are is sure only if Fly said where the app is. */
    learn: (app: AppName, { owner }: Target, { from, token }: Candidate) => {
      const isSure = "app" in owner ? from === undefined : org(app) === undefined
      if (!isSure) return
      const place = read.get(token) ?? Grants.placeOf(token)
      read.set(token, place)
      if (place.org !== undefined || place.app !== undefined) places.set(app, place)
    }
  }
}

/** The organization that the app's record names; not that of a token that is to be replaced, or was refused. */
const recordedOrg = ({ isRefresh, misses }: TokenRequest): string | undefined =>
  isRefresh
    ? undefined
    : misses.find(({ candidate, reason }) => candidate?.org !== undefined && reason._tag !== "Rejected")?.candidate?.org

export const make = (options: Options): Targets => {
  const { cli, pauses, settings } = options
  const known = new Map<string, string>()
  const { ask, told } = makeAsking(options, known)
  const places = makePlaces(settings)

  /** By the option `org`, else by flyctl's word. */
  const named = (app: AppName, call: FlyCallOptions, ask: Targets["told"]): Effect.Effect<Named, MissReason> =>
    Effect.suspend(() => {
      const org = settings.org(app)
      if (org === undefined) return ask(app, call)
      // What flyctl said does not count, so it is not recorded either.
      known.delete(app)
      return isAppName(org) ? Effect.succeed({ slug: org, by: call }) : Effect.fail(new OrgUnknown({ slug: app }))
    })

  const inOrg: Targets["in"] = Effect.fnUntraced(function*(app, { by, slug }) {
    if (settings.mintFor === "app") return targetOf({ app })
    return targetOf({ org: slug }, OrgRecord.isByLogin(slug) ? { by, login: yield* cli.login(by) } : undefined)
  })

  const of = (app: AppName, call: FlyCallOptions) =>
    settings.mintFor === "app"
      ? Effect.succeed(targetOf({ app }))
      : Effect.flatMap(named(app, call, ask), (named) => inOrg(app, named))

  /** Once more, if the organization that was known is another one by now. */
  const orMoved = <A>(app: AppName, call: FlyCallOptions, run: Effect.Effect<A, MissReason>) => {
    const before = known.get(app)
    return Effect.catchIf(run, CliReasons.mayHaveMoved, (reason) => {
      known.delete(app)
      if (before === undefined) return Effect.fail(reason)
      return Effect.flatMap(named(app, call, told), ({ slug }) => slug === before ? Effect.fail(reason) : run)
    })
  }

  return {
    use: (request, use) =>
      Effect.suspend(() => {
        const { app } = request.key
        const call = cli.optionsFor(request)
        if (request.isRefresh) pauses.hasten(lookupLabel(app))
        const recorded = recordedOrg(request)
        if (!known.has(app) && isAppName(recorded) && !OrgRecord.isByLogin(recorded)) known.set(app, recorded)
        const used = Effect.gen(function*() {
          const target = yield* of(app, call)
          const candidate = yield* use(target)
          places.learn(app, target, candidate)
          const org = known.get(app)
          return org === undefined ? candidate : { ...candidate, org }
        })
        return settings.mintFor === "app" ? used : orMoved(app, call, used)
      }),
    in: inOrg,
    told,
    forget: (app) => {
      known.delete(app)
      places.forget(app)
    },
    placeOf: places.of,
    forgetPlace: places.forget
  }
}
