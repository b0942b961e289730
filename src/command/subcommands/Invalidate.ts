/** `fly-tokens invalidate` */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { FlyTokens } from "../../FlyTokens.ts"
import { services } from "../Getting.ts"
import { app, json } from "../Parameters.ts"
import * as Terminal from "../Terminal.ts"

/** Drops a cached token. */
export const invalidate = Command.make(
  "invalidate",
  { app, json },
  Effect.fnUntraced(function*({ app, json }) {
    yield* (yield* FlyTokens).invalidate(app)
    yield* Terminal.confirm({ words: `no cached token for ${app} is stored now`, json: { app, cached: null } }, {
      json
    })
  }, Effect.provide(services))
).pipe(Command.withDescription("Drop the cached token of an app, so that the next get asks the sources"))
