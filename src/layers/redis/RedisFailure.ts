/** What Redis said, without the values that it was sent. */
import type * as Redis from "effect/persistence/Redis"

/**
 * A fixed sentence for a failing command. An answer of the server is told by its first word (`OOM`, `READONLY`,
 * `NOAUTH`), a failing connection by its code: what follows may hold what was to be written.
 */
export const whyOf = ({ cause }: Redis.RedisError): string => {
  const error = typeof cause === "object" && cause !== null ? cause : {}
  const code = "code" in error ? String(error.code) : ""
  if (/^E[A-Z0-9]{1,20}$/.test(code)) return `Redis cannot be reached (${code})`
  const word = "message" in error ? /^([A-Z]{2,20})(?= )/.exec(String(error.message))?.[1] : undefined
  return word === undefined ? "Redis cannot be reached" : `Redis refused it (${word})`
}
