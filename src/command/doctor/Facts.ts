/** Where the facts for a diagnosis come from, and how they are found out: nothing is written, nothing waited for long. */
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as StorageFileSystem from "../../layers/file/StorageFileSystem.ts"
import * as EnvironmentProcess from "../../layers/fly/EnvironmentProcess.ts"
import * as FlyTokensNode from "../../layers/FlyTokensNode.ts"
import * as NodePlatform from "../../layers/NodePlatform.ts"
import { fromDefect } from "../../services/MissReason.ts"
import { optional } from "../../services/OptionConfig.ts"
import { variables } from "../../services/OptionName.ts"
import { type Finding, finding } from "./Finding.ts"

export const binary = Effect.orElseSucceed(optional(Config.String(variables.binary)), () => undefined)

/** The services of the other calls, but the store is for reading only. Building them fails with no option that is wrong. */
export const services = Layer.mergeAll(
  Layer.unwrap(Effect.map(binary, (binary) => FlyTokensNode.layerFly({ binary }))),
  // The directory is `FLY_TOKENS_DIR`, which it reads itself.
  StorageFileSystem.layerReadOnly().pipe(Layer.provide(EnvironmentProcess.layer))
).pipe(Layer.provideMerge(NodePlatform.layer))

/** What was found out, or why it was not. */
export type Fact<A> = Result.Result<A, Finding>

const died = "a bug in this check, or a file of a kind that nobody expects; the other checks are not touched by it"

/** Finds out what may take long, die, or never end. The limit is for what reads files or asks a binary for its version. */
export const find = <A, R>(
  effect: Effect.Effect<A, never, R>,
  limit: Duration.Duration = Duration.seconds(12)
): Effect.Effect<Fact<A>, never, R> =>
  effect.pipe(
    Effect.timeoutOption(limit),
    Effect.map(Option.match({
      onNone: () => Result.fail(finding("problem", `no answer within ${Duration.toSeconds(limit)} s`, "try again")),
      onSome: (value) => Result.succeed(value)
    })),
    Effect.catchDefect((defect) => Effect.succeed(Result.fail(finding("problem", fromDefect(defect).message, died))))
  )

/** What a fact shows. */
export const show = <A>(
  fact: Fact<A>,
  findings: (value: A) => ReadonlyArray<Finding> | Finding
): ReadonlyArray<Finding> => [Result.match(fact, { onFailure: (why) => why, onSuccess: findings })].flat()
