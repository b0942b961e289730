/**
 * `fly-tokens list`
 *
 * @since 0.1.0
 */
import * as Command from "effect/cli/Command"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as OrgRecord from "../../policy/OrgRecord.ts"
import { Storage, type StorageKey } from "../../services/Storage.ts"
import { FlyToken } from "../../token/FlyToken.ts"
import { services } from "../Getting.ts"
import { json } from "../Parameters.ts"
import * as Render from "../Render.ts"
import * as Terminal from "../Terminal.ts"

const keys: ReadonlyArray<StorageKey> = ["cached", "manual", "org"]

const listed = (name: string, kept: StorageKey) =>
  Storage.use((storage) => storage.get(name, kept)).pipe(
    Effect.map(Option.map((record): Render.ListedRecord => ({
      name: kept === "org" ? OrgRecord.slugOf(name) : name,
      kept,
      source: record.source,
      fingerprint: FlyToken.make(record.token).fingerprint,
      savedAt: record.savedAt,
      expiresAt: record.expiresAt
    }))),
    Effect.catch((error) => Effect.succeedSome<Render.ListedRecord>({ name, kept, problem: error.message }))
  )

/**
 * Shows what is stored.
 *
 * @category commands
 * @since 0.1.0
 * @stability stable
 */
export const list = Command.make(
  "list",
  { json },
  Effect.fnUntraced(function*({ json }) {
    const storage = yield* Storage
    const records = yield* Effect.forEach(
      keys,
      (key) => Effect.flatMap(storage.list(key), (names) => Effect.forEach(names, (name) => listed(name, key)))
    )
    const found = records.flat().flatMap(Option.toArray)
    yield* Terminal.print(
      json
        ? Render.recordsJson(found)
        : Render.records(found, { now: yield* Clock.currentTimeMillis, colors: yield* Terminal.canColorStdout })
    )
  }, Effect.provide(services))
).pipe(Command.withDescription("Show what is stored: apps, organizations, expiry; never a token"))
