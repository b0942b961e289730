/** What the resolvers of all apps share. */
import type * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { Background } from "../concurrency/Background.ts"
import type { Warnings } from "../concurrency/Warnings.ts"
import type { AppPlaces } from "../minting/AppPlaces.ts"
import type { MintedTokens } from "../minting/MintedTokens.ts"
import type { PendingWrites, WriteReason } from "../records/PendingWrites.ts"
import type { NoTokenAvailable } from "../services/TokenError.ts"
import type { ResolvedToken } from "../services/TokenProvider.ts"
import type { AppName } from "../token/AppName.ts"
import type { FlyToken } from "../token/FlyToken.ts"
import type { AppState } from "./AppState.ts"
import type { Attendance } from "./Attendance.ts"
import type { Demands, Source } from "./Chain.ts"
import type { ResolverSettings } from "./Options.ts"
import type { Telemetry } from "./Telemetry.ts"
import type { TokenCache } from "./TokenCache.ts"

export interface Shared {
  readonly settings: ResolverSettings
  readonly context: Context.Context<never>
  readonly clock: Clock.Clock
  readonly background: Background
  readonly cache: TokenCache
  readonly writes: PendingWrites
  readonly telemetry: Telemetry
  /** From [0, 1). */
  readonly random: () => number
  readonly inBackground: (name: string, write: Effect.Effect<unknown, WriteReason>) => Fiber.Fiber<unknown>
  readonly warn: Warnings
  readonly mintedTokens: MintedTokens
  readonly placeOf: AppPlaces["of"]
  /** Forgets which organization the app is in: it may have moved. */
  readonly forgetPlace: (app: AppName) => void
  readonly chains: {
    readonly all: ReadonlyArray<Source>
    readonly manualOnly: ReadonlyArray<Source>
    readonly withoutManual: ReadonlyArray<Source>
  }
  readonly demands: Demands
  readonly isRejected: (token: FlyToken, now: number) => boolean
  /** Notes a refused token and drops it everywhere in memory; `false` if it was known already. */
  readonly reject: (app: AppName, token: FlyToken, now: number) => boolean
  /** The resolvers that are alive, by app. */
  readonly live: Map<AppName, AppState>
  readonly attendance: Attendance
  /** The service's own `get`, which brings the app's resolver. */
  readonly get: (app: AppName) => Effect.Effect<ResolvedToken, NoTokenAvailable>
}
