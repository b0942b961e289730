/** Why an app has the token that it has, or none: what the sources say, and what stands behind it. */
import type { Inspected } from "../../layers/fly/Flyctl.ts"
import type { FlyLogin } from "../../layers/fly/FlyLogin.ts"
import type { Answer } from "../../minting/MintExplanation.ts"
import type { Explained } from "../../resolver/Explanation.ts"
import { hintOf } from "../../services/AttemptHint.ts"
import type { Environment } from "../../services/Environment.ts"
import type { MissReason } from "../../services/MissReason.ts"
import type { SourceName } from "../../services/SourceName.ts"
import type { FlyToken } from "../../token/FlyToken.ts"
import { notBefore } from "../../token/Grants.ts"
import { told } from "../../token/Redaction.ts"
import * as Render from "../Render.ts"
import * as Finding from "./Finding.ts"
import * as FlyctlFindings from "./FlyctlFindings.ts"
import * as ServerTime from "./ServerTime.ts"
import * as TokenFindings from "./TokenFindings.ts"

/** One source, as `--json` tells of it, and the token that is there, usable or not. */
export interface Row {
  readonly source: SourceName
  /**
   * `used`: a `get` takes its token; `usable`: it would if those before had none; `mint`: a `get` asks flyctl for a new
   * token if those before have none; `miss`: it has nothing that can be used.
   */
  readonly state: "used" | "usable" | "mint" | "miss"
  readonly token: FlyToken | undefined
  readonly fingerprint: string | null
  /** Where the token is from, if the source alone does not say. */
  readonly from: string | null
  /** The organization that a mint would be for, if not for the app alone. */
  readonly organization: string | null
  readonly expiresAt: number | null
  readonly reason: MissReason["_tag"] | null
  readonly message: string | null
  readonly hint: string | null
  readonly findings: ReadonlyArray<Finding.Finding>
}

export interface AppDiagnosis {
  readonly app: string
  /** Where a `get` takes a token, by a mint for `cli` if its state is `mint`; `null` if it fails. */
  readonly taken: SourceName | null
  readonly sources: ReadonlyArray<Row>
  /** What concerns all sources. */
  readonly findings: ReadonlyArray<Finding.Finding>
}

export interface Facts {
  readonly app: string
  readonly now: number
  readonly explained: ReadonlyArray<Explained>
  readonly environment: Environment["Service"]
  readonly login: FlyLogin | undefined
  readonly inspected: Inspected | undefined
  readonly server: ServerTime.Asked | undefined
}

const candidateOf = (answer: Answer) => answer._tag === "WouldMint" ? undefined : answer.candidate

const cliFindings = (answer: Answer, facts: Facts): ReadonlyArray<Finding.Finding> => {
  const { app, environment, explained, inspected, login, now } = facts
  const organization = "organization" in answer ? answer.organization : undefined
  const missed = answer._tag === "Miss"
  const environmentMissed = explained.some(({ answer, source }) => source === "env" && answer._tag === "Miss")
  const limited = environmentMissed ? [] : TokenFindings.mintRight(environment)
  const hasEnvironmentToken = !environmentMissed && TokenFindings.variableOf(environment) !== undefined
  // An answer that flyctl gives to those who are logged in only counts more than what its file looks like.
  const isLoggedIn = organization !== undefined && organization._tag !== "Unchecked" && !hasEnvironmentToken
  const asksLogin = answer._tag !== "Usable" && (!hasEnvironmentToken || limited.length > 0) &&
    !(isLoggedIn && login?.token._tag === "Failure")
  return [
    ...limited,
    ...(asksLogin && login !== undefined ? TokenFindings.login(login, now, missed) : []),
    // Why it could not be checked is the source's reason already.
    ...(organization === undefined || (missed && organization._tag === "Unchecked")
      ? []
      : FlyctlFindings.organization(organization, app, answer._tag !== "Usable")),
    ...(inspected === undefined ? [] : FlyctlFindings.passedOver(inspected))
  ]
}

const momentsOf = ({ answer, source }: Explained): ReadonlyArray<ServerTime.PastMoment> => {
  const candidate = candidateOf(answer)
  return candidate === undefined ? [] : [
    [`the token of ${source} begins to be valid`, notBefore(candidate.token)],
    [`the token of ${source} was stored`, candidate.acquiredAt]
  ]
}

const findingsOf = ({ answer, source }: Explained, facts: Facts): ReadonlyArray<Finding.Finding> => {
  const { app, environment } = facts
  if (source === "cli") return cliFindings(answer, facts)
  if (source !== "env") return []
  const handedOut = answer._tag === "Miss" ? [] : TokenFindings.handedOut(environment, app)
  return [...TokenFindings.variables(environment), ...handedOut]
}

