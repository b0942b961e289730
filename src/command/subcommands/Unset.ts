/** `fly-tokens unset` */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { FlyTokens } from "../../FlyTokens.ts"
import { services } from "../Getting.ts"
import { app, json } from "../Parameters.ts"
import * as Terminal from "../Terminal.ts"

/** Removes a manual token. */
export const unset = Command.make(
  "unset",
  { app, json },
  Effect.fnUntraced(function*({ app, json }) {
    yield* (yield* FlyTokens).removeManual(app)
    yield* Terminal.confirm({ words: `no manual token for ${app} is stored now`, json: { app, manual: null } }, {
      json
    })
  }, Effect.provide(services))
).pipe(Command.withDescription("Remove the manual token of an app"))
