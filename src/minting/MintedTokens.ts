/** Minted tokens: one mint serves all apps of an organization, or one app. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Background from "../concurrency/Background.ts"
import * as SingleFlight from "../concurrency/SingleFlight.ts"
import * as TimedMap from "../concurrency/TimedMap.ts"
import * as Turns from "../concurrency/Turns.ts"
import type { PendingWrites, WriteReason } from "../records/PendingWrites.ts"
import * as StoreReads from "../records/StoreReads.ts"
import type { Candidate, ChainRequest } from "../resolver/Chain.ts"
import * as Chain from "../resolver/Chain.ts"
import type { ResolverSettings } from "../resolver/Options.ts"
import type { ConfigFile } from "../services/ConfigFile.ts"
import { type Environment, tokenOf } from "../services/Environment.ts"
import * as Fence from "../services/Fence.ts"
import type { FlyCallOptions, FlyCli } from "../services/FlyCli.ts"
import { type Lease, type LeaseError, nameOf } from "../services/Lease.ts"
import type { MissReason } from "../services/MissReason.ts"
import type { Storage } from "../services/Storage.ts"
import type { AppName } from "../token/AppName.ts"
import type { FlyToken } from "../token/FlyToken.ts"
import * as AppOrganizations from "./AppOrganizations.ts"
import type { AppPlaces } from "./AppPlaces.ts"
import * as CliGate from "./CliGate.ts"
import * as Credentials from "./Credentials.ts"
import * as Holdings from "./Holdings.ts"
import type { Holding } from "./Holdings.ts"
import * as LeasedMint from "./LeasedMint.ts"
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
  readonly acquire: (request: ChainRequest) => Effect.Effect<Candidate, MissReason>
  /** Somebody wants another try: a mint that was put off is made, not sooner than its back-off allows. */
  readonly askAgain: () => void
  /** Forgets a token, so that nobody is served with it from here any more. */
  readonly forget: (identity: string, now: number) => void
  /** Takes that back. */
  readonly recall: (identity: string) => void
  /** Deletes a token from the store, whichever organization it is of. */
  readonly forgetStored: (identity: string) => Effect.Effect<void, WriteReason>
  /** The organization that flyctl named for an app, to be kept in the app's record. */
  readonly recordableOrg: (app: AppName) => string | undefined
  /** The app's token was refused: it may have moved to another organization. */
  readonly forgetOrg: (app: AppName) => void
}

