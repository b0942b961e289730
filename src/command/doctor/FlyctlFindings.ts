/** The program that is found as flyctl, and the organization that it mints for. */
import type { Inspected } from "../../layers/fly/Flyctl.ts"
import type { Organization } from "../../minting/MintExplanation.ts"
import { optionName } from "../../services/OptionName.ts"
import { isAppName } from "../../token/AppName.ts"
import { quote } from "../../token/Redaction.ts"
import { because, type Finding, finding, severity } from "./Finding.ts"

/** Programs of the name `fly` that are not flyctl. */
export const passedOver = ({ passedOver, used }: Inspected): ReadonlyArray<Finding> => {
  if (used._tag === "Missing" || passedOver.length === 0) return []
  const message = `passed over: ${passedOver.join(", ")} (not Fly.io's flyctl; Concourse's client is called fly too)`
  return [finding("note", message, `option ${optionName("binary")} with the path of flyctl saves the detour`)]
}

export const binary = (inspected: Inspected, needed: boolean): ReadonlyArray<Finding> => {
  const { used } = inspected
  return used._tag === "Missing"
    ? [because(severity(needed), used.reason)]
    : [finding("ok", used.path), ...passedOver(inspected)]
}

/** Whether a version is below another one; what is no version is not. */
const isBelow = (version: string, other: ReadonlyArray<number>): boolean => {
  const parts = /^(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number)
  if (parts === undefined) return false
  const at = other.findIndex((number, index) => number !== parts[index])
  return at !== -1 && parts[at]! < other[at]!
}

export const version = ({ used }: Inspected, needed: boolean): Finding => {
  if (used._tag === "Missing") return finding("skipped", "there is no flyctl to ask")
  // Then no call of it does anything, and upgrading it is a call as well.
  if (used.failure?._tag === "HomeUnusable") return because(severity(needed), used.failure)
  if (used.version === undefined) {
    const hint = `run \`fly version upgrade\`, or name another flyctl with option ${optionName("binary")}`
    return finding("warning", `${used.path} does not say its version`, hint)
  }
  if (!isBelow(used.version, [0, 4, 44])) return finding("ok", `flyctl ${used.version}`)
  const message = `flyctl ${used.version}; one this old may not know \`tokens create readonly --json\``
  return finding("note", message, "run `fly version upgrade` if a get says that flyctl is too old")
}

const option = `option ${optionName("org")}`

/** The organization that flyctl names for an app. What is no slug is none that a mint could be for. */
export const named = (app: string, slug: string, needed: boolean): Finding =>
  isAppName(slug)
    ? finding("ok", `${app} is in ${slug}`)
    : finding(
      severity(needed),
      `flyctl says that ${app} is in organization ${quote(slug)}, which is no slug`,
      `set ${option} to the organization's slug (\`fly orgs list\`), and check which program is found as flyctl`
    )

/** What is odd about the organization; empty if nothing is. `app` is the app that is asked for, if any. */
export const organization = (
  found: Organization,
  app: string | undefined,
  needed: boolean
): ReadonlyArray<Finding> => {
  const { slug } = found
  switch (found._tag) {
    case "Confirmed":
      return []
    case "Contradicted": {
      if (!isAppName(found.actual)) return [named(app ?? "it", found.actual, needed)]
      const message = `${option} says ${slug}, but flyctl says that ${app} is in organization ${found.actual}`
      return [finding(severity(needed), message, `set ${option} to ${found.actual}, or leave it out`)]
    }
    case "AppUnseen": {
      if (app === undefined) return []
      const message = `flyctl sees apps of organization ${slug}, but no app ${app}`
      return [finding("warning", message, "check the app's name (`fly apps list`)")]
    }
    case "Unseen": {
      const hint = `set ${option} to the slug of the app's organization (\`fly orgs list\`), or leave it out`
      return [finding(severity(needed), `no organization found for ${slug}: flyctl sees no app that is in it`, hint)]
    }
    case "Unchecked": {
      const message = `whether there is an organization ${slug} could not be checked: ${found.reason.message}`
      return [finding("warning", message, found.reason.hint)]
    }
  }
}
