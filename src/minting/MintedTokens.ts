/** Minted tokens: one mint serves all apps of an organization, or one app. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Background from "../concurrency/Background.ts"
import * as SingleFlight from "../concurrency/SingleFlight.ts"
import * as Turns from "../concurrency/Turns.ts"
import type { MintSettings } from "../policy/MintPolicy.ts"
import * as Usability from "../policy/Usability.ts"
import * as StoreReads from "../records/StoreReads.ts"
import type { WriteBehind, WriteReason } from "../records/WriteBehind.ts"
import type { ConfigFile } from "../services/ConfigFile.ts"
import { type Environment, tokenOf } from "../services/Environment.ts"
import * as Fence from "../services/Fence.ts"
import type { FlyCallOptions, FlyCli } from "../services/FlyCli.ts"
import { type Lease, type LeaseError, nameOf } from "../services/Lease.ts"
import type { MissReason } from "../services/MissReason.ts"
import type { Storage } from "../services/Storage.ts"
import type { Candidate, TokenRequest } from "../services/TokenSource.ts"
import type { AppName } from "../token/AppName.ts"
import type { FlyToken } from "../token/FlyToken.ts"
import * as AppOrganizations from "./AppOrganizations.ts"
import type { AppPlaces } from "./AppPlaces.ts"
import * as CliGate from "./CliGate.ts"
import * as Credentials from "./Credentials.ts"
import * as Holdings from "./Holdings.ts"
import type { Holding } from "./Holdings.ts"
import * as LeasedMint from "./LeasedMint.ts"
import * as MintExplanation from "./MintExplanation.ts"
import * as Minting from "./Minting.ts"
import * as MintPauses from "./MintPauses.ts"
import * as MintRecords from "./MintRecords.ts"
import * as StoredHolders from "./StoredHolders.ts"

/** The source `cli`. */
export interface MintedTokens {
  /**
   * A token for the app's organization, or for the app alone: remembered, else from the store, where another process left it, else minted.
   * Apps that share a token share what is under way.
   */
  readonly acquire: (request: TokenRequest) => Effect.Effect<Candidate, MissReason>
  /** What {@link MintedTokens.acquire} would do. */
  readonly explain: (request: TokenRequest) => Effect.Effect<MintExplanation.Answer>
  /** Somebody wants another try: a mint that was put off is made, not sooner than its back-off allows. */
  readonly askAgain: () => void
  /** Forgets a token that is not to be handed out any more. */
  readonly forget: (identity: string) => void
  /** Deletes a token from the store, whichever organization it is of. */
  readonly forgetStored: (identity: string) => Effect.Effect<void, WriteReason>
  /** The app's token was refused: it may have moved to another organization. */
  readonly forgetOrg: (app: AppName) => void
}

