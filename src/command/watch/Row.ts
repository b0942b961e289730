/** How a watched app stands: what the resolver says of it, and how the last `get` ended. */
import type { NoTokenAvailable } from "../../services/TokenError.ts"
import type { TokenStatus } from "../../services/TokenProvider.ts"
import * as Render from "../Render.ts"

/** The last failure of an app. Times are epoch milliseconds. */
export interface LastFailure {
  readonly error: NoTokenAvailable
  readonly at: number
  /** When the sources are asked again; `null` if the resolver's own plan is all there is. */
  readonly nextTryAt: number | null
}

export interface Row {
  readonly status: TokenStatus
  readonly failure: LastFailure | undefined
}

export const head: ReadonlyArray<string> = ["APP", "SOURCE", "TOKEN", "TIME LEFT", "NEXT REFRESH", "LAST FAILURE"]

/** The reasons that tell something, in one line: that a source has nothing is no news if another one has a real one. */
export const summary = (error: NoTokenAvailable): string => {
  const telling = error.attempts.filter(({ reason }) => !["NotFound", "Disabled", "NotNewer"].includes(reason._tag))
  const shown = (telling.length > 0 ? telling : error.attempts).map(({ reason, source }) =>
    `${source}: ${reason.message}`
  )
  return shown.join("; ")
}

/** Counts down to the second in the last hour, to the minute before. */
const left = (millis: number): string => {
  const seconds = Math.max(0, Math.floor(millis / 1_000))
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60
  ]
  if (days > 0) return `${days} d ${hours} h`
  if (hours > 0) return `${hours} h ${minutes} min`
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`
}

/** A row as text, in the order of {@link head}. */
export const cells = ({ failure, status }: Row, now: number): ReadonlyArray<string> => {
  const hasToken = status.source !== null
  const next = status.inFlight
    ? "now"
    : status.refreshAt !== null
    ? `in ${left(status.refreshAt - now)}`
    : failure?.nextTryAt != null && !hasToken
    ? `in ${left(failure.nextTryAt - now)}`
    : hasToken
    ? "never"
    : "-"
  return [
    status.app,
    status.source ?? (failure === undefined ? "…" : "none"),
    status.fingerprint ?? "-",
    !hasToken ? "-" : status.expiresAt === null ? "no end" : left(status.expiresAt - now),
    next,
    failure === undefined
      ? "-"
      : `${Render.fromNow(failure.at, Math.max(now, failure.at + 1))}: ${summary(failure.error)}`
  ]
}
