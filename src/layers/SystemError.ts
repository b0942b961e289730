/**
 * What the system said, in errors of the platform.
 *
 * @since 0.1.0
 */
import type { PlatformError } from "effect/PlatformError"

/**
 * The code of the system's error (`ENOSPC`), never its text. `undefined` if it has none.
 *
 * @category accessors
 * @since 0.1.0
 * @stability stable
 */
export const codeOf = ({ reason }: PlatformError): string | undefined => {
  const cause = "cause" in reason ? reason.cause : undefined
  const code = typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : ""
  return /^E[A-Z0-9]{1,20}$/.test(code) ? code : undefined
}
