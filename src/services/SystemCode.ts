/**
 * The code of an error of the system or of Node.
 *
 * @since 0.1.0
 */

/**
 * What Node answers for what its permission model (`--permission`) does not allow.
 *
 * @category constants
 * @since 0.1.0
 * @stability stable
 */
export const accessDenied = "ERR_ACCESS_DENIED"

/**
 * The code that Node gave an error (`ENOSPC`, `ERR_ACCESS_DENIED`), never its text. `undefined` if it has none.
 *
 * @category accessors
 * @since 0.1.0
 * @stability stable
 */
export const of = (cause: unknown): string | undefined => {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined
  return typeof code === "string" && /^E[A-Z0-9_]{1,30}$/.test(code) ? code : undefined
}
