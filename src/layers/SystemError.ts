/**
 * What the system said, in errors of the platform and of Node.
 *
 * @since 0.1.0
 */
import type { PlatformError } from "effect/PlatformError"
import * as SystemCode from "../services/SystemCode.ts"

/**
 * The code that Node gave an error (`ENOSPC`, `ERR_ACCESS_DENIED`), never its text. `undefined` if it has none.
 *
 * @category accessors
 * @since 0.1.0
 * @stability stable
 */
export const nodeCodeOf = SystemCode.of

/** Some calls throw what the permission model refuses, and of what is thrown the platform keeps the text alone. */
const refused = /^Access to this API has been restricted/

/**
 * The same of an error of the platform.
 *
 * @category accessors
 * @since 0.1.0
 * @stability stable
 */
export const codeOf = ({ reason }: PlatformError): string | undefined =>
  reason._tag === "BadArgument" && refused.test(reason.description ?? "")
    ? SystemCode.accessDenied
    : nodeCodeOf(reason.cause)