export const make = (options: {
  readonly cli: FlyCli["Service"]
  readonly environment: Environment["Service"]
  readonly configFile: ConfigFile["Service"]
  readonly storage: Storage["Service"]
  readonly reads: StoreReads.StoreReads
  readonly writes: WriteBehind
  readonly background: Background.Background
  readonly settings: MintSettings
  /** From [0, 1). */
  readonly random: () => number
  readonly places: AppPlaces
  readonly isRejected: (token: FlyToken, now: number) => boolean
  /** Whether what was minted is replaced, and no copy of it counts any more. */
  readonly isReplaced: (token: FlyToken, now: number) => boolean
  readonly onCliEnd: (tookMillis: number) => void
  /** Runs a write behind the callers' backs and reports its failure, with `undefined` then. */
  readonly inBackground: (name: string, write: Effect.Effect<unknown, WriteReason>) => Fiber.Fiber<unknown>
  readonly lease: Lease
  readonly onLeaseMissing: (name: string, error: LeaseError) => Effect.Effect<void>
}): MintedTokens => {
  const { background, cli, environment, isRejected, places, reads, settings, storage, writes } = options
  const { ttlMillis } = settings
  const remembered = new Map<string, Candidate>()
  // However many apps wait for a mint, they do not go on in one turn.
  const flight = SingleFlight.make<Candidate, MissReason>({
    fork: background.fork,
    join: Turns.make(background.fork).join
  })
  const gate = CliGate.make(background, settings, options.onCliEnd)
  const organizations = AppOrganizations.make({
    cli,
    gate,
    fork: background.fork,
    configured: settings.org,
    cliConcurrency: settings.cliConcurrency
  })
  const pauses = MintPauses.make(settings, options.random)
  const credentials = Credentials.make(options)
  const limitMillis = settings.storageTimeoutMillis
  // What a write needs to know is not interrupted by the end of the layer, which waits for it.
  const readsToWrite = StoreReads.make({ storage, gate: writes.gate, limitMillis })
  const holders = StoredHolders.make({
    storage,
    gate: writes.gate,
    background,
    limit: { option: "storageTimeout", millis: limitMillis },
    ttlMillis
  })
  const records = MintRecords.make({
    reads,
    readsToWrite,
    writes,
    pauses,
    ttlMillis,
    isRejected
  })
  const holdingOf = Holdings.make({ settings, organizations, credentials, pauses, fork: background.fork })

  const fits = (candidate: Candidate, { before, livesPast }: TokenRequest, now: number): boolean => {
    const { token } = candidate
    if (options.isReplaced(token, now)) return false
    // What could not be taken from another source cannot be taken from here.
    if (before.some(({ candidate }) => candidate !== undefined && candidate.token.identity === token.identity)) {
      return false
    }
    return "expiresAt" in Usability.judge(candidate, { now, ttlMillis, livesPast, isRejected })
  }

  const remember = ({ label, scope }: Holding, candidate: Candidate, now: number) => {
    remembered.set(label, candidate)
    if (scope !== undefined && "org" in scope) holders.note(candidate.token.identity, nameOf(scope), now)
  }

  /** What is in the store, or that a mint is of no use now. */
  const left = Effect.fnUntraced(function*(holding: Holding, request: TokenRequest): Effect.fn.Return<
    LeasedMint.Answer | undefined
  > {
    const found = settings.readsStore ? yield* records.read(holding, request.before) : undefined
    if (found !== undefined && fits(found, request, yield* Clock.currentTimeMillis)) return Exit.succeed(found)
    if (request.isRefresh) pauses.hasten(holding.label)
    const reason = yield* pauses.reason(holding.label, credentials(holding.asker?.by ?? callOf(request)))
    return reason === undefined ? undefined : Exit.fail(reason)
  })

  /** flyctl is given the environment's token, if that was not found to be of no use. */
  const callOf = ({ before }: TokenRequest): FlyCallOptions => {
    const token = Option.getOrUndefined(tokenOf(environment))
    const isOfNoUse = before.some(({ candidate }) => candidate?.token.value === token?.value)
    return { environmentToken: token !== undefined && !isOfNoUse }
  }

  const minting = Minting.make({
    cli,
    gate,
    credentials,
    pauses,
    records,
    fork: background.fork,
    settings,
    inBackground: options.inBackground,
    onMinted: remember
  })

  const leased = LeasedMint.make({
    lease: options.lease,
    background,
    waitMillis: settings.leaseWaitMillis,
    onMissing: options.onLeaseMissing
  })

  /** A new token, by one process of all that use the store. Without a store to leave it in, each mints its own. */
  const shared = Effect.fnUntraced(function*(holding: Holding, request: TokenRequest) {
    const leaves = settings.readsStore && settings.persistsMinted && !reads.hasTimedOut(request.before)
    if (leaves && holding.scope !== undefined) {
      return yield* leased(holding.scope, left(holding, request), minting(holding, callOf(request)))
    }
    const fence = Fence.after(undefined, yield* Clock.currentTimeMillis)
    return yield* (yield* minting(holding, callOf(request))(fence, (effect) => effect)).answer
  })

  const recalled = (label: string, now: number): Candidate | undefined => {
    const candidate = remembered.get(label)
    if (candidate === undefined || candidate.acquiredAt <= now) return candidate
    // The clock was set back: a token does not get younger by that.
    const again = { ...candidate, acquiredAt: now }
    remembered.set(label, again)
    return again
  }

  /** Remembered, or in the store. Each request looks for itself: what one may not have, another may. */
  const rememberedOr = Effect.fnUntraced(function*(holding: Holding, request: TokenRequest) {
    const now = yield* Clock.currentTimeMillis
    const current = recalled(holding.label, now)
    if (current !== undefined && fits(current, request, now)) return current
    const answer = yield* left(holding, request)
    if (answer === undefined) return undefined
    const found = yield* answer
    remember(holding, found, now)
    return found
  })

  /** A token tells the numbers of whom it was minted for; whose they are is sure only if Fly said where the app is. */
  const learnPlace = ({ owner }: Holding, { key: { app } }: TokenRequest, { from, token }: Candidate) => {
    const isSure = "app" in owner
      ? from === undefined
      : settings.org(app) === undefined
    if (isSure) places.learn(app, token)
  }

  const heldOrMinted = Effect.fnUntraced(function*(
    holding: Holding,
    request: TokenRequest
  ): Effect.fn.Return<Candidate, MissReason> {
    for (;;) {
      const found = yield* rememberedOr(holding, request)
      if (found !== undefined) return found
      const candidate = yield* flight(holding.label, shared(holding, request))
      // A mint is new, so it fits whoever joined. What another process left fits the one who looked, perhaps not all.
      if (candidate.from === undefined) return candidate
      const now = yield* Clock.currentTimeMillis
      if (fits(candidate, request, now)) {
        remember(holding, candidate, now)
        return candidate
      }
    }
  })

  /** Not of a token that is to be replaced, or was refused: it may be of an organization that the app is not in any more. */
  const recordedOrg = ({ before, isRefresh }: TokenRequest): string | undefined =>
    isRefresh
      ? undefined
      : before.find(({ candidate, reason }) => candidate?.org !== undefined && reason._tag !== "Rejected")?.candidate
        ?.org

  const acquire = Effect.fnUntraced(function*(request: TokenRequest): Effect.fn.Return<Candidate, MissReason> {
    const { app } = request.key
    const call = callOf(request)
    if (request.isRefresh) pauses.hasten(Holdings.lookupLabel(app))
    organizations.remind(app, recordedOrg(request))
    const acquired = Effect.flatMap(
      holdingOf(app, call),
      (holding) =>
        Effect.map(heldOrMinted(holding, request), (candidate) => {
          learnPlace(holding, request, candidate)
          const org = organizations.recordable(app)
          return org === undefined ? candidate : { ...candidate, org }
        })
    )
    return yield* settings.mintFor === "app" ? acquired : organizations.orMoved(app, call, acquired)
  })

  const explain = MintExplanation.make({
    ...options,
    gate,
    records,
    pauses,
    credentials,
    callOf
  })

  return {
    acquire,
    explain,
    askAgain: () => pauses.hasten(),
    forgetOrg: organizations.forget,
    forget: (identity) => {
      for (const [label, { token }] of remembered) {
        if (token.identity === identity) remembered.delete(label)
      }
    },
    forgetStored: Effect.fnUntraced(function*(identity) {
      const names = yield* holders.of(identity, yield* Clock.currentTimeMillis)
      yield* Effect.forEach(names, (name) => writes.drop({ kind: "org", name }, identity), {
        concurrency: "unbounded",
        discard: true
      })
    })
  }
}
