/** `fly-tokens status`: what is stored, judged as the sources judge it. */
import * as Command from "effect/cli/Command"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { ResolverSettings } from "../../policy/Options.ts"
import * as OrgRecord from "../../policy/OrgRecord.ts"
import * as RefreshPolicy from "../../policy/RefreshPolicy.ts"
import * as Usability from "../../policy/Usability.ts"
import type { SourceName } from "../../services/SourceName.ts"
import { Storage } from "../../services/Storage.ts"
import type { AppName } from "../../token/AppName.ts"
import { FlyToken } from "../../token/FlyToken.ts"
import { configuredSettings } from "../ConfiguredSettings.ts"
import { services } from "../GetToken.ts"
import * as Output from "../Output.ts"
import * as Render from "../Render.ts"
import * as StoredRecords from "../StoredRecords.ts"
import { apps, json } from "./Parameters.ts"

/** The options that it depends on. */
export type Settings = RefreshPolicy.RefreshSettings & Pick<ResolverSettings, "chain" | "ttlMillis">

/** A stored token without its secret, why its record cannot be read, or `null` if there is none. */
export type TokenStatus =
  | {
    readonly source: string
    readonly fingerprint: string
    readonly savedAt: number
    readonly expiresAt: number
    /** When its refresh is due at the latest; `null` if none will be. */
    readonly refreshAt: number | null
    /** Why it is not handed out; `null` if it is. */
    readonly unusable: string | null
  }
  | { readonly problem: string }
  | null

export interface AppStatus {
  readonly app: string
  /** What of the store a `get` would be served with, if no source before it has a token. */
  readonly serves: "cached" | "manual" | null
  readonly cached: TokenStatus
  readonly manual: TokenStatus
}

/** `organizations` is left out if apps were named. */
export interface Status {
  readonly apps: ReadonlyArray<AppStatus>
  readonly organizations: ReadonlyArray<{ readonly org: string; readonly token: TokenStatus }> | undefined
}

/** Judges a record. A manual token is not older for having been set long ago. */
const tokenStatus = ({ key, stored }: StoredRecords.StoredRecord, now: number, settings: Settings): TokenStatus => {
  if (Result.isFailure(stored)) return { problem: stored.failure.message }
  const { savedAt, source } = stored.success
  const token = FlyToken.make(stored.success.token)
  const acquiredAt = key === "manual" ? now : savedAt
  const expiresAt = Usability.expiryOf(token, { acquiredAt, ttlMillis: settings.ttlMillis, now })
  const unusable = Usability.whyInvalid(token, expiresAt, now)?.message ?? null
  const refreshAt = RefreshPolicy.refreshAt({ acquiredAt, expiresAt }, now, settings, 0)
  return {
    source,
    fingerprint: token.fingerprint,
    savedAt,
    expiresAt,
    refreshAt: unusable === null && Number.isFinite(refreshAt) ? refreshAt : null,
    unusable
  }
}

const usable = (status: TokenStatus) =>
  status !== null && !("problem" in status) && status.unusable === null ? status : undefined

/** The records that sources take tokens from. */
const kept: Partial<Record<SourceName, "cached" | "manual">> = { storage: "cached", manual: "manual" }

/** Reads how these apps stand, or all that are stored, and then the organizations too. */
export const read = Effect.fnUntraced(function*(
  named: ReadonlyArray<AppName> | undefined,
  now: number,
  settings: Settings
) {
  const judged = (record: StoredRecords.StoredRecord) => [record.name, tokenStatus(record, now, settings)] as const
  const of = Effect.fnUntraced(function*(key: "cached" | "manual") {
    const names = named ?? (yield* Storage.use((storage) => storage.list(key)))
    return { names, statuses: new Map(yield* StoredRecords.mapOf(names, key, judged)) }
  })
  const cached = yield* of("cached")
  const manual = yield* of("manual")
  const organizations = named === undefined ? yield* StoredRecords.map("org", judged) : undefined
  return {
    // By what was listed: a corrupt record that is set aside as it is read is of an app too.
    apps: (named ?? StoredRecords.appsOf(cached.names, manual.names)).map((app): AppStatus => {
      const tokens = { cached: cached.statuses.get(app) ?? null, manual: manual.statuses.get(app) ?? null }
      const inOrder = settings.chain.flatMap((source) => kept[source] ?? [])
      return { app, serves: inOrder.find((key) => usable(tokens[key])) ?? null, ...tokens }
    }),
    organizations: organizations?.map(([name, token]) => ({ org: OrgRecord.slugOf(name), token }))
  } satisfies Status
})

const inWords = (status: TokenStatus): string =>
  status === null ? "-" : "problem" in status ? status.problem : status.unusable ?? status.fingerprint

const cells = (status: TokenStatus, now: number): ReadonlyArray<string> => {
  const token = usable(status)
  if (token === undefined) return ["-", "-", "-", "-"]
  const { expiresAt, fingerprint, refreshAt, savedAt } = token
  const refresh = refreshAt === null ? "never" : Render.fromNow(Math.max(refreshAt, now), now)
  return [fingerprint, Render.fromNow(expiresAt, now), refresh, Render.fromNow(savedAt, now)]
}

/** Apps as a table, one row each, and organizations as another. */
export const tables = ({ apps, organizations = [] }: Status, { colors, now }: Render.Style): string => {
  const columns = ["TOKEN", "EXPIRES", "REFRESH", "SAVED"]
  const appRows = apps.map(({ app, cached, manual, serves }) => [
    app,
    serves ?? (cached === null && manual === null ? "nothing stored" : "nothing usable"),
    ...cells(serves === "cached" ? cached : serves === "manual" ? manual : null, now),
    inWords(cached),
    inWords(manual)
  ])
  const organizationRows = organizations.map(({ org, token }) => [
    org,
    ...cells(token, now),
    usable(token) === undefined ? inWords(token) : ""
  ])
  const tables = [
    { head: ["APP", "SERVES", ...columns, "CACHED", "MANUAL"], rows: appRows },
    { head: ["ORGANIZATION", ...columns, ""], rows: organizationRows }
  ].filter(({ rows }) => rows.length > 0)
  return tables.map(({ head, rows }) => Render.table(head, rows, colors)).join("\n\n") || "nothing is stored"
}

export const status = Command.make(
  "status",
  { apps, json },
  Effect.fnUntraced(function*({ apps, json: asJson }) {
    const named = yield* StoredRecords.named(apps)
    const settings = yield* configuredSettings
    const now = yield* Clock.currentTimeMillis
    const status = yield* read(named.length > 0 ? named : undefined, now, settings)
    yield* Output.show({ asJson, json: status, text: (colors) => tables(status, { now, colors }) })
  }, Effect.provide(services))
).pipe(
  Command.withDescription(
    "Show how apps stand by what is stored: what would serve, time left, next refresh; asks no source, shows no token"
  )
)
