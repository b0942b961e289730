/**
 * Whether to colour: on a terminal only, and not if `NO_COLOR` is set.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stdio from "effect/Stdio"

const wanted = Effect.orElseSucceed(
  Effect.map(Config.option(Config.String("NO_COLOR")), Option.isNone),
  () => false
)

const canColor = (isTerminal: (stdio: Stdio.Stdio) => Effect.Effect<boolean>) =>
  Effect.flatMap(wanted, (wanted) => wanted ? Effect.flatMap(Stdio.Stdio, isTerminal) : Effect.succeed(false))

/**
 * @category terminal
 * @since 0.1.0
 * @stability stable
 */
export const canColorStdout: Effect.Effect<boolean, never, Stdio.Stdio> = canColor((stdio) => stdio.stdoutIsTerminal)

/**
 * @category terminal
 * @since 0.1.0
 * @stability stable
 */
export const canColorStderr: Effect.Effect<boolean, never, Stdio.Stdio> = canColor((stdio) => stdio.stderrIsTerminal)
