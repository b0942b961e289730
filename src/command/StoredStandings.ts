/** How apps and organizations stand, read from the store. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Storage } from "../services/Storage.ts"
import type { StorageError } from "../services/TokenError.ts"
import type { AppName } from "../token/AppName.ts"
import {
  type AppStanding,
  appStanding,
  type OrgStanding,
  orgStanding,
  type Reading,
  type StandingSettings
} from "./Standing.ts"
import type { KeptApps } from "./StoredApps.ts"
import * as StoredRecords from "./StoredRecords.ts"

const readingOf = (found: StoredRecords.ListedRecord | undefined): Reading =>
  found === undefined
    ? undefined
    : Result.match(found.record, { onFailure: ({ message }) => ({ problem: message }), onSuccess: (stored) => stored })

/** Of apps, by the records that each may have. */
export const ofApps = (
  apps: KeptApps,
  now: number,
  settings: StandingSettings
): Effect.Effect<ReadonlyArray<AppStanding>, never, Storage> => {
  const read = (app: AppName, keys: ReadonlyArray<string>, key: "cached" | "manual") =>
    keys.includes(key) ? Effect.map(StoredRecords.read(app, key), readingOf) : Effect.undefined
  return Effect.forEach(
    apps,
    ([app, keys]) =>
      Effect.map(
        Effect.all({ cached: read(app, keys, "cached"), manual: read(app, keys, "manual") }),
        (readings) => appStanding(app, readings, now, settings)
      ),
    { concurrency: StoredRecords.atOnce }
  )
}

/** Of all organizations. */
export const ofOrganizations = (
  now: number,
  settings: StandingSettings
): Effect.Effect<ReadonlyArray<OrgStanding>, StorageError, Storage> =>
  StoredRecords.mapUnder("org", (found) => orgStanding(found.name, readingOf(found), now, settings))
