/**
 * `fly-tokens status`
 *
 * @since 0.1.0
 */
import * as Command from "effect/cli/Command"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { config, settingsOf } from "../../layers/FlyTokensOptions.ts"
import { Storage, type StorageKey } from "../../services/Storage.ts"
import { services } from "../Getting.ts"
import { apps, json } from "../Parameters.ts"
import * as RenderStatus from "../RenderStatus.ts"
import { appStanding, orgStanding, type Reading } from "../Standing.ts"
import * as StoredApps from "../StoredApps.ts"
import * as Terminal from "../Terminal.ts"

const read = (name: string, key: StorageKey): Effect.Effect<Reading, never, Storage> =>
  Storage.use((storage) => storage.get(name, key)).pipe(
    Effect.map(Option.getOrUndefined),
    Effect.catch((error) => Effect.succeed({ problem: error.message }))
  )

/**
 * Shows how apps stand by what is stored.
 *
 * @category commands
 * @since 0.1.0
 * @stability stable
 */
export const status = Command.make(
  "status",
  { apps, json },
  Effect.fnUntraced(function*({ apps, json }) {
    const given = yield* StoredApps.named(apps)
    const storage = yield* Storage
    const settings = yield* Effect.flatMap(config, settingsOf)
    const now = yield* Clock.currentTimeMillis
    const standings = yield* Effect.forEach(given.length > 0 ? given : yield* StoredApps.stored, (app) =>
      Effect.map(
        Effect.all({ cached: read(app, "cached"), manual: read(app, "manual") }),
        (readings) => appStanding(app, readings, now, settings)
      ))
    const organizations = given.length > 0
      ? undefined
      : yield* Effect.forEach(
        yield* storage.list("org"),
        (org) => Effect.map(read(org, "org"), (reading) => orgStanding(org, reading, now, settings))
      )
    yield* Terminal.print(
      json
        ? RenderStatus.standingsJson(standings, organizations)
        : RenderStatus.standings(standings, organizations, { now, colors: yield* Terminal.canColorStdout })
    )
  }, Effect.provide(services))
).pipe(
  Command.withDescription(
    "Show how apps stand by what is stored: what would serve, time left, next refresh; asks no source, shows no token"
  )
)
