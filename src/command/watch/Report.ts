/** What `watch` prints where there is no terminal: a line per app at the start, a line per event. */
import { whyAt } from "../../services/Lease.ts"
import type { NoTokenAvailable } from "../../services/TokenError.ts"
import type { TokenEvent } from "../../services/TokenEvent.ts"
import { told } from "../../token/Redaction.ts"
import * as Failure from "../Failure.ts"
import * as Render from "../Render.ts"

/** The last failure of an app. */
export type LastFailure = Pick<Extract<TokenEvent, { readonly _tag: "RefreshFailed" }>, "error" | "at">

/** That an app is watched, or an event of the resolver. */
export type Report =
  | { readonly _tag: "Watching"; readonly app: string; readonly at: number }
  | TokenEvent

/** The reasons that tell something, in one line: that a source has nothing is no news if another one has a real one. */
export const summary = (error: NoTokenAvailable): string => {
  const telling = error.attempts.filter(({ reason }) => !["NotFound", "Disabled", "NotNewer"].includes(reason._tag))
  return (telling.length > 0 ? telling : error.attempts).map(({ reason, source }) => `${source}: ${reason.message}`)
    .join("; ")
}

const time = (millis: number | null, none: string): string => Render.isoTime(millis) ?? none

const words = (report: Report): string => {
  switch (report._tag) {
    case "Watching":
      return "is watched"
    case "Acquired":
    case "Refreshed": {
      const instead = report._tag === "Refreshed" ? ` instead of ${report.replaced}` : ""
      const expiry = time(report.expiresAt, "no known time")
      return `got ${report.fingerprint} from ${report.source}${instead}, expires at ${expiry}`
    }
    case "RefreshFailed": {
      const next = report.nextTryAt === null ? "no further try" : `next try at ${Render.isoTime(report.nextTryAt)}`
      return `${report.expiresAt === null ? "has no token" : "was not refreshed"}: ${summary(report.error)}; ${next}`
    }
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

export const line = (report: Report): string =>
  told`${Render.isoTime(report.at) ?? report.at} ${"app" in report ? report.app : report.name} ${words(report)}`

/** An error as what it says: of a failed run its attempts. */
const details = (report: Report) => {
  switch (report._tag) {
    case "RefreshFailed":
      return { attempts: Failure.attempts(report.error) }
    case "PersistFailed":
      return { reason: report.reason.message }
    case "LeaseUnavailable":
      return { why: report.error.why }
    default:
      return {}
  }
}

/** A report as one line of JSON: its tag as `event`, and its fields. */
export const jsonLine = (report: Report): string => {
  const { _tag: event, at, ...fields } = report
  return Render.json({ at, event, ...fields, error: undefined, ...details(report) })
}
