/** The sources. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Background from "../concurrency/Background.ts"
import type { MintedTokens } from "../minting/MintedTokens.ts"
import * as Usability from "../policy/Usability.ts"
import type { StoreReads } from "../records/StoreReads.ts"
import type { ConfigFile } from "../services/ConfigFile.ts"
import { type Environment, tokenOf } from "../services/Environment.ts"
import { type MissReason, NotFound } from "../services/MissReason.ts"
import type { SourceName } from "../services/SourceName.ts"
import type { StorageKey, StoredToken } from "../services/Storage.ts"
import { FlyToken } from "../token/FlyToken.ts"
import type { Candidate, ChainRequest, Source } from "./Chain.ts"
import type { ResolverSettings } from "./Options.ts"
import type { TokenCache } from "./TokenCache.ts"

/** Misses of nearly every run: made once, because an error takes its time to collect a stack that nobody reads. */
const notSet = new NotFound({ what: "FLY_ACCESS_TOKEN and FLY_API_TOKEN are not set" })
const notStored = new NotFound({ what: "no stored token" })
const notByHand = new NotFound({ what: "no manual token set" })

export const make = (options: {
  readonly environment: Environment["Service"]
  readonly read: StoreReads
  readonly configFile: ConfigFile["Service"]
  readonly mintedTokens: Pick<MintedTokens, "acquire">
  readonly background: Background.Background
  readonly settings: ResolverSettings
  readonly cache: Pick<TokenCache, "manual">
  readonly isRejected: (token: FlyToken, now: number) => boolean
}): Readonly<Record<SourceName, Source>> => {
  const { background, cache, configFile, environment, mintedTokens, read, settings } = options

  const record = Effect.fnUntraced(
    function*(request: ChainRequest, key: StorageKey, none: NotFound): Effect.fn.Return<StoredToken, MissReason> {
      const found = yield* read(request, request.app, key)
      return Option.isSome(found) ? found.value : yield* none
    }
  )

  const env: Source = {
    name: "env",
    ask: () =>
      Effect.suspend(() => {
        const token = tokenOf(environment)
        return Option.isSome(token)
          ? Effect.map(Clock.currentTimeMillis, (acquiredAt): Candidate => ({ token: token.value, acquiredAt }))
          : Effect.fail(notSet)
      })
  }

  const stored: Source = {
    name: "storage",
    ask: Effect.fnUntraced(function*(request) {
      const { org, savedAt, token: text } = yield* record(request, "cached", notStored)
      const token = FlyToken.make(text)
      // A refresh drops what is stored for the app, also for an app that this process never resolved.
      if (request.isRefresh && !request.dropped.has(token.identity)) {
        request.dropped.add(token.identity)
        request.passedOver = { token, acquiredAt: savedAt, takenFrom: "storage" }
      }
      // One that was rejected is dropped too; that it was is what is to be said of it.
      const isRejected = options.isRejected(token, yield* Clock.currentTimeMillis)
      // What is to be replaced may be of an organization that the app is not in any more.
      if (org !== undefined && !isRejected && !request.isRefresh) request.recordedOrg = org
      if (request.dropped.has(token.identity) && !isRejected) return yield* Usability.notNewer(token)
      return { token, acquiredAt: savedAt }
    })
  }

  const config: Source = {
    name: "config",
    ask: () =>
      Effect.flatMap(
        Background.within(background, configFile.accessToken, {
          option: "configFileTimeout",
          millis: settings.configFileTimeoutMillis
        }),
        // A layer of another copy of this package gives tokens of its own.
        (given) =>
          Effect.map(Clock.currentTimeMillis, (acquiredAt): Candidate => ({ token: FlyToken.make(given), acquiredAt }))
      )
  }

  const cli: Source = { name: "cli", ask: (request) => mintedTokens.acquire(request) }

  const manual: Source = {
    name: "manual",
    ask: Effect.fnUntraced(function*(request) {
      const read = Effect.map(record(request, "manual", notByHand), ({ token }) => FlyToken.make(token))
      const token = yield* Effect.catch(read, (reason) => {
        if (reason._tag === "NotFound") cache.manual.delete(request.app)
        // It cannot be had again from anywhere else: the store may fail, once it is known.
        const known = cache.manual.get(request.app)
        return known === undefined ? Effect.fail(reason) : Effect.succeed(known)
      })
      cache.manual.set(request.app, token)
      // A manual token is not older for having been set long ago: it counts from when it is taken.
      return { token, acquiredAt: yield* Clock.currentTimeMillis }
    })
  }

  return { env, storage: stored, config, cli, manual }
}
