/** The code of an error of the system or of Node. */

/** What Node answers for what its permission model (`--permission`) does not allow. */
export const accessDenied = "ERR_ACCESS_DENIED"

/** The code that Node gave an error (`ENOSPC`, `ERR_ACCESS_DENIED`), never its text. `undefined` if it has none. */
export const of = (cause: unknown): string | undefined => {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined
  return typeof code === "string" && /^E[A-Z0-9_]{1,30}$/.test(code) ? code : undefined
}