export const make = (options: {
  readonly cli: FlyCli["Service"]
  readonly environment: Environment["Service"]
  readonly configFile: ConfigFile["Service"]
  readonly storage: Storage["Service"]
  readonly read: StoreReads.StoreReads
  readonly writes: PendingWrites
  readonly background: Background.Background
  readonly settings: ResolverSettings
  /** From [0, 1). */
  readonly random: () => number
  readonly places: AppPlaces
  readonly isRejected: (token: FlyToken, now: number) => boolean
  readonly onCliEnd: (tookMillis: number) => void
  /** Runs a write behind the callers' backs and reports its failure, with `undefined` then. */
  readonly inBackground: (name: string, write: Effect.Effect<unknown, WriteReason>) => Fiber.Fiber<unknown>
  readonly lease: Lease
  readonly onLeaseMissing: (name: string, error: LeaseError) => Effect.Effect<void>
}): MintedTokens => {
  const { background, cli, environment, places, read, settings, storage, writes } = options
  const demands: Chain.Demands = { ttlMillis: settings.ttlMillis, isRejected: options.isRejected }
  const remembered = new Map<string, Candidate>()
  /** Tokens that were dropped: a record or a reading under way must not bring them back as long as they could live. */
  const forgotten = TimedMap.make<true>(settings.ttlMillis)
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
  const readToWrite = StoreReads.make({ storage, gate: writes.gate, limitMillis })
  const holders = StoredHolders.make({
    storage,
    gate: writes.gate,
    background,
    limit: { option: "storageTimeout", millis: limitMillis },
    ttlMillis: settings.ttlMillis
  })
  const readsStore = settings.chain.includes("storage")
  const records = MintRecords.make({
    read,
    readToWrite,
    writes,
    pauses,
    demands
  })
  const holdingOf = Holdings.make({ settings, organizations, credentials, pauses, fork: background.fork })

  const fits = (candidate: Candidate, request: ChainRequest, now: number): boolean => {
    // The identity takes a digest, and mostly nothing was dropped.
    if (request.dropped.size > 0 && request.dropped.has(candidate.token.identity)) return false
    if (forgotten.size() > 0 && forgotten.has(candidate.token.identity, now)) return false
    return "candidate" in Chain.judge(candidate, now, request.longerThan, demands)
  }

  const remember = ({ label, scope }: Holding, candidate: Candidate, now: number) => {
    remembered.set(label, candidate)
    if (scope !== undefined && "org" in scope) holders.note(candidate.token.identity, nameOf(scope), now)
  }

  /** What is in the store, or that a mint is of no use now. */
  const left = Effect.fnUntraced(function*(holding: Holding, request: ChainRequest): Effect.fn.Return<
    LeasedMint.Answer | undefined
  > {
    const found = readsStore ? yield* records.read(holding, request) : undefined
    if (found !== undefined && fits(found, request, yield* Clock.currentTimeMillis)) return Exit.succeed(found)
    if (request.isRefresh) pauses.hasten(holding.label)
    const reason = yield* pauses.reason(holding.label, credentials(holding.asker?.by ?? callOf(request)))
    return reason === undefined ? undefined : Exit.fail(reason)
  })

  /** Whether flyctl is given the environment's token: not one that was found unusable. */
  const givesToken = (request: ChainRequest) => !request.environmentMissed && Option.isSome(tokenOf(environment))

  const callOf = (request: ChainRequest): FlyCallOptions => ({ environmentToken: givesToken(request) })

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
  const shared = Effect.fnUntraced(function*(holding: Holding, request: ChainRequest) {
    if (readsStore && settings.persist.has("cli") && !request.storageTimedOut && holding.scope !== undefined) {
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
  const had = Effect.fnUntraced(function*(holding: Holding, request: ChainRequest) {
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
  const learnPlace = ({ owner }: Holding, request: ChainRequest, { takenFrom, token }: Candidate) => {
    const isSure = "app" in owner
      ? takenFrom === undefined
      : settings.org(request.app) === undefined
    if (isSure) places.learn(request.app, token)
  }

  const heldOrMinted = Effect.fnUntraced(function*(
    holding: Holding,
    request: ChainRequest
  ): Effect.fn.Return<Candidate, MissReason> {
    for (;;) {
      const found = yield* had(holding, request)
      if (found !== undefined) return found
      const candidate = yield* flight(holding.label, shared(holding, request))
      // A mint is new, so it fits whoever joined. What another process left fits the one who looked, perhaps not all.
      if (candidate.takenFrom === undefined) return candidate
      const now = yield* Clock.currentTimeMillis
      if (fits(candidate, request, now)) {
        remember(holding, candidate, now)
        return candidate
      }
    }
  })

  const acquire = Effect.fnUntraced(function*(request: ChainRequest): Effect.fn.Return<Candidate, MissReason> {
    const { app } = request
    const call = callOf(request)
    if (request.isRefresh) pauses.hasten(Holdings.lookupLabel(app))
    organizations.remind(app, request.recordedOrg)
    const acquired = Effect.flatMap(
      holdingOf(app, call),
      (holding) =>
        Effect.map(heldOrMinted(holding, request), (candidate) => {
          learnPlace(holding, request, candidate)
          return candidate
        })
    )
    return yield* settings.mintFor === "app" ? acquired : organizations.orMoved(app, call, acquired)
  })

  return {
    acquire,
    askAgain: () => pauses.hasten(),
    recordableOrg: organizations.recordable,
    forgetOrg: organizations.forget,
    forget: (identity, now) => {
      forgotten.set(identity, true, now)
      for (const [label, { token }] of remembered) {
        if (token.identity === identity) remembered.delete(label)
      }
    },
    recall: forgotten.delete,
    forgetStored: Effect.fnUntraced(function*(identity) {
      const names = yield* holders.of(identity, yield* Clock.currentTimeMillis)
      yield* Effect.forEach(names, (name) => writes.drop(name, "org", identity), {
        concurrency: "unbounded",
        discard: true
      })
    })
  }
}
