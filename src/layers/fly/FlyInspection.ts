/** Which program is used as flyctl, and what it says of itself. */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Result from "effect/Result"
import { platform } from "node:process"
import { Environment } from "../../services/Environment.ts"
import type { FlyCliReason } from "../../services/FlyCli.ts"
import type { BinaryNotFound, NotExecutable, NotFlyctl } from "../../services/MissReason.ts"
import * as ConfigFileYaml from "./ConfigFileYaml.ts"
import * as FlyBinary from "./FlyBinary.ts"
import * as FlyCliChild from "./FlyCliChild.ts"
import { failureOf } from "./FlyCliFailure.ts"
import * as Output from "./FlyCliOutput.ts"
import * as FlyCliShim from "./FlyCliShim.ts"

export interface Inspected {
  /** The file that is used, or why there is none. */
  readonly used:
    | {
      readonly _tag: "Found"
      readonly path: string
      readonly version: string | undefined
      /** Why it does not say its version, if it ended by saying something else. */
      readonly failure: FlyCliReason | undefined
    }
    | { readonly _tag: "Missing"; readonly reason: BinaryNotFound | NotExecutable | NotFlyctl }
  /** Files of that name that are another program (Concourse's client is a `fly` too). */
  readonly passedOver: ReadonlyArray<string>
}

/** Finds flyctl as its callers do, and asks it for its version: nothing of Fly's is called. */
export const inspect = Effect.fnUntraced(function*(
  binary: string | undefined
): Effect.fn.Return<
  Inspected,
  never,
  ChildProcessSpawner | FileSystem.FileSystem | Path.Path | Environment
> {
  const environment = yield* Environment
  const paths = yield* Path.Path
  const found = yield* FlyBinary.find(environment, { binary, windows: platform === "win32" })
  const strangers: Array<string> = []
  const unrunnable: Array<string> = []
  for (const { path } of found.executable) {
    const asked = yield* FlyCliShim.run(path, ["version", "--json"], {
      environmentToken: false,
      limitBytes: FlyCliChild.answerLimit
    }, new Set()).pipe(Effect.timeoutOption(FlyCliChild.identifyWithin), Effect.result)
    if (Result.isFailure(asked) && asked.failure._tag === "NotExecutable") {
      unrunnable.push(path)
      continue
    }
    // One that gives no answer at all may be flyctl all the same.
    const ended = Result.isSuccess(asked) ? asked.success : Option.none()
    const identity = FlyBinary.isNamedFlyctl(path) ? "unclear" : Option.match(ended, {
      onNone: () => "unclear" as const,
      onSome: Output.identityOf
    })
    if (identity === "another") strangers.push(path)
    else if (identity === "nothing") unrunnable.push(path)
    else {
      const version = Option.flatMap(
        ended,
        ({ exitCode, stdout }) => exitCode === 0 ? Output.versionOf(stdout) : Option.none()
      )
      const configFile = Result.getOrUndefined(ConfigFileYaml.locate(environment, paths))
      const failure = Option.isSome(ended) && ended.value.exitCode !== 0
        ? failureOf(ended.value, { subject: "its version", configFile })
        : undefined
      return { used: { _tag: "Found", path, version: Option.getOrUndefined(version), failure }, passedOver: strangers }
    }
  }
  const reason = FlyBinary.missing(found, { strangers, unrunnable })
  return { used: { _tag: "Missing", reason }, passedOver: strangers }
})
