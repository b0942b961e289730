/** Where a request goes, and whether a token may go there. */
import * as Schema from "effect/Schema"
import type { ApiTarget } from "../../token/FlyToken.ts"
import { quote, told } from "../../token/Redaction.ts"

/**
 * The request goes to an origin that is neither one of Fly's APIs nor among `trustedOrigins`. Nothing was sent, and no
 * source was asked for a token.
 *
 * @category errors
 * @since 0.1.0
 * @stability stable
 */
export class UntrustedOrigin extends Schema.TaggedError<UntrustedOrigin>()("UntrustedOrigin", {
  /** Scheme, host and port, quoted; nothing else of the URL. */
  origin: Schema.String
}) {
  /** The error for a URL. */
  static of(url: URL): UntrustedOrigin {
    return new UntrustedOrigin({ origin: quote(url.host === "" ? url.protocol : `${url.protocol}//${url.host}`) })
  }
  override get message(): string {
    return told`no Fly token goes to ${this.origin}: it is no API of Fly's, and not among trustedOrigins`
  }
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.stack ?? this.toString()
  }
}

/** Where Fly's APIs are, as flyctl has it: paths below it are `/v1/apps/…` and `/graphql`. */
export const baseUrls: Readonly<Record<ApiTarget, string>> = {
  machines: "https://api.machines.dev",
  graphql: "https://api.fly.io"
}

/**
 * The origins that get a token: both APIs (logs are at `api.fly.io`), and the Machines API inside of Fly's private
 * network, which has no TLS.
 */
const flyOrigins: ReadonlyArray<string> = [
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
export const trust = (trusted: ReadonlyArray<URL>): (url: URL) => boolean => {
  const origins = new Set([...flyOrigins, ...trusted.map(webOrigin)])
  return (url) => webOrigin(url) !== undefined && origins.has(webOrigin(url))
}
