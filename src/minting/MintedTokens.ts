/** Minted tokens: one mint serves all apps of an organization, or one app. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as SingleFlight from "../concurrency/SingleFlight.ts"
import * as Turns from "../concurrency/Turns.ts"
import type { MintSettings } from "../policy/MintPolicy.ts"
import type { AccessReason } from "../records/StoreAccess.ts"
import type { ConfigFile } from "../services/ConfigFile.ts"
import type { Environment } from "../services/Environment.ts"
import type { FlyCli } from "../services/FlyCli.ts"
import type { MissReason } from "../services/MissReason.ts"
import type { Candidate, TokenRequest } from "../services/TokenSource.ts"
import * as CliCalls from "./CliCalls.ts"
import * as Mint from "./Mint.ts"
import * as MintExplanation from "./MintExplanation.ts"
import * as MintPauses from "./MintPauses.ts"
import * as MintRecords from "./MintRecords.ts"
import * as Targets from "./Targets.ts"

/** The source `cli`. */
export interface MintedTokens extends Pick<Targets.Targets, "placeOf" | "forgetPlace"> {
  /**
   * A token for the app's organization, or for the app alone: remembered, else from the store, where another process left
   * it, else minted. Apps that share a token share what is under way.
   */
  readonly acquire: (request: TokenRequest) => Effect.Effect<Candidate, MissReason>
  /** What {@link MintedTokens.acquire} would do. */
  readonly explain: (request: TokenRequest) => Effect.Effect<MintExplanation.Answer>
  /** Somebody wants another try: a mint that was put off is made, not sooner than its back-off allows. */
  readonly askAgain: () => void
  /** Forgets a token that is not to be handed out any more. */
  readonly forget: (identity: string) => void
  /** Deletes a token from the store, whichever organization it is of. */
  readonly deleteStored: (identity: string) => Effect.Effect<void, AccessReason>
  /** The app may have moved to another organization. */
  readonly forgetOrg: Targets.Targets["forget"]
}

interface Options extends Omit<MintRecords.Options, "settings">, Pick<Mint.Options, "lease" | "onLeaseMissing"> {
  readonly cli: FlyCli["Service"]
  readonly environment: Environment["Service"]
  readonly configFile: ConfigFile["Service"]
  readonly settings: MintSettings
  /** From [0, 1). */
  readonly random: () => number
  readonly onCliEnd: (tookMillis: number) => void
}

const partsOf = (options: Options) => {
  const { background, settings } = options
  const { fork } = background
  const cli = CliCalls.make(options)
  const pauses = MintPauses.make(settings, options.random, fork)
  const targets = Targets.make({ cli, pauses, fork, settings })
  const records = MintRecords.make({ ...options, pauses })
  return {
    ...options,
    cli,
    pauses,
    targets,
    records,
    // However many apps wait for a mint, they do not go on in one turn.
    flight: SingleFlight.make<Candidate, MissReason>({ fork, join: Turns.make(fork).join })
  }
}

type Parts = ReturnType<typeof partsOf>

/** What is in the store, or that a mint is of no use now. */
const left = Effect.fnUntraced(function*(
  { cli, pauses, records, settings }: Parts,
  target: Targets.Target,
  request: TokenRequest
): Effect.fn.Return<Mint.Answer | undefined> {
  const found = settings.readsStore ? yield* records.read(target, request.misses) : undefined
  if (found !== undefined && records.fits(found, request, yield* Clock.currentTimeMillis)) return Exit.succeed(found)
  if (request.isRefresh) pauses.hasten(target.label)
  const reason = yield* pauses.reason(target.label, cli.login(target.asker?.by ?? cli.optionsFor(request)))
  return reason === undefined ? undefined : Exit.fail(reason)
})

/** Remembered, or in the store. Each request looks for itself: what one may not have, another may. */
const rememberedOrLeft = Effect.fnUntraced(function*(
  parts: Parts,
  target: Targets.Target,
  request: TokenRequest
): Effect.fn.Return<Candidate | undefined, MissReason> {
  const now = yield* Clock.currentTimeMillis
  const current = parts.records.recall(target, request, now)
  if (current !== undefined) return current
  const answer = yield* left(parts, target, request)
  if (answer === undefined) return undefined
  const found = yield* answer
  parts.records.remember(target, found, now)
  return found
})

const minted = (parts: Parts, target: Targets.Target, request: TokenRequest) =>
  parts.flight(
    target.label,
    Effect.suspend(() => {
      const { cli, reads, settings } = parts
      // Without a store to leave it in, each process mints its own.
      const isShared = settings.readsStore && settings.persistsMinted && !reads.hasTimedOut(request.misses)
      return Mint.run(parts, target, cli.optionsFor(request), isShared ? left(parts, target, request) : undefined)
    })
  )

const foundOrMinted = Effect.fnUntraced(function*(
  parts: Parts,
  target: Targets.Target,
  request: TokenRequest
): Effect.fn.Return<Candidate, MissReason> {
  for (;;) {
    const found = yield* rememberedOrLeft(parts, target, request)
    if (found !== undefined) return found
    const candidate = yield* minted(parts, target, request)
    // A mint is new, so it fits whoever joined. What another process left fits the one who looked, perhaps not all.
    if (candidate.from === undefined) return candidate
    const now = yield* Clock.currentTimeMillis
    if (parts.records.fits(candidate, request, now)) {
      parts.records.remember(target, candidate, now)
      return candidate
    }
  }
})

export const make = (options: Options): MintedTokens => {
  const parts = partsOf(options)
  const { pauses, records, targets } = parts
  return {
    acquire: (request) => targets.use(request, (target) => foundOrMinted(parts, target, request)),
    explain: MintExplanation.make(parts),
    askAgain: () => pauses.hasten(),
    forget: records.forget,
    deleteStored: records.drop,
    placeOf: targets.placeOf,
    forgetPlace: targets.forgetPlace,
    forgetOrg: targets.forget
  }
}
