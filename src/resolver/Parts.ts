/** What the resolvers of all apps share, and `explain` too: the sources, and all that they need. */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as Background from "../concurrency/Background.ts"
import * as Warnings from "../concurrency/Warnings.ts"
import * as MintedTokens from "../minting/MintedTokens.ts"
import type { ResolverSettings } from "../policy/Options.ts"
import * as StoreAccess from "../records/StoreAccess.ts"
import * as StoreReads from "../records/StoreReads.ts"
import * as WriteBehind from "../records/WriteBehind.ts"
import { ConfigFile } from "../services/ConfigFile.ts"
import { Environment } from "../services/Environment.ts"
import { FlyCli } from "../services/FlyCli.ts"
import { Lease, type LeaseError, whyAt } from "../services/Lease.ts"
import * as RecordKey from "../services/RecordKey.ts"
import { Storage } from "../services/Storage.ts"
import { told } from "../token/Redaction.ts"
import type { Judging } from "./Chain.ts"
import * as Sources from "./Sources.ts"
import * as Telemetry from "./Telemetry.ts"
import * as TokenBook from "./TokenBook.ts"

export interface Parts {
  readonly settings: ResolverSettings
  readonly context: Context.Context<never>
  readonly clock: Clock.Clock
  /** From [0, 1). */
  readonly random: () => number
  readonly background: Background.Background
  readonly book: TokenBook.TokenBook
  readonly writes: WriteBehind.WriteBehind
  readonly telemetry: Telemetry.Telemetry
  readonly warn: Warnings.Warnings
  readonly minted: MintedTokens.MintedTokens
  readonly sources: ReadonlyArray<Sources.Source>
  readonly judging: Judging
  readonly writeBehind: WriteBehind.InBackground
}

/** What goes wrong behind the callers' backs is an event and a log line. */
const reporting = ({ clock, telemetry, warn }: Pick<Parts, "clock" | "telemetry" | "warn">) => ({
  onNotWritten: (name: string, reason: StoreAccess.AccessReason) => {
    telemetry.announce(() => ({ _tag: "PersistFailed", name, at: clock.currentTimeMillisUnsafe(), reason }))
    return warn(
      `not written: ${Warnings.causeOf(reason)}`,
      told`fly-tokens: the store did not take what was to be written for ${name}: ${reason.message}`
    )
  },
  onLeaseMissing: (name: string, error: LeaseError) =>
    Effect.suspend(() => {
      telemetry.announce(() => ({ _tag: "LeaseUnavailable", name, at: clock.currentTimeMillisUnsafe(), error }))
      return warn(
        `without a lease: ${error.why}`,
        told`fly-tokens: a token for ${name} is minted without a lease: ${whyAt(error)}`
      )
    })
})

export const make = Effect.fnUntraced(function*(
  settings: ResolverSettings
): Effect.fn.Return<Parts, never, Environment | Storage | ConfigFile | FlyCli | Scope.Scope> {
  const environment = yield* Environment
  const storage = StoreAccess.checked(yield* Storage)
  const configFile = yield* ConfigFile
  const cli = yield* FlyCli
  const lease = yield* Lease
  const context = yield* Effect.context<never>()
  const clock = yield* Clock.Clock
  const random = yield* Random.Random
  const warn = yield* Warnings.make
  const background = yield* Background.make
  const book = TokenBook.make(settings)
  const telemetry = yield* Telemetry.make({ hits: book.hits, resolvers: book.active })
  const limitMillis = settings.storageTimeoutMillis
  const writes = WriteBehind.make(background, storage, limitMillis)
  const { fork } = background
  const reads = StoreReads.make({ storage, gate: StoreAccess.gate(fork, limitMillis), limitMillis, fork })
  const { onLeaseMissing, onNotWritten } = reporting({ telemetry, warn, clock })

  const writeBehind: WriteBehind.InBackground = (name, write) =>
    background.forkWrite(Effect.catch(write, (reason) => Effect.as(onNotWritten(name, reason), undefined)))

  const minted = MintedTokens.make({
    cli,
    environment,
    configFile,
    storage,
    reads,
    writes,
    background,
    settings: {
      ...settings,
      readsStore: settings.chain.includes("storage"),
      persistsMinted: settings.persist.has("cli")
    },
    random: () => random.nextDoubleUnsafe(),
    isRejected: book.isRejected,
    isDenied: (token, now) => book.isDenied(token, "minted", now),
    onCliEnd: telemetry.onCliEnd,
    inBackground: writeBehind,
    lease,
    onLeaseMissing
  })

  return {
    settings,
    context,
    clock,
    random: () => random.nextDoubleUnsafe(),
    background,
    book,
    writes,
    telemetry,
    warn,
    minted,
    sources: Sources.make({ environment, configFile, reads, minted, manual: book.manual, background, settings }),
    judging: {
      ttlMillis: settings.ttlMillis,
      isRejected: book.isRejected,
      isDenied: ({ key }, token, now) => book.isDenied(token, RecordKey.id(RecordKey.cached(key)), now),
      placeOf: ({ key: { app } }) => minted.placeOf(app)
    },
    writeBehind
  }
})
