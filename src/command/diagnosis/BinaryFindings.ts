/** What is found as flyctl. */
import type { Inspected } from "../../layers/fly/Flyctl.ts"
import { optionName } from "../../services/OptionName.ts"
import { type Finding, finding, severity } from "./Finding.ts"

/** Programs of the name `fly` that are not flyctl. */
export const passedOver = ({ passedOver, used }: Inspected): ReadonlyArray<Finding> =>
  used._tag === "Found" && passedOver.length > 0
    ? [
      finding(
        "note",
        `passed over: ${passedOver.join(", ")} (not Fly.io's flyctl; Concourse's client is called fly too)`,
        `option ${optionName("binary")} with the path of flyctl saves the detour`
      )
    ]
    : []

export const binary = (inspected: Inspected, needed: boolean): ReadonlyArray<Finding> => {
  const { used } = inspected
  return used._tag === "Missing"
    ? [finding(severity(needed), used.reason.message, used.reason.hint)]
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
  if (used.failure?._tag === "HomeUnusable") {
    return finding(severity(needed), used.failure.message, used.failure.hint)
  }
  if (used.version === undefined) {
    return finding(
      "warning",
      `${used.path} does not say its version`,
      `run \`fly version upgrade\`, or name another flyctl with option ${optionName("binary")}`
    )
  }
  return isBelow(used.version, [0, 4, 44])
    ? finding(
      "note",
      `flyctl ${used.version}; one this old may not know \`tokens create readonly --json\``,
      "run `fly version upgrade` if a get says that flyctl is too old"
    )
    : finding("ok", `flyctl ${used.version}`)
}
