/** `fly-tokens list`: the records of the store as they are. */
import * as Command from "effect/cli/Command"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as OrgRecord from "../../policy/OrgRecord.ts"
import type { StorageKey } from "../../services/Storage.ts"
import { FlyToken } from "../../token/FlyToken.ts"
import { services } from "../GetToken.ts"
import * as Output from "../Output.ts"
import * as Render from "../Render.ts"
import * as StoredRecords from "../StoredRecords.ts"
import { json } from "./Parameters.ts"

/** What is told of a record. Never the token. */
export type Row =
  & { readonly name: string; readonly kept: StorageKey }
  & (
    | {
      readonly source: string
      readonly fingerprint: string
      readonly savedAt: number
      readonly expiresAt: number | null
    }
    | { readonly problem: string }
  )

const rowOf = ({ key, name: stored, stored: record }: StoredRecords.StoredRecord): Row => {
  const name = key === "org" ? OrgRecord.slugOf(stored) : stored
  if (Result.isFailure(record)) return { name, kept: key, problem: record.failure.message }
  const { expiresAt, savedAt, source, token } = record.success
  return { name, kept: key, source, fingerprint: FlyToken.make(token).fingerprint, savedAt, expiresAt }
}

export const table = (rows: ReadonlyArray<Row>, { colors, now }: Render.Style): string =>
  rows.length === 0 ? "nothing is stored" : Render.table(
    ["NAME", "KEPT AS", "SOURCE", "TOKEN", "SAVED", "EXPIRES"],
    rows.map((row) => [
      row.name,
      row.kept,
      ...("problem" in row
        ? ["-", "-", "-", row.problem]
        : [row.source, row.fingerprint, Render.fromNow(row.savedAt, now), Render.expiry(row.expiresAt, now)])
    ]),
    colors
  )

export const list = Command.make(
  "list",
  { json },
  Effect.fnUntraced(function*({ json: asJson }) {
    const rows = (yield* Effect.forEach(StoredRecords.keys, (key) => StoredRecords.map(key, rowOf))).flat()
    const now = yield* Clock.currentTimeMillis
    yield* Output.show({ asJson, json: rows, text: (colors) => table(rows, { now, colors }) })
  }, Effect.provide(services))
).pipe(Command.withDescription("Show what is stored: apps, organizations, expiry; never a token"))
