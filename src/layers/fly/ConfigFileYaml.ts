/**
 * flyctl's `config.yml`.
 *
 * @since 0.1.0
 */
import * as ByteSize from "effect/ByteSize"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as Result from "effect/Result"
import * as Portions from "../../concurrency/Portions.ts"
import * as SingleFlight from "../../concurrency/SingleFlight.ts"
import { ConfigFile, type ConfigFileReason } from "../../services/ConfigFile.ts"
import { Environment } from "../../services/Environment.ts"
import { NotFound } from "../../services/MissReason.ts"
import type { FlyToken } from "../../token/FlyToken.ts"
import * as TextFile from "../TextFile.ts"
import type { Read } from "./ConfigFileText.ts"
import * as FlyHome from "./FlyHome.ts"

/** flyctl's own file has a few kilobytes. */
const maxBytes = ByteSize.kibibytes(256)

/** flyctl (v0.4.87) truncates and writes in place: what looks torn is read again before it is believed. */
const rereads = 3
const rereadAfter = Duration.millis(75)

const miss = (reason: ConfigFileReason): Read => ({ result: Result.fail(reason), maybeTorn: false })

const make = Effect.gen(function*() {
  const fileSystem = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const environment = yield* Environment
  const scope = yield* Effect.scope
  const context = yield* Effect.context<never>()

  const readOnce = (path: string): Effect.Effect<Read> =>
    Effect.gen(function*() {
      const text = yield* TextFile.read(fileSystem, path, maxBytes)
      const { interpret } = yield* Effect.promise(() => import("./ConfigFileText.ts"))
      return yield* Portions.inPortions(() => interpret(text, path))
    }).pipe(Effect.catch((reason) => Effect.succeed(miss(reason))))

  const read = Effect.gen(function*() {
    const path = yield* Effect.fromResult(FlyHome.configFile(environment, paths))
    let latest = yield* readOnce(path)
    for (let i = 0; i < rereads && latest.maybeTorn; i++) {
      yield* Effect.sleep(rereadAfter)
      latest = yield* readOnce(path)
    }
    return yield* Effect.fromResult(latest.result)
  })

  /** One that hangs (a network file system) ends some time. */
  const bounded = Effect.timeoutOrElse(read, {
    duration: Duration.seconds(30),
    orElse: () => Effect.fail(new NotFound({ what: "the config file gave no answer" }))
  })

  // Apps that start together share one reading.
  const flight = SingleFlight.make<FlyToken, ConfigFileReason>({
    fork: (run) => Fiber.runIn(Effect.runForkWith(context)(run), scope),
    // Longer than a reading takes, and shorter than anybody waits for one.
    joinFor: 250
  })
  return ConfigFile.of({ accessToken: flight("config.yml", bounded) })
})

/**
 * Reads `$FLY_CONFIG_DIR/config.yml`, else `~/.fly/config.yml`; never writes it.
 *
 * **Details**
 *
 * Read anew on each run of the chain, once for all apps that ask at the same moment. A file that is empty, not YAML, or
 * holds a cut-off token is read again up to 3 times, 75 ms apart, because flyctl rewrites it in place.
 *
 * @category layers
 * @since 0.1.0
 * @stability stable
 */
export const layer: Layer.Layer<ConfigFile, never, FileSystem.FileSystem | Path.Path | Environment> = Layer.effect(
  ConfigFile,
  make
)
