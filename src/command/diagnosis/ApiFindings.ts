/** Whether Fly's API can be reached. */
import { type Finding, finding } from "./Finding.ts"
import type { Asked } from "./ServerTime.ts"

/** A warning at most: whether tokens depend on it, the organization's check says, which asks by flyctl. */
export const api = ({ host, proxied, unreachable }: Asked): ReadonlyArray<Finding> => {
  if (host === undefined) {
    return [finding("warning", "FLY_FLAPS_BASE_URL is no URL", "unset it, or set it to one that begins with https://")]
  }
  if (unreachable === undefined) return [finding("ok", `${host} answers`)]
  return proxied
    ? [finding("note", `${unreachable.message} (${host}, asked without the proxy, which flyctl uses)`)]
    : [finding("warning", `${unreachable.message} (${host})`, unreachable.hint)]
}
