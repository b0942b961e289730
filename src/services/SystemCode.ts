/** The code of an error of the system or of Node (`ENOSPC`, `ERR_ACCESS_DENIED`), never its text. */
import type { PlatformError } from "effect/PlatformError"

/** What Node answers for what its permission model (`--permission`) does not allow. */
export const accessDenied = "ERR_ACCESS_DENIED"

/** The code that Node gave an error; `undefined` if it has none. */
export const of = (cause: unknown): string | undefined => {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined
  return typeof code === "string" && /^E[A-Z0-9_]{1,30}$/.test(code) ? code : undefined
}

/** Some calls throw what the permission model refuses, and of what is thrown the platform keeps the text alone. */
const refused = /^Access to this API has been restricted/

/** The same of an error of Effect's platform. */
export const ofPlatform = ({ reason }: PlatformError): string | undefined =>
  reason._tag === "BadArgument" && refused.test(reason.description ?? "") ? accessDenied : of(reason.cause)
