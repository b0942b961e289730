/** Where a request goes, and whether a token may go there. */
import type { ApiTarget } from "../../token/FlyToken.ts"

/** Where Fly's APIs are, as flyctl has it: paths below it are `/v1/apps/…` and `/graphql`. */
export const baseUrls: Readonly<Record<ApiTarget, string>> = {
  machines: "https://api.machines.dev",
  graphql: "https://api.fly.io"
}

/**
 * The origins that get a token: both APIs (logs are at `api.fly.io`), and the Machines API inside of Fly's private
 * network, which has no TLS.
 */
export const flyOrigins: ReadonlyArray<string> = [
  "https://api.machines.dev",
  "https://api.fly.io",
  "http://_api.internal:4280"
]

/** `URL.origin` is more: of `blob:https://…` it is that of the URL in it, and of others the text "null". */
const webOrigin = (url: URL): string | undefined =>
  url.protocol === "https:" || url.protocol === "http:" ? url.origin : undefined

const absolute = /^[a-z][a-z0-9+.-]*:/i

/** The whole URL of a request: what is no absolute URL goes below `base`, whatever it looks like. */
export const resolve = (url: string, base: URL): string => {
  if (absolute.test(url)) return url
  // `localhost:4280`, say: it gets no token, and the error is to name it.
  if (webOrigin(base) === undefined) return base.href
  const below = `${base.origin}${base.pathname.replace(/\/+$/, "")}`
  return url === "" || /^[/?#]/.test(url) ? `${below}${url}` : `${below}/${url}`
}

/**
 * Decides where tokens may go. Origins are compared as parsed, so neither a longer host, a user before an `@`, another
 * port nor another scheme passes for one of Fly's.
 */
export const isTrusted = (trusted: ReadonlyArray<URL>): (url: URL) => boolean => {
  const origins: ReadonlySet<string | undefined> = new Set([
    ...flyOrigins,
    ...trusted.map(webOrigin).filter((origin) => origin !== undefined)
  ])
  return (url) => origins.has(webOrigin(url))
}
