/** Whether the organization that a mint is for is the right one. */
import type { Organization } from "../../minting/MintExplanation.ts"
import { optionName } from "../../services/OptionName.ts"
import { isAppName } from "../../token/AppName.ts"
import { quote } from "../../token/Redaction.ts"
import { type Finding, finding, severity } from "./Finding.ts"

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
  switch (found._tag) {
    case "Confirmed":
      return []
    case "Contradicted":
      if (!isAppName(found.actual)) return [named(app ?? "it", found.actual, needed)]
      return [
        finding(
          severity(needed),
          `${option} says ${found.slug}, but flyctl says that ${app} is in organization ${found.actual}`,
          `set ${option} to ${found.actual}, or leave it out`
        )
      ]
    case "AppUnseen":
      return app === undefined ? [] : [
        finding(
          "warning",
          `flyctl sees apps of organization ${found.slug}, but no app ${app}`,
          "check the app's name (`fly apps list`)"
        )
      ]
    case "Unseen":
      return [
        finding(
          severity(needed),
          `no organization found for ${found.slug}: flyctl sees no app that is in it`,
          `set ${option} to the slug of the app's organization (\`fly orgs list\`), or leave it out`
        )
      ]
    case "Unchecked":
      return [
        finding(
          "warning",
          `whether there is an organization ${found.slug} could not be checked: ${found.reason.message}`,
          found.reason.hint
        )
      ]
  }
}
