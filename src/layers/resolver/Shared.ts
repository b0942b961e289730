/**
 * What the resolvers of all apps share.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { ResolvedToken, TokenStatus } from "../../services/FlyTokens.ts"
import type { NoTokenAvailable } from "../../services/TokenError.ts"
import type { AppName } from "../../token/AppName.ts"
import type { FlyToken } from "../../token/FlyToken.ts"
import type { ResolverSettings } from "../FlyTokensOptions.ts"
import type { Background } from "./Background.ts"
import type { Source } from "./Chain.ts"
import type { MintedTokens } from "./MintedTokens.ts"
import type { PendingWrites, WriteReason } from "./PendingWrites.ts"
import type { Telemetry } from "./Telemetry.ts"
import type { TokenCache } from "./TokenCache.ts"

/**
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface Shared {
  readonly settings: ResolverSettings
  readonly context: Context.Context<never>
  readonly background: Background
  readonly cache: TokenCache
  readonly writes: PendingWrites
  readonly telemetry: Telemetry
  /** From [0, 1). */
  readonly random: () => number
  readonly inBackground: (name: string, write: Effect.Effect<unknown, WriteReason>) => Fiber.Fiber<unknown>
  readonly mintedTokens: MintedTokens
  readonly chain: ReadonlyArray<Source>
  readonly isRejected: (token: FlyToken, now: number) => boolean
  /** Notes a refused token and drops it everywhere in memory; `false` if it was known already. */
  readonly reject: (app: AppName, token: FlyToken, now: number) => boolean
  /** The resolvers that are alive, by app. */
  readonly live: Map<AppName, AppResolver>
  /** Keeps this app's resolver alive as long as the scope is open. */
  readonly retain: (app: AppName) => Effect.Effect<unknown, never, Scope.Scope>
}

/**
 * The resolver of one app.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface AppResolver {
  readonly get: Effect.Effect<ResolvedToken, NoTokenAvailable>
  readonly refresh: (rejected: FlyToken | undefined) => Effect.Effect<ResolvedToken, NoTokenAvailable>
  /** The cached token was dropped: what is under way must not bring it back. */
  readonly onInvalidated: () => void
  /** The manual token in the store is another one now. */
  readonly onManualChanged: (now: number) => void
  readonly status: (now: number) => TokenStatus
}
