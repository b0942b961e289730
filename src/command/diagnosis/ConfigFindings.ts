/** flyctl's config file: whether it can be read, by whom, and what its token is worth. */
import * as Result from "effect/Result"
import type { FlyLogin } from "../../layers/fly/FlyLogin.ts"
import * as Usability from "../../policy/Usability.ts"
import { hintOf } from "../../services/AttemptHint.ts"
import { type Finding, finding, orOk } from "./Finding.ts"

/** What there is to say of it. That its token is expired is usual: flyctl's own live for minutes. */
export const config = (login: FlyLogin, now: number): ReadonlyArray<Finding> => {
  const { mode, openLogs, path, token } = login
  if (path === undefined) return [finding("warning", "there is no home directory", "set HOME or FLY_CONFIG_DIR")]
  const logs = openLogs === undefined ? [] : [
    finding(
      "note",
      `${openLogs}: other users can read flyctl's logs, and minted tokens are in them`,
      `chmod 0700 ${openLogs}`
    )
  ]
  if (mode === undefined && Result.isFailure(token)) {
    return [
      token.failure._tag === "NotFound"
        ? finding("note", token.failure.message, "nothing to do, if there is no login on this machine on purpose")
        : finding("warning", token.failure.message, hintOf({ source: "config", reason: token.failure })),
      ...logs
    ]
  }
  const open = mode !== undefined && (mode & 0o077) !== 0
    ? [
      finding(
        "warning",
        `${path} (mode ${(mode & 0o777).toString(8)}): other users can read the login in it`,
        `chmod 600 ${path}`
      )
    ]
    : []
  if (Result.isFailure(token)) {
    return token.failure._tag === "NotFound"
      ? [finding("note", token.failure.message), ...open, ...logs]
      : [
        finding("warning", token.failure.message, hintOf({ source: "config", reason: token.failure })),
        ...open,
        ...logs
      ]
  }
  const { success } = token
  const defect = Usability.whyInvalid(success, success.expiresAt ?? Number.POSITIVE_INFINITY, now)
  if (defect === undefined) return [...orOk(open, () => `${path} holds token ${success.fingerprint}`), ...logs]
  return [
    defect._tag === "Malformed"
      ? finding("warning", `the token in ${path}: ${defect.message}`, hintOf({ source: "config", reason: defect }))
      : finding(
        "note",
        `the token in ${path}: ${defect.message}, so it is not taken from there`,
        hintOf({ source: "config", reason: defect })
      ),
    ...open,
    ...logs
  ]
}
