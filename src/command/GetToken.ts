/** Getting a token for an app, and what `fly-tokens get` does, however its words were read. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { FlyTokens } from "../FlyTokens.ts"
import * as FlyTokensNode from "../layers/FlyTokensNode.ts"
import { Environment } from "../services/Environment.ts"
import type { Get } from "./CommandLine.ts"
import * as Output from "./Output.ts"
import * as TokenMark from "./TokenMark.ts"
import * as UnknownVariables from "./UnknownVariables.ts"

/** Built when a command runs, so that `--help` needs no valid options. */
export const services = Layer.provideMerge(FlyTokens.layerConfig(), FlyTokensNode.layerSourcesConfig)

/** A token for an app, and the mark that it is handed on with; a warning if it was handed out for another app. */
export const token = Effect.fnUntraced(function*(app: string, refresh = false) {
  const tokens = yield* FlyTokens
  const resolved = yield* (refresh ? tokens.refresh(app) : tokens.get(app))
  const { mark, warning } = TokenMark.of(yield* Environment, resolved)
  if (warning !== undefined) yield* Effect.logWarning(`fly-tokens: ${warning}: ${TokenMark.hint}`)
  return { resolved, mark }
})

/** Prints a token. It is run past the command too, so it looks for unknown variables itself. */
export const print = Effect.fnUntraced(function*({ app, header, json, refresh }: Get) {
  yield* UnknownVariables.warn
  const { resolved } = yield* token(app, refresh)
  const secret = header === undefined ? resolved.token.value : resolved.authorization(header)
  const { expiresAt, source } = resolved
  yield* Output.show({
    asJson: json,
    json: { app: resolved.app, [header === undefined ? "token" : "header"]: secret, source, expiresAt },
    text: () => secret
  })
}, Effect.provide(services))
