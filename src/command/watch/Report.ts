/** What `watch` prints where there is no terminal: a line per app at the start, a line per event. */
import { whyAt } from "../../services/Lease.ts"
import type { TokenEvent } from "../../services/TokenEvent.ts"
import { told } from "../../token/Redaction.ts"
import { visibleJson } from "../../token/Visible.ts"
import * as Render from "../Render.ts"
import * as Row from "./Row.ts"

/** How an app stands at the start, an event of the resolver, or a `get` that failed. */
export type Report =
  | { readonly _tag: "Watching"; readonly app: string; readonly at: number }
  | ({ readonly _tag: "GetFailed"; readonly app: string } & Row.LastFailure)
  | TokenEvent

const words = (report: Report): string => {
  switch (report._tag) {
    case "Watching":
      return "is watched"
    case "GetFailed":
      return `has no token: ${Row.summary(report.error)}; next try at ${
        Render.isoTime(report.nextTryAt) ?? "an unknown time"
      }`
    case "Acquired":
      return `got ${report.fingerprint} from ${report.source}, expires at ${
        Render.isoTime(report.expiresAt) ?? "no known time"
      }`
    case "Refreshed":
      return `got ${report.fingerprint} from ${report.source} instead of ${report.replaced}, expires at ${
        Render.isoTime(report.expiresAt) ?? "no known time"
      }`
    case "RefreshFailed":
      return `was not refreshed: ${Row.summary(report.error)}; ${
        report.nextTryAt === null ? "no further try" : `next try at ${Render.isoTime(report.nextTryAt)}`
      }`
    case "Rejected":
      return `had ${report.fingerprint} refused by Fly`
    case "Invalidated":
      return "had its cached token dropped"
    case "PersistFailed":
      return `could not be stored: ${report.reason.message}`
    case "LeaseUnavailable":
      return `gets a token without a lease: ${whyAt(report.error)}`
    case "ManualSet":
      return `had its manual token set to ${report.fingerprint}`
    case "ManualRemoved":
      return "had its manual token removed"
    case "Evicted":
      return "is idle; its token stays cached"
  }
}

const subject = (report: Report): string => "app" in report ? report.app : report.name

/** A report as one line. */
export const line = (report: Report): string =>
  told`${Render.isoTime(report.at) ?? report.at} ${subject(report)} ${words(report)}`

/** Every time is ISO time, every error its message or, of a failed run, its reasons. */
const value = (key: string, field: unknown): unknown => {
  if (key === "at" || key.endsWith("At")) return Render.isoTime(field as number | null)
  if (typeof field === "object" && field !== null && "message" in field) return String(field.message)
  return field
}

/** A report as one line of JSON: its tag as `event`, and its fields. */
export const jsonLine = (report: Report): string => {
  const { _tag, at, ...fields } = report
  const told = Object.entries(fields).filter(([key]) => key !== "error").map(([key, field]) => [key, value(key, field)])
  return visibleJson({
    at: Render.isoTime(at),
    event: _tag,
    ...Object.fromEntries(told),
    ...(report._tag === "GetFailed" || report._tag === "RefreshFailed"
      ? { attempts: JSON.parse(Render.failureJson(report.error)).attempts }
      : report._tag === "LeaseUnavailable"
      ? { why: report.error.why }
      : {})
  })
}
