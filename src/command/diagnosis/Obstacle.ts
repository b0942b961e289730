/** Why a request got no answer. */
import { Unreachable } from "../../services/MissReason.ts"

type By = Unreachable["by"]

/** The codes of Node and of its `fetch`, and the word of Bun. */
const codes: Readonly<Record<string, By>> = {
  ECONNREFUSED: "refused",
  ConnectionRefused: "refused",
  ENOTFOUND: "notFound",
  EAI_AGAIN: "notFound",
  EAI_FAIL: "notFound",
  ETIMEDOUT: "timedOut",
  UND_ERR_CONNECT_TIMEOUT: "timedOut",
  UND_ERR_HEADERS_TIMEOUT: "timedOut",
  // Something answered that does not speak TLS, or no HTTP.
  ERR_SSL_WRONG_VERSION_NUMBER: "portal",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "portal"
}

const isCertificate = (code: string) => /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)

const isParser = (code: string) => code.startsWith("HPE_")

/** Errors stand within errors: Effect's around that of `fetch`, around the system's. */
const maxDepth = 8

const codeIn = (error: unknown, depth = 0): string | undefined => {
  if (typeof error !== "object" || error === null || depth > maxDepth) return undefined
  const { cause, code, errors, reason } = error as Record<string, unknown>
  if (typeof code === "string" && code !== "") return code
  const inner = [cause, reason, ...(Array.isArray(errors) ? errors.slice(0, 1) : [])]
  for (const each of inner) {
    const found = codeIn(each, depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}

/** What stands in the way, by the codes in an error; nothing of its text. */
export const of = (error: unknown): Unreachable => {
  const code = codeIn(error) ?? ""
  return new Unreachable({
    by: codes[code] ?? (isCertificate(code) ? "certificate" : isParser(code) ? "portal" : "network")
  })
}
