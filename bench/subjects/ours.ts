import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { FlyTokensOptions, ResolvedToken } from "../../dist/index.js"
import { ConfigFile, Environment, FlyCli, FlyTokens, MissReason, StorageMemory } from "../../dist/index.js"
import { type FlyTokensClient, fromLayer } from "../../dist/promise.js"
import { TestToken } from "../../dist/testing.js"
import { ours as name } from "../harness/Result.ts"
import type { Client, EffectClient, Subject } from "./Client.ts"
import * as Runtime from "./runtime.ts"
import * as Source from "./Source.ts"

/** A real macaroon, whose end is read out of it. */
const minted = (source: Source.Source) =>
  Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    const token = yield* TestToken.make({ life: source.life })
    source.issued.set(token.value, now + source.life)
    return token
  })

/** The resolver over a source in the place of flyctl, an empty store in memory, and nothing else. */
export const layerOver = (source: Source.Source, options: FlyTokensOptions = {}) => {
  const mint = Source.callWith(source, minted).pipe(
    Effect.catchTag("SourceDown", () => Effect.fail(new MissReason.NotLoggedIn()))
  )
  const cli = Layer.succeed(FlyCli)({
    mintReadonly: () => mint,
    mintDeploy: () => mint,
    listApps: () => Effect.succeed(new Map()),
    orgOf: (app) => Effect.succeed<string>(app)
  })
  const sources = Layer.mergeAll(Environment.layerRecord({}), StorageMemory.layer, ConfigFile.layerDisabled, cli)
  return FlyTokens.layer({
    // Each app in an organization of its own: what is got for one key is not there for another.
    org: (app) => app,
    ...(Number.isFinite(source.limit) ? { cliTimeout: source.limit } : {}),
    ...options
  }).pipe(Layer.provide(sources))
}

const tokenOf = (answer: unknown): string => (answer as ResolvedToken).token.value

export interface OurEffectClient extends EffectClient {
  readonly tokens: FlyTokens["Service"]
}

const openFibers = async (
  source: Source.Source,
  { movable = false, ...options }: FlyTokensOptions & { readonly movable?: boolean } = {}
): Promise<OurEffectClient> => {
  // On a clock that is moved by hand, refreshes come at exact times.
  const exact = movable ? { softExpiryJitter: 0 } : {}
  const runtime = await Runtime.make(layerOver(source, { ...exact, ...options }), movable)
  const tokens = await runtime.runPromise(FlyTokens.use(Effect.succeed))
  return {
    ...Runtime.client(runtime, (key) => tokens.get(key)),
    tokens,
    tokenOf,
    replace: (key, answer) => runtime.runPromise(tokens.refresh(key, { rejected: (answer as ResolvedToken).token }))
  }
}

/** In fibers. */
export const ours = { name, clock: "Effect", open: openFibers } satisfies Subject<EffectClient>

export interface OurClient extends Client {
  readonly client: FlyTokensClient
}

/** Without Effect. */
export const oursPromises = {
  name: `${name} (promises)`,
  open: async (source: Source.Source): Promise<OurClient> => {
    const client = fromLayer(layerOver(source), { log: () => {} })
    return {
      client,
      get: client.get,
      one: (key) => () => client.get(key),
      tokenOf,
      replace: (key, answer) => client.refresh(key, { rejected: (answer as ResolvedToken).token }),
      close: client.close
    }
  }
} satisfies Subject
