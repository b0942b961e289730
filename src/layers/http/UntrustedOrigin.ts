/**
 * A request that would take a token out of Fly's hands.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { failure } from "../../services/Failure.ts"
import { quote } from "../../token/Redaction.ts"

/**
 * The request goes to an origin that is neither one of Fly's APIs nor among `trustedOrigins`. Nothing was sent, and no
 * source was asked for a token.
 *
 * @category errors
 * @since 0.1.0
 * @stability stable
 */
export class UntrustedOrigin extends failure<UntrustedOrigin>()("UntrustedOrigin", {
  /** Scheme, host and port, quoted; nothing else of the URL. */
  origin: Schema.String
}, {
  message: ({ origin }) => `no Fly token goes to ${origin}: it is no API of Fly's, and not among trustedOrigins`
}) {
  /**
   * The error for a URL.
   *
   * @category constructors
   */
  static of(url: URL): UntrustedOrigin {
    return new UntrustedOrigin({ origin: quote(url.host === "" ? url.protocol : `${url.protocol}//${url.host}`) })
  }
}
