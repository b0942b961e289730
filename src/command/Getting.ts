/** How the command gets a token, and what `fly-tokens get` does, however its words were read. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { FlyTokens } from "../FlyTokens.ts"
import * as FlyTokensNode from "../layers/FlyTokensNode.ts"
import { Environment } from "../services/Environment.ts"
import type { ApiTarget } from "../token/FlyToken.ts"
import * as HandedOut from "./HandedOut.ts"
import * as Render from "./Render.ts"
import * as Terminal from "./Terminal.ts"
import * as UnknownVariables from "./UnknownVariables.ts"

/** Built when a command runs, so that `--help` needs no valid options. */
export const services = Layer.provideMerge(FlyTokens.layerConfig(), FlyTokensNode.layerSourcesConfig)

/**
 * A token for an app, and the mark that it is handed on with. A warning if it was handed out for another app: the
 * environment goes before all other sources, so an inner call takes the token of an outer one.
 */
export const token = Effect.fnUntraced(function*(app: string, options?: { readonly refresh: boolean }) {
  const tokens = yield* FlyTokens
  const resolved = yield* (options?.refresh === true ? tokens.refresh(app) : tokens.get(app))
  const environment = yield* Environment
  const warning = HandedOut.warning(environment, resolved)
  if (warning !== undefined) yield* Effect.logWarning(`fly-tokens: ${warning}: ${HandedOut.hint}`)
  return { resolved, mark: HandedOut.markOf(environment, resolved) }
})

/** What is to be printed for which app. */
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
 * It is run past the command too, so it looks for unknown variables itself.
 */
export const run = Effect.fnUntraced(function*({ app, header, json, refresh }: Asked) {
  yield* UnknownVariables.warn
  const { resolved } = yield* token(app, { refresh })
  yield* Terminal.print(
    json
      ? Render.resolvedJson(resolved, header)
      : header === undefined
      ? resolved.token.value
      : resolved.authorization(header)
  )
}, Effect.provide(services))
