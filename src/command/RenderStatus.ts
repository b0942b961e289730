/** What `status` prints. */
import { visibleJson } from "../token/Visible.ts"
import * as Render from "./Render.ts"
import type { AppStanding, OrgStanding, Standing } from "./Standing.ts"

const away = (at: number | null, now: number): string =>
  at === null ? "never" : at - now < 1_000 ? "now" : Render.fromNow(at, now)

/** What is said of a token that is not the one in the row. */
const inWords = (standing: Standing): string => {
  if (standing === null) return "-"
  if ("problem" in standing) return standing.problem
  return standing.unusable ?? `${standing.fingerprint}`
}

const cells = (standing: Standing, now: number): ReadonlyArray<string> =>
  standing === null || "problem" in standing || standing.unusable !== null
    ? ["-", "-", "-", "-"]
    : [
      standing.fingerprint,
      Render.fromNow(standing.expiresAt, now),
      away(standing.refreshAt, now),
      Render.fromNow(standing.savedAt, now)
    ]

const serving = (app: AppStanding): Standing => app.serves === null ? null : app[app.serves]

const served = (app: AppStanding): string =>
  app.serves ?? (app.cached === null && app.manual === null ? "nothing stored" : "nothing usable")

/** Apps as a table, one row each, and organizations as another. */
export const standings = (
  apps: ReadonlyArray<AppStanding>,
  organizations: ReadonlyArray<OrgStanding> | undefined,
  options: { readonly now: number; readonly colors: boolean }
): string => {
  const { now } = options
  const tables = [
    apps.length === 0
      ? []
      : [Render.table(
        ["APP", "SERVES", "TOKEN", "EXPIRES", "REFRESH", "SAVED", "CACHED", "MANUAL"],
        apps.map((app) => [
          app.app,
          served(app),
          ...cells(serving(app), now),
          inWords(app.cached),
          inWords(app.manual)
        ]),
        options
      )],
    organizations === undefined || organizations.length === 0
      ? []
      : [Render.table(
        ["ORGANIZATION", "TOKEN", "EXPIRES", "REFRESH", "SAVED", ""],
        organizations.map(({ org, token }) => [
          org,
          ...cells(token, now),
          token !== null && !("problem" in token) && token.unusable === null ? "" : inWords(token)
        ]),
        options
      )]
  ].flat()
  return tables.length === 0 ? "nothing is stored" : tables.join("\n\n").replaceAll(/ +$/gm, "")
}

const standingJson = (standing: Standing) =>
  standing === null || "problem" in standing
    ? standing
    : {
      ...standing,
      savedAt: Render.isoTime(standing.savedAt),
      expiresAt: Render.isoTime(standing.expiresAt),
      refreshAt: Render.isoTime(standing.refreshAt)
    }

/** The same as JSON. */
export const standingsJson = (
  apps: ReadonlyArray<AppStanding>,
  organizations: ReadonlyArray<OrgStanding> | undefined
): string =>
  visibleJson({
    apps: apps.map((app) => ({ ...app, cached: standingJson(app.cached), manual: standingJson(app.manual) })),
    ...(organizations === undefined
      ? {}
      : { organizations: organizations.map(({ org, token }) => ({ org, token: standingJson(token) })) })
  })
