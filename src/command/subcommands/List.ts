/** `fly-tokens list` */
import * as Command from "effect/cli/Command"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as OrgRecord from "../../policy/OrgRecord.ts"
import { FlyToken } from "../../token/FlyToken.ts"
import { services } from "../Getting.ts"
import { json } from "../Parameters.ts"
import * as Render from "../Render.ts"
import * as StoredRecords from "../StoredRecords.ts"
import * as Terminal from "../Terminal.ts"

const shown = ({ key, name: stored, record }: StoredRecords.ListedRecord): Render.ListedRecord => {
  const name = key === "org" ? OrgRecord.slugOf(stored) : stored
  return Result.match(record, {
    onFailure: ({ message }) => ({ name, kept: key, problem: message }),
    onSuccess: ({ expiresAt, savedAt, source, token }) => {
      const { fingerprint } = FlyToken.make(token)
      return { name, kept: key, source, fingerprint, savedAt, expiresAt }
    }
  })
}

/** Shows what is stored. */
export const list = Command.make(
  "list",
  { json },
  Effect.fnUntraced(function*({ json }) {
    const found = (yield* Effect.forEach(StoredRecords.keys, (key) => StoredRecords.mapUnder(key, shown))).flat()
    yield* Terminal.print(
      json
        ? Render.recordsJson(found)
        : Render.records(found, { now: yield* Clock.currentTimeMillis, colors: yield* Terminal.canColorStdout })
    )
  }, Effect.provide(services))
).pipe(Command.withDescription("Show what is stored: apps, organizations, expiry; never a token"))
