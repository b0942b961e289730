/** The command `fly-tokens`. */
import * as Command from "effect/cli/Command"
import { doctor } from "./subcommands/Doctor.ts"
import { env } from "./subcommands/Env.ts"
import { exec } from "./subcommands/Exec.ts"
import { explain } from "./subcommands/Explain.ts"
import { get } from "./subcommands/Get.ts"
import { invalidate } from "./subcommands/Invalidate.ts"
import { list } from "./subcommands/List.ts"
import { set } from "./subcommands/Set.ts"
import { status } from "./subcommands/Status.ts"
import { unset } from "./subcommands/Unset.ts"
import { watch } from "./subcommands/Watch.ts"
import * as UnknownVariables from "./UnknownVariables.ts"

/** `get` says so itself, because it is not always read here; `doctor` finds it. */
const warned = <Name extends string, Input, Context, E, R>(call: Command.Command<Name, Input, Context, E, R>) =>
  Command.provideEffectDiscard(call, UnknownVariables.warn)

/** The command with all its subcommands. */
export const command = Command.make("fly-tokens").pipe(
  Command.withDescription("A valid Fly.io API token per app, from the best source there is"),
  Command.withSubcommands([
    get,
    warned(exec),
    warned(env),
    warned(set),
    warned(unset),
    warned(invalidate),
    warned(status),
    warned(list),
    warned(watch),
    warned(explain),
    doctor
  ])
)
