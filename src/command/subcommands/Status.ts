/** `fly-tokens status` */
import * as Command from "effect/cli/Command"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { config, settingsOf } from "../../resolver/Options.ts"
import { services } from "../Getting.ts"
import { apps, json } from "../Parameters.ts"
import * as RenderStatus from "../RenderStatus.ts"
import * as StoredApps from "../StoredApps.ts"
import * as StoredStandings from "../StoredStandings.ts"
import * as Terminal from "../Terminal.ts"

/** Shows how apps stand by what is stored. */
export const status = Command.make(
  "status",
  { apps, json },
  Effect.fnUntraced(function*({ apps: words, json }) {
    const given = yield* StoredApps.named(words)
    const settings = yield* Effect.flatMap(config(), settingsOf)
    const now = yield* Clock.currentTimeMillis
    const apps = given.length > 0 ? StoredApps.anyOf(given) : yield* StoredApps.stored
    const standings = yield* StoredStandings.ofApps(apps, now, settings)
    const organizations = given.length > 0 ? undefined : yield* StoredStandings.ofOrganizations(now, settings)
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
