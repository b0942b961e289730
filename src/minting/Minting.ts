/** One mint: flyctl is run, what it gave is judged, and left in the store for others. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import type { Background } from "../concurrency/Background.ts"
import * as MintPolicy from "../policy/MintPolicy.ts"
import * as Usability from "../policy/Usability.ts"
import type { WriteReason } from "../records/WriteBehind.ts"
import type { FlyCallOptions, FlyCli } from "../services/FlyCli.ts"
import { type LeaseScope, nameOf } from "../services/Lease.ts"
import { Malformed, type MissReason } from "../services/MissReason.ts"
import type { StoredToken } from "../services/Storage.ts"
import type { Candidate } from "../services/TokenSource.ts"
import { FlyToken } from "../token/FlyToken.ts"
import type { CliGate } from "./CliGate.ts"
import * as Credentials from "./Credentials.ts"
import * as EitherCredential from "./EitherCredential.ts"
import type { Holding } from "./Holdings.ts"
import type * as LeasedMint from "./LeasedMint.ts"
import * as MintPauses from "./MintPauses.ts"
import type { MintRecords } from "./MintRecords.ts"

/** Mints for a holding, as flyctl is called with these options. */
export type Minting = (holding: Holding, call: FlyCallOptions) => LeasedMint.Mint

export const make = (options: {
  readonly cli: FlyCli["Service"]
  readonly gate: CliGate
  readonly credentials: Credentials.Credentials
  readonly pauses: MintPauses.MintPauses
  readonly records: MintRecords
  readonly fork: Background["fork"]
  readonly settings: Pick<MintPolicy.MintSettings, "ttlMillis" | "persistsMinted">
  /** Runs a write behind the callers' backs and reports its failure, with `undefined` then. */
  readonly inBackground: (name: string, write: Effect.Effect<unknown, WriteReason>) => Fiber.Fiber<unknown>
  readonly onMinted: (holding: Holding, candidate: Candidate, now: number) => void
}): Minting => {
  const { cli, credentials, fork, gate, pauses, records, settings } = options
  const { ttlMillis } = settings

  const mintedBy = (
    owner: Holding["owner"],
    { environmentToken }: FlyCallOptions
  ): Effect.Effect<FlyToken, MissReason> => {
    const options = { ttl: Duration.millis(ttlMillis), environmentToken }
    // A layer of another copy of this package gives tokens of its own.
    if ("org" in owner) return Effect.map(gate(() => cli.mintReadonly(owner.org, options)), FlyToken.make)
    // It may write: what is handed out may not.
    return Effect.flatMap(gate(() => cli.mintDeploy(owner.app, options)), (token) =>
      Effect.mapError(
        Effect.fromResult(FlyToken.make(token).attenuate({ readOnly: true })),
        ({ why }) => new Malformed({ why })
      ))
  }

  /** Where each credential means another organization there is only the one that was meant. */
  const mint = ({ asker, owner }: Holding, call: FlyCallOptions) =>
    asker === undefined
      ? EitherCredential.withEither(call, (by) => mintedBy(owner, by))
      : mintedBy(owner, asker.by)

  /** Leaves what was minted in the store, behind the callers' backs; `undefined` if it does not get there. */
  const leave = (scope: LeaseScope | undefined, write: (scope: LeaseScope) => Effect.Effect<boolean, WriteReason>) => {
    if (!settings.persistsMinted || scope === undefined) return Effect.succeed(undefined)
    const writing = options.inBackground(nameOf(scope), write(scope))
    return Effect.map(
      Fiber.await(writing),
      (exit) => Exit.isSuccess(exit) ? exit.value as boolean | undefined : undefined
    )
  }

  const recordOf = ({ acquiredAt, fence, token }: Candidate, login: string | undefined): StoredToken => {
    const expiresAt = Usability.expiryOf(token, { acquiredAt, ttlMillis, now: acquiredAt })
    return {
      token: token.redacted,
      expiresAt: Number.isFinite(expiresAt) ? expiresAt : null,
      source: "cli",
      savedAt: acquiredAt,
      ...(fence === undefined ? {} : { fence }),
      ...(login === undefined ? {} : { login })
    }
  }

  return (holding, call) =>
    Effect.fnUntraced(function*(fence, interruptible): Effect.fn.Return<LeasedMint.Minted, MissReason> {
      const { asker, label, owner, scope } = holding
      const login = Credentials.ahead(fork, credentials(asker?.by ?? call))
      const result = yield* interruptible(Effect.result(mint(holding, call)))
      const now = yield* Clock.currentTimeMillis
      if (Result.isFailure(result)) {
        pauses.failed(label, { reason: result.failure, at: now })
        fork(MintPauses.identifying(pauses, label, login))
        return yield* Effect.fail(result.failure)
      }
      const candidate: Candidate = { token: result.success, acquiredAt: now, fence }
      const reason = MintPolicy.unusable(candidate.token, now, ttlMillis)
      if (reason !== undefined) {
        pauses.unusable(label, { reason, at: now })
        fork(MintPauses.identifying(pauses, label, login))
        // What is no token is no record either.
        const written = leave(
          candidate.token.malformed === undefined ? scope : undefined,
          (scope) => records.writeUseless(scope, (logins) => recordOf(candidate, logins), login)
        )
        return { answer: Exit.fail(reason), stored: Effect.map(written, (written) => written !== undefined) }
      }
      pauses.end(label)
      options.onMinted(holding, candidate, now)
      const written = leave(scope, (scope) => records.write(scope, recordOf(candidate, asker?.login)))
      const isWritten = Effect.map(written, (written) => written === true)
      return {
        answer: Exit.succeed("org" in owner ? candidate : { ...candidate, written: isWritten }),
        // Refused for a newer one: that is what those who wait find.
        stored: Effect.map(written, (written) => written !== undefined)
      }
    })
}
