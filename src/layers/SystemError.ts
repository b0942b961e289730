/** What the system said, in errors of the platform and of Node. */
import type { PlatformError } from "effect/PlatformError"
import * as SystemCode from "../services/SystemCode.ts"

/** The code that Node gave an error (`ENOSPC`, `ERR_ACCESS_DENIED`), never its text. `undefined` if it has none. */
export const nodeCodeOf = SystemCode.of

/** Some calls throw what the permission model refuses, and of what is thrown the platform keeps the text alone. */
const refused = /^Access to this API has been restricted/

/** The same of an error of the platform. */
export const codeOf = ({ reason }: PlatformError): string | undefined =>
  reason._tag === "BadArgument" && refused.test(reason.description ?? "")
    ? SystemCode.accessDenied
    : nodeCodeOf(reason.cause)
