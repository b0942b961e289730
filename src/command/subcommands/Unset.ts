/**
 * `fly-tokens unset`
 *
 * @since 0.1.0
 */
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { FlyTokens } from "../../services/FlyTokens.ts"
import { app, services } from "../Parameters.ts"

/**
 * Removes a manual token.
 *
 * @category commands
 * @since 0.1.0
 * @stability stable
 */
export const unset = Command.make(
  "unset",
  { app },
  Effect.fnUntraced(function*({ app }) {
    yield* (yield* FlyTokens).removeManual(app)
    yield* Console.error(`no manual token for ${app} is stored now`)
  }, Effect.provide(services))
).pipe(Command.withDescription("Remove the manual token of an app"))
