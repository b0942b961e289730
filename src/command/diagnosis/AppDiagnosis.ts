/** Why an app has the token that it has, or none: what the sources say, and what stands behind it. */
import type { Inspected } from "../../layers/fly/Flyctl.ts"
import type { FlyLogin } from "../../layers/fly/FlyLogin.ts"
import type { Answer, Explained } from "../../resolver/Explanation.ts"
import type { Environment } from "../../services/Environment.ts"
import type { MissReason } from "../../services/MissReason.ts"
import type { SourceName } from "../../services/SourceName.ts"
import type { FlyToken } from "../../token/FlyToken.ts"
import { notBefore } from "../../token/Grants.ts"
import * as BinaryFindings from "./BinaryFindings.ts"
import * as ClockFindings from "./ClockFindings.ts"
import * as EnvironmentFindings from "./EnvironmentFindings.ts"
import { type Finding, matters } from "./Finding.ts"
import * as LoginFindings from "./LoginFindings.ts"
import * as OrganizationFindings from "./OrganizationFindings.ts"
import type { ServerTime } from "./ServerTime.ts"

/**
 * One source. Its state: `used`, a `get` takes its token; `usable`, it would if those before had none; `mint`, a `get`
 * asks flyctl for a new token if those before have none; `miss`, it has nothing that can be used.
 */
export interface Row {
  readonly source: SourceName
  readonly state: "used" | "usable" | "mint" | "miss"
  /** The token that is there, usable or not. */
  readonly token: FlyToken | undefined
  /** Where it is from, if the source alone does not say. */
  readonly from: string | undefined
  /** Epoch milliseconds; `null` if that is not known. */
  readonly expiresAt: number | null
  /** The organization that a mint would be for, if not for the app alone. */
  readonly organization: string | undefined
  readonly reason: MissReason | undefined
  readonly findings: ReadonlyArray<Finding>
}

export interface AppDiagnosis {
  readonly app: string
  /** Where a `get` takes a token, by a mint for `cli` if its state is `mint`; `undefined` if it fails. */
  readonly taken: SourceName | undefined
  readonly rows: ReadonlyArray<Row>
  /** What concerns all sources. */
  readonly findings: ReadonlyArray<Finding>
}

/** What the diagnosis is made from. */
export interface Facts {
  readonly app: string
  readonly now: number
  readonly explained: ReadonlyArray<Explained>
  readonly environment: Environment["Service"]
  readonly login: FlyLogin | undefined
  readonly inspected: Inspected | undefined
  readonly serverTime: ServerTime | undefined
}

const candidateOf = (answer: Answer) => answer._tag === "WouldMint" ? undefined : answer.candidate

/** Whether flyctl gave an answer that it gives to those who are logged in only. */
const wasAnswered = (answer: Answer): boolean =>
  "organization" in answer && answer.organization !== undefined && answer.organization._tag !== "Unchecked"

const cliFindings = (answer: Answer, facts: Facts): ReadonlyArray<Finding> => {
  const { app, environment, explained, inspected, login, now } = facts
  const organization = "organization" in answer ? answer.organization : undefined
  const environmentMissed = explained.some(({ answer, source }) => source === "env" && answer._tag === "Miss")
  const limited = environmentMissed ? [] : EnvironmentFindings.mintRight(environment)
  const hasEnvironmentToken = !environmentMissed && EnvironmentFindings.variableOf(environment) !== undefined
  const asksLogin = answer._tag !== "Usable" && (!hasEnvironmentToken || limited.length > 0) &&
    // flyctl's word counts more than what its file looks like.
    !(wasAnswered(answer) && !hasEnvironmentToken && login?.token._tag === "Failure")
  return [
    ...limited,
    ...(asksLogin && login !== undefined
      ? LoginFindings.login(login, { now, needed: answer._tag === "Miss" })
      : []),
    // Why it could not be checked is the source's reason already.
    ...(organization === undefined || (answer._tag === "Miss" && organization._tag === "Unchecked")
      ? []
      : OrganizationFindings.organization(organization, app, answer._tag !== "Usable")),
    ...(inspected === undefined ? [] : BinaryFindings.passedOver(inspected))
  ]
}

const momentsOf = ({ answer, source }: Explained): ReadonlyArray<ClockFindings.PastMoment> => {
  const candidate = candidateOf(answer)
  if (candidate === undefined) return []
  return [
    { what: `the token of ${source} begins to be valid`, at: notBefore(candidate.token) },
    { what: `the token of ${source} was stored`, at: candidate.acquiredAt }
  ]
}

const rowOf = (facts: Facts, { answer, source }: Explained, taken: SourceName | undefined): Row => {
  const token = candidateOf(answer)?.token
  return {
    source,
    state: answer._tag === "Miss"
      ? "miss"
      : answer._tag === "WouldMint"
      ? "mint"
      : source === taken
      ? "used"
      : "usable",
    token,
    from: token === undefined
      ? undefined
      : source === "env"
      ? EnvironmentFindings.variableOf(facts.environment)?.name
      : source === "cli"
      ? "stored for the organization"
      : undefined,
    expiresAt: answer._tag === "Usable" && Number.isFinite(answer.expiresAt)
      ? answer.expiresAt
      : token?.expiresAt ?? null,
    organization: answer._tag === "WouldMint" && answer.mintFor === "organization"
      ? answer.organization.slug
      : undefined,
    reason: answer._tag === "Miss" ? answer.reason : undefined,
    findings: source === "env"
      ? [
        ...EnvironmentFindings.variables(facts.environment),
        ...(answer._tag === "Miss" ? [] : EnvironmentFindings.handedOut(facts.environment, facts.app))
      ]
      : source === "cli"
      ? cliFindings(answer, facts)
      : []
  }
}

/** Puts the facts together. */
export const make = (facts: Facts): AppDiagnosis => {
  const { explained, login, now, serverTime } = facts
  const taken = explained.find(({ answer }) => answer._tag !== "Miss")?.source
  const future = ClockFindings.fromTheFuture(
    [...explained.flatMap(momentsOf), { what: "flyctl's last login was", at: login?.lastLogin ?? null }],
    now
  )
  const measured = serverTime === undefined ? [] : [ClockFindings.against(serverTime, serverTime.here)]
  return {
    app: facts.app,
    taken,
    rows: explained.map((each) => rowOf(facts, each, taken)),
    // What was measured says it better than what was concluded.
    findings: measured.some(matters) ? measured : future
  }
}
