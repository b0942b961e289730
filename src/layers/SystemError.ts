/**
 * What the system said, in errors of the platform and of Node.
 *
 * @since 0.1.0
 */
import type { PlatformError } from "effect/PlatformError"

/**
 * The code that Node gave an error (`ENOSPC`, `ERR_ACCESS_DENIED`), never its text. `undefined` if it has none.
 *
 * @category accessors
 * @since 0.1.0
 * @stability stable
 */
export const nodeCodeOf = (cause: unknown): string | undefined => {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : ""
  return /^E[A-Z0-9_]{1,30}$/.test(code) ? code : undefined
}

/**
 * The same of an error of the platform.
 *
 * @category accessors
 * @since 0.1.0
 * @stability stable
 */
export const codeOf = ({ reason }: PlatformError): string | undefined =>
  nodeCodeOf("cause" in reason ? reason.cause : undefined)
