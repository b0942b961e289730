/**
 * Minted tokens: one mint serves all apps of an organization, or one app.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Usability from "../../policy/Usability.ts"
import { type Environment, tokenOf } from "../../services/Environment.ts"
import * as Fence from "../../services/Fence.ts"
import type { FlyCli } from "../../services/FlyCli.ts"
import { labelOf, type Lease, type LeaseError, nameOf } from "../../services/Lease.ts"
import { Malformed, type MissReason } from "../../services/MissReason.ts"
import type { Storage, StorageKey } from "../../services/Storage.ts"
import type { AppName } from "../../token/AppName.ts"
import type { FlyToken } from "../../token/FlyToken.ts"
import type { ResolverSettings } from "../FlyTokensOptions.ts"
import * as SingleFlight from "../SingleFlight.ts"
import * as AppOrganizations from "./AppOrganizations.ts"
import * as Background from "./Background.ts"
import type { Candidate, ChainRequest } from "./Chain.ts"
import * as Chain from "./Chain.ts"
import * as CliGate from "./CliGate.ts"
import * as LeasedMint from "./LeasedMint.ts"
import type { PendingWrites, WriteReason } from "./PendingWrites.ts"
import { storageFailed } from "./PendingWrites.ts"
import * as StoreReads from "./StoreReads.ts"
import * as TimedSet from "./TimedSet.ts"

/**
 * The source `cli`.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface MintedTokens {
  /**
   * A token for the app's organization, or for the app alone: remembered, else from the store, where another process left it, else minted.
   * Apps that share a token share what is under way.
   */
  readonly acquire: (request: ChainRequest) => Effect.Effect<Candidate, MissReason>
  /** Forgets a token, so that nobody is served with it from here any more. */
  readonly forget: (identity: string, now: number) => void
  /** Takes that back. */
  readonly recall: (identity: string) => void
  /** Deletes a token from the store, whichever organization it is of. */
  readonly forgetStored: (identity: string) => Effect.Effect<void, WriteReason>
}

/** Whom a token is minted for is what its lease is about. */
type Scope = { readonly org: string } | { readonly app: AppName }

/** Where it is stored. An app's token is the app's record, so that it is not kept twice. */
const keyOf = (scope: Scope): StorageKey => "org" in scope ? "org" : "cached"

/**
 * @category constructors
 * @since 0.1.0
 * @stability stable
 */
