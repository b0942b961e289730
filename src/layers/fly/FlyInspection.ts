/**
 * Which program is used as flyctl, and what it says of itself.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Result from "effect/Result"
import { platform } from "node:process"
import { Environment } from "../../services/Environment.ts"
import type { FlyCliReason } from "../../services/FlyCli.ts"
import { BinaryNotFound, NotExecutable, NotFlyctl } from "../../services/MissReason.ts"
import * as ConfigFileYaml from "./ConfigFileYaml.ts"
import * as FlyBinary from "./FlyBinary.ts"
import * as FlyCliChild from "./FlyCliChild.ts"
import { failureOf } from "./FlyCliFailure.ts"
import * as Output from "./FlyCliOutput.ts"

/**
 * @category models
 * @since 0.1.0
 * @stability stable
 */
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

/**
 * Finds flyctl as its callers do, and asks it for its version: nothing of Fly's is called.
 *
 * @category inspecting
 * @since 0.1.0
 * @stability stable
 */
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
  const passedOver: Array<string> = []
  for (const { path } of found.executable) {
    const ended = yield* FlyCliChild.run(path, ["version", "--json"], {
      environmentToken: false,
      limitBytes: FlyCliChild.answerLimit
    }).pipe(Effect.timeoutOption(FlyCliChild.identifyWithin), Effect.orElseSucceed(() => Option.none()))
    // One that gives no answer at all may be flyctl all the same.
    if (!FlyBinary.isNamedFlyctl(path) && Option.exists(ended, Output.isAnotherProgram)) {
      passedOver.push(path)
      continue
    }
    const version = Option.flatMap(
      ended,
      ({ exitCode, stdout }) => exitCode === 0 ? Output.versionOf(stdout) : Option.none()
    )
    const configFile = Result.getOrUndefined(ConfigFileYaml.locate(environment, paths))
    const failure = Option.isSome(ended) && ended.value.exitCode !== 0
      ? failureOf(ended.value, { subject: "its version", configFile })
      : undefined
    return {
      used: { _tag: "Found", path, version: Option.getOrUndefined(version), failure },
      passedOver
    }
  }
  const [stranger] = passedOver
  const [locked] = found.notExecutable
  const reason = stranger !== undefined
    ? new NotFlyctl({ path: stranger })
    : locked !== undefined
    ? new NotExecutable({ path: locked })
    : new BinaryNotFound({ looked: found.looked })
  return { used: { _tag: "Missing", reason }, passedOver }
})