const states = { Usable: "usable", WouldMint: "mint", Miss: "miss" } as const

const rowOf = (explained: Explained, facts: Facts, taken: SourceName | null): Row => {
  const { answer, source } = explained
  const token = candidateOf(answer)?.token
  const reason = answer._tag === "Miss" ? answer.reason : undefined
  const from: Partial<Record<SourceName, string | undefined>> = {
    env: TokenFindings.variableOf(facts.environment)?.name,
    cli: "stored for the organization"
  }
  return {
    source,
    state: answer._tag === "Usable" && source === taken ? "used" : states[answer._tag],
    token,
    fingerprint: token?.fingerprint ?? null,
    from: token === undefined ? null : from[source] ?? null,
    organization: answer._tag === "WouldMint" && answer.mintFor === "organization" ? answer.organization.slug : null,
    expiresAt: answer._tag === "Usable" && Number.isFinite(answer.expiresAt)
      ? answer.expiresAt
      : token?.expiresAt ?? null,
    reason: reason?._tag ?? null,
    message: reason?.message ?? null,
    hint: reason === undefined ? null : hintOf({ source, reason }),
    findings: findingsOf(explained, facts)
  }
}

export const make = (facts: Facts): AppDiagnosis => {
  const { app, explained, login, now, server } = facts
  const taken = explained.find(({ answer }) => answer._tag !== "Miss")?.source ?? null
  const lastLogin = ["flyctl's last login was", login?.lastLogin ?? null] as const
  const time = server?.time === undefined ? [] : [ServerTime.clock(server)]
  return {
    app,
    taken,
    sources: explained.map((each) => rowOf(each, facts, taken)),
    // What was measured says it better than what was concluded.
    findings: time.some(Finding.matters)
      ? time
      : ServerTime.fromTheFuture([...explained.flatMap(momentsOf), lastLogin], now)
  }
}

const hasOf = ({ from, organization, state, token }: Row): string => {
  if (state === "mint") return `nothing yet for ${organization === null ? "this app" : `organization ${organization}`}`
  if (token === undefined) return "-"
  const { macaroons, userTokens } = token.size
  const parts = [[macaroons, "macaroon"], [userTokens, "user token"]] as const
  const size = parts.flatMap(([count, what]) => count === 0 ? [] : [Render.plural(count, what)]).join(", ")
  return `token ${token.fingerprint} (${size || "empty"})${from === null ? "" : `, ${from}`}`
}

const cells = (row: Row, now: number): ReadonlyArray<string> => [
  row.source.padEnd(7),
  row.state,
  hasOf(row),
  row.token === undefined ? "-" : Render.expiry(row.expiresAt, now),
  row.message ?? (row.state === "mint" ? "would mint a read-only token (not tried)" : "")
]

/** The reason's own hint first; what says nothing new is left out. */
const below = ({ findings, hint, reason }: Row, colors: boolean): ReadonlyArray<string> => {
  const said = new Set([reason === "NotFound" ? null : hint])
  const lines = [...said].flatMap((hint) => hint === null ? [] : [Render.hint(hint, 11, colors)])
  for (const finding of findings) {
    lines.push(...Finding.lines(said.has(finding.hint) ? { ...finding, hint: null } : finding, colors, 11))
    said.add(finding.hint)
  }
  return lines
}

const verdict = ({ app, sources, taken }: AppDiagnosis): string => {
  if (taken === null) return told`a get of ${app} would fail: no source has a usable token`
  return sources.find(({ source }) => source === taken)?.state === "mint"
    ? told`a get of ${app} would ask flyctl to mint a token`
    : told`a get of ${app} would take the token of ${taken}`
}

/** The sources as a table, what to do below each of them. */
export const text = (diagnosis: AppDiagnosis, { colors, now }: Render.Style): string => {
  const { findings, sources } = diagnosis
  const columns = ["SOURCE", "STATE", "HAS", "EXPIRES", "WHY NOT"]
  const [head, ...lines] = Render.table(columns, sources.map((row) => cells(row, now)), colors).split("\n")
  return [
    verdict(diagnosis),
    "",
    `  ${head}`,
    ...lines.flatMap((line, index) => [`  ${line}`, ...below(sources[index]!, colors)]),
    ...(findings.length === 0 ? [] : [""]),
    ...findings.flatMap((finding) => Finding.lines(finding, colors))
  ].join("\n")
}

/** The same for JSON: without the tokens. */
export const json = ({ app, findings, sources, taken }: AppDiagnosis) => ({
  app,
  taken,
  sources: sources.map((row) => ({ ...row, token: undefined })),
  findings
})