export const make = (options: {
  readonly cli: FlyCli["Service"]
  readonly environment: Environment["Service"]
  readonly storage: Storage["Service"]
  readonly writes: PendingWrites
  readonly background: Background.Background
  readonly settings: ResolverSettings
  readonly isRejected: (token: FlyToken, now: number) => boolean
  readonly onCliEnd: (tookMillis: number) => void
  /** Runs a write behind the callers' backs and reports its failure, with `undefined` then. */
  readonly inBackground: (name: string, write: Effect.Effect<unknown, WriteReason>) => Fiber.Fiber<unknown>
  readonly lease: Lease
  readonly onLeaseMissing: (name: string, error: LeaseError) => Effect.Effect<void>
}): MintedTokens => {
  const { background, cli, environment, settings, storage, writes } = options
  const demands: Chain.Demands = { ttlMillis: settings.ttlMillis, isRejected: options.isRejected }
  const remembered = new Map<string, Candidate>()
  /** Tokens that were dropped: a record or a reading under way must not bring them back as long as they could live. */
  const forgotten = TimedSet.make(settings.ttlMillis)
  const flight = SingleFlight.make<Candidate, MissReason>({ fork: background.fork })
  const gate = CliGate.make(background, settings, options.onCliEnd)
  const organizations = AppOrganizations.make({ cli, gate, fork: background.fork, configured: settings.org })
  const storageLimit = { option: "storageTimeout", millis: settings.storageTimeoutMillis }
  const readsStore = settings.chain.includes("storage")
  const read = StoreReads.make({ storage, background, limitMillis: settings.storageTimeoutMillis })

  const fits = (candidate: Candidate, request: ChainRequest, now: number): boolean => {
    // The identity takes a digest, and mostly nothing was dropped.
    if (request.dropped.size > 0 && request.dropped.has(candidate.token.identity)) return false
    if (forgotten.size() > 0 && forgotten.has(candidate.token.identity, now)) return false
    return "candidate" in Chain.judge(candidate, now, request.longerThan, demands)
  }

  const stored = Effect.fnUntraced(function*(scope: Scope, request: ChainRequest) {
    if (!readsStore) return undefined
    // The mint is not held up by a store that fails: the app's own reads report it.
    const record = yield* Effect.orElseSucceed(read(request, nameOf(scope), keyOf(scope)), () => Option.none())
    if (Option.isNone(record)) return undefined
    const candidate: Candidate = {
      ...StoreReads.candidateOf(record.value),
      ...("org" in scope ? {} : { written: Effect.succeed(true) })
    }
    return fits(candidate, request, yield* Clock.currentTimeMillis) ? candidate : undefined
  })

  const mintedBy = (scope: Scope, environmentToken: boolean): Effect.Effect<FlyToken, MissReason> => {
    const options = { ttl: Duration.millis(settings.ttlMillis), environmentToken }
    if ("org" in scope) return gate(cli.mintReadonly(scope.org, options))
    // It may write: what is handed out may not.
    return Effect.flatMap(gate(cli.mintDeploy(scope.app, options)), (token) =>
      Effect.mapError(
        Effect.fromResult(token.attenuate({ readOnly: true })),
        ({ why }) => new Malformed({ why })
      ))
  }

  /** Whether flyctl is given the environment's token: not one that was found unusable. */
  const givesToken = (request: ChainRequest) => !request.environmentMissed && Option.isSome(tokenOf(environment))

  /** Refused with the environment's token, once more with flyctl's login. */
  const mint = (scope: Scope, request: ChainRequest) =>
    givesToken(request)
      ? Effect.catchIf(mintedBy(scope, true), ({ _tag }) => _tag === "MintRefused", () => mintedBy(scope, false))
      : mintedBy(scope, false)

  /** Mints, remembers it, and stores it behind the callers' backs. */
  const minted = (scope: Scope, request: ChainRequest): LeasedMint.Mint =>
    Effect.fnUntraced(function*(fence, interruptible): Effect.fn.Return<LeasedMint.Minted, MissReason> {
      const token = yield* interruptible(mint(scope, request))
      const now = yield* Clock.currentTimeMillis
      const candidate: Candidate = { token, acquiredAt: now, fence }
      const expiresAt = Usability.expiryOf(token, { acquiredAt: now, ttlMillis: settings.ttlMillis, now })
      if (Usability.defectOf(token, expiresAt, now) !== undefined) return { candidate, stored: Effect.succeed(false) }
      const label = labelOf(scope)
      remembered.set(label, candidate)
      if (!settings.persist.has("cli")) return { candidate, stored: Effect.succeed(false) }
      const write = options.inBackground(
        nameOf(scope),
        writes.put(nameOf(scope), keyOf(scope), {
          token: token.redacted,
          expiresAt: Number.isFinite(expiresAt) ? expiresAt : null,
          source: "cli",
          savedAt: now,
          fence
        })
      )
      const outcome = Effect.map(Fiber.await(write), (exit) => Exit.isSuccess(exit) ? exit.value : undefined)
      return {
        candidate: "org" in scope
          ? candidate
          : { ...candidate, written: Effect.map(outcome, (written) => written === true) },
        // Refused for a newer one: that is what those who wait find.
        stored: Effect.map(outcome, (written) => written !== undefined)
      }
    })

  const leased = LeasedMint.make({
    lease: options.lease,
    background,
    waitMillis: settings.leaseWaitMillis,
    onMissing: options.onLeaseMissing
  })

  /** A new token, by one process of all that use the store. Without a store to leave it in, each mints its own. */
  const shared = Effect.fnUntraced(function*(scope: Scope, request: ChainRequest) {
    if (readsStore && settings.persist.has("cli") && !request.storageTimedOut) {
      return yield* leased(scope, stored(scope, request), minted(scope, request))
    }
    const fence = Fence.after(undefined, yield* Clock.currentTimeMillis)
    return (yield* minted(scope, request)(fence, (effect) => effect)).candidate
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
  const had = Effect.fnUntraced(function*(scope: Scope, request: ChainRequest) {
    const now = yield* Clock.currentTimeMillis
    const current = recalled(labelOf(scope), now)
    if (current !== undefined && fits(current, request, now)) return current
    const found = yield* stored(scope, request)
    if (found !== undefined) remembered.set(labelOf(scope), found)
    return found
  })

  const acquire = Effect.fnUntraced(function*(request: ChainRequest): Effect.fn.Return<Candidate, MissReason> {
    const scope: Scope = settings.mintFor === "app"
      ? { app: request.app }
      : { org: yield* organizations.of(request.app, { environmentToken: givesToken(request) }) }
    for (;;) {
      const found = yield* had(scope, request)
      if (found !== undefined) return found
      const candidate = yield* flight(labelOf(scope), shared(scope, request)).pipe(
        Effect.tapError((reason) =>
          reason._tag === "OrgUnknown" ? Effect.sync(() => organizations.forget(request.app)) : Effect.void
        )
      )
      // A mint is new, so it fits whoever joined. What another process left fits the one who looked, perhaps not all.
      if (candidate.takenFrom === undefined) return candidate
      const now = yield* Clock.currentTimeMillis
      if (fits(candidate, request, now)) {
        remembered.set(labelOf(scope), candidate)
        return candidate
      }
    }
  })

  return {
    acquire,
    forget: (identity, now) => {
      forgotten.add(identity, now)
      for (const [label, { token }] of remembered) {
        if (token.identity === identity) remembered.delete(label)
      }
    },
    recall: forgotten.delete,
    forgetStored: (identity) =>
      Effect.flatMap(
        Background.within(
          // A write, for those who close the layer: they wait for it.
          { ...background, fork: background.forkWrite },
          Effect.mapError(Effect.suspend(() => storage.list("org")), storageFailed),
          storageLimit
        ),
        (orgs) => Effect.forEach(orgs, (org) => writes.drop(org, "org", identity), { discard: true })
      )
  }
}
