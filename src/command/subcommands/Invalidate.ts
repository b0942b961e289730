/**
 * `fly-tokens invalidate`
 *
 * @since 0.1.0
 */
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { FlyTokens } from "../../services/FlyTokens.ts"
import { app, services } from "../Parameters.ts"

/**
 * Drops a cached token.
 *
 * @category commands
 * @since 0.1.0
 * @stability stable
 */
export const invalidate = Command.make(
  "invalidate",
  { app },
  Effect.fnUntraced(function*({ app }) {
    yield* (yield* FlyTokens).invalidate(app)
    yield* Console.error(`no cached token for ${app} is stored now`)
  }, Effect.provide(services))
).pipe(Command.withDescription("Drop the cached token of an app, so that the next get asks the sources"))
