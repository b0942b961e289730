/**
 * What `fly-tokens get` does, however its words were read.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as FlyTokensLive from "../layers/FlyTokensLive.ts"
import * as FlyTokensNode from "../layers/FlyTokensNode.ts"
import { FlyTokens } from "../services/FlyTokens.ts"
import type { ApiTarget } from "../token/FlyToken.ts"
import * as Render from "./Render.ts"
import * as Terminal from "./Terminal.ts"

/**
 * Built when a command runs, so that `--help` needs no valid options.
 *
 * @category layers
 * @since 0.1.0
 * @stability stable
 */
export const services = Layer.provideMerge(FlyTokensLive.layerConfig, FlyTokensNode.layerSourcesConfig)

/**
 * What is to be printed for which app.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface Asked {
  readonly app: string
  readonly json: boolean
  readonly refresh: boolean
  /** The API whose header's value is wanted; `undefined`: the token. */
  readonly header: ApiTarget | undefined
}

/**
 * Prints a token.
 *
 * @category running
 * @since 0.1.0
 * @stability stable
 */
export const run = Effect.fnUntraced(function*({ app, header, json, refresh }: Asked) {
  const tokens = yield* FlyTokens
  const resolved = yield* (refresh ? tokens.refresh(app) : tokens.get(app))
  yield* Terminal.print(
    json
      ? Render.resolvedJson(resolved, header)
      : header === undefined
      ? resolved.token.value
      : resolved.authorization(header)
  )
}, Effect.provide(services))
